// Each kernel of each kernel set that this CPU runs, on the shapes of the published models: <kernel>/<set>/<model>/<size>/stage:<n>/<what>.
#include <algorithm>
#include <string>

#include <cvt/config.hpp>
#include <cvt/kernels/select.hpp>
#include <cvt/network/attention.hpp>

#include "harness.hpp"
#include "memory.hpp"

namespace {

using cvt::kernels::epilogue;
using cvt::kernels::kernel_set;
using cvt_bench::array;
using cvt_bench::filled;

std::size_t size(std::ptrdiff_t n) { return static_cast<std::size_t>(n); }

struct product {
    std::ptrdiff_t rows, n, k;
    epilogue then = epilogue::none;
};

/// out(rows, n) = in(rows, k) * W^T, by tiles of rows as the layers do it.
void linear(benchmark::State& state, const kernel_set& set, const product& p) {
    const auto in = filled("in", size(p.rows * p.k)), bias = filled("bias", size(p.n));
    auto packed = array(set.packed_size(p.n, p.k)), out = array(size(p.rows * p.n));
    set.pack(filled("weights", size(p.n * p.k)).data(), p.k, 1, p.n, p.k, packed.data(), p.k);
    const double seconds = cvt_bench::seconds_each(state, [&] {
        for (std::ptrdiff_t r = 0; r < p.rows; r += set.tile_rows)
            set.linear({in.data() + r * p.k, p.k, std::min(set.tile_rows, p.rows - r), packed.data(), bias.data(), p.n, p.k,
                        out.data() + r * p.n, p.n, p.then});
    });
    cvt_bench::report_work(state, seconds, p.rows * p.n * p.k, set.name);
}

/// Packing weights (n, k), as at load and as each head's keys are.
void pack(benchmark::State& state, const kernel_set& set, std::ptrdiff_t n, std::ptrdiff_t k) {
    const auto weights = filled("weights", size(n * k));
    auto packed = array(set.packed_size(n, k));
    const double seconds = cvt_bench::seconds_each(state, [&] { set.pack(weights.data(), k, 1, n, k, packed.data(), k); });
    cvt_bench::report_traffic(state, seconds, 2 * n * k);
}

void softmax(benchmark::State& state, const kernel_set& set, std::ptrdiff_t columns) {
    auto x = filled("scores", size(set.tile_rows * columns)), shares = array(size(set.tile_rows));
    const double seconds = cvt_bench::seconds_each(state, [&] { set.softmax(x.data(), columns, set.tile_rows, columns, shares.data()); });
    cvt_bench::report_traffic(state, seconds, 2 * set.tile_rows * columns);
}

/// Attention of one head over a tile of queries after another, as the layer does it: q k^T, softmax, p v.
void attention(benchmark::State& state, const kernel_set& set, const cvt::model_shape::stage_shape& shape, std::ptrdiff_t width) {
    const std::ptrdiff_t queries = shape.queries(), keys = shape.key_count(), tile = cvt::layers::score_rows(shape, set);
    const auto q = filled("q", size(queries * width)), kv = filled("kv", size(keys * width));
    auto packed_k = array(set.packed_size(keys, width)), packed_v = array(set.packed_size(width, keys));
    auto scores = array(size(tile * keys)), shares = array(size(tile)), out = array(size(queries * width));
    set.pack(kv.data(), width, 1, keys, width, packed_k.data(), width);
    set.pack(kv.data(), 1, width, width, keys, packed_v.data(), keys);
    const double seconds = cvt_bench::seconds_each(state, [&] {
        for (std::ptrdiff_t r = 0; r < queries; r += tile) {
            const std::ptrdiff_t rows = std::min(tile, queries - r);
            set.linear({q.data() + r * width, width, rows, packed_k.data(), nullptr, keys, width, scores.data(), keys, epilogue::none});
            set.softmax(scores.data(), keys, rows, keys, shares.data());
            set.linear({scores.data(), keys, rows, packed_v.data(), nullptr, width, keys, out.data() + r * width, width, epilogue::none, 0,
                        nullptr, shares.data()});
        }
    });
    cvt_bench::report_work(state, seconds, 2 * queries * keys * width, set.name);
}

void layer_norm(benchmark::State& state, const kernel_set& set, std::ptrdiff_t rows, std::ptrdiff_t dim) {
    const auto in = filled("in", size(rows * dim)), gain = filled("gain", size(dim));
    auto out = array(in.size());
    const double seconds =
        cvt_bench::seconds_each(state, [&] { set.layer_norm(in.data(), dim, rows, dim, gain.data(), gain.data(), out.data(), dim); });
    cvt_bench::report_traffic(state, seconds, 2 * rows * dim);
}

void depthwise(benchmark::State& state, const kernel_set& set, const cvt::stage_config& s, cvt::grid from, cvt::grid to, int stride) {
    const int kernel = s.kernel_qkv;
    const auto in = filled("in", size(from.tokens() * s.embed_dim)), bias = filled("bias", size(s.embed_dim)),
               weights = filled("weights", size(kernel * kernel * s.embed_dim));
    auto out = array(size(to.tokens() * s.embed_dim));
    const double seconds = cvt_bench::seconds_each(state, [&] {
        set.depthwise({in.data(), weights.data(), bias.data(), out.data(), s.embed_dim, s.embed_dim, from.height, from.width, s.embed_dim,
                       to.width, kernel, stride, s.padding_kv, 0, to.tokens()});
    });
    cvt_bench::report_traffic(state, seconds, (from.tokens() + to.tokens()) * s.embed_dim);
}

void register_stage(const kernel_set& set, const std::string& where, const cvt::stage_config& s, int channels,
                    const cvt::model_shape::stage_shape& shape) {
    const auto add = [&](const char* kernel, const char* what, auto function, auto... arguments) {
        const std::string name = std::string{kernel} + '/' + set.name + '/' + where + (*what == '\0' ? "" : "/") + what;
        benchmark::RegisterBenchmark(name.c_str(), function, std::cref(set), arguments...)->Unit(benchmark::kMicrosecond);
    };
    const std::ptrdiff_t dim = s.embed_dim, hidden = s.hidden_dim(), queries = shape.queries(), keys = shape.key_count();
    const std::ptrdiff_t patch = std::ptrdiff_t{channels} * s.patch_size * s.patch_size;
    add("linear", "embedding", linear, product{shape.tokens.tokens(), dim, patch});
    add("linear", "query", linear, product{queries, dim, dim});
    add("linear", "key", linear, product{keys, dim, dim});
    add("linear", "output", linear, product{queries, dim, dim, epilogue::add});
    add("linear", "fc1", linear, product{queries, hidden, dim, epilogue::quick_gelu});
    add("linear", "fc1-erf", linear, product{queries, hidden, dim, epilogue::erf_gelu});
    add("linear", "fc2", linear, product{queries, dim, hidden, epilogue::add});
    add("linear", "class-token", linear, product{1, dim, dim});
    add("attention", "head", attention, shape, std::ptrdiff_t{s.head_dim()});
    add("softmax", "", softmax, keys);
    add("pack", "fc1", pack, hidden, dim);
    add("pack", "keys", pack, keys, std::ptrdiff_t{s.head_dim()});
    add("layer_norm", "", layer_norm, queries, dim);
    add("depthwise", "query", depthwise, s, shape.tokens, shape.tokens, s.stride_q);
    add("depthwise", "key", depthwise, s, shape.tokens, shape.keys, s.stride_kv);
}

}  // namespace

int main(int argc, char** argv) {
    const struct {
        const char* name;
        const cvt::config& config;
        int size;
    } models[]{{"cvt-13", cvt::cvt_13, 224}, {"cvt-w24", cvt::cvt_w24, 384}};  // CvT-21's shapes are CvT-13's
    for (const kernel_set* set : cvt::kernels::available())
        for (const auto& m : models) {
            const cvt::model_shape shape = *cvt::shape_of(m.config, m.size, m.size);
            int channels = m.config.num_channels;
            for (std::size_t i = 0; i < m.config.stages().size(); ++i) {
                const cvt::stage_config& s = m.config.stage[i];
                register_stage(*set, std::string{m.name} + '/' + std::to_string(m.size) + "/stage:" + std::to_string(i + 1), s, channels,
                               shape.stage[i]);
                channels = s.embed_dim;
            }
        }
    return cvt_bench::run(argc, argv);
}
