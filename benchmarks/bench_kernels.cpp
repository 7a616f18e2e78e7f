// Times each kernel of each kernel set of this CPU on the shapes of the published models: <kernel>/<set>/<model>/<size>/stage:<n>/<what>.
#include <algorithm>
#include <string>

#include <cvt/kernels/select.hpp>
#include <cvt/network/attention.hpp>
#include <cvt/shape.hpp>

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

cvt::matrix<float> rows_of(cvt::detail::buffer<float>& b, std::ptrdiff_t rows, std::ptrdiff_t cols) {
    return {.data = b.data(), .rows = rows, .cols = cols, .stride = cols};
}
cvt::matrix<const float> rows_of(const cvt::detail::buffer<float>& b, std::ptrdiff_t rows, std::ptrdiff_t cols) {
    return {.data = b.data(), .rows = rows, .cols = cols, .stride = cols};
}

/// Weights (n, k), packed.
struct packed_weights {
    packed_weights(const kernel_set& set, std::ptrdiff_t n, std::ptrdiff_t k)
        : memory{cvt_bench::array(set.f32.packed_bytes(n, k) / sizeof(float))},
          view{packed_at(set.f32, reinterpret_cast<std::byte*>(memory.data()), n, k)} {}

    cvt::detail::buffer<float> memory;
    cvt::kernels::packed_memory view;
};

/// out(rows, n) = in(rows, k) * W^T, by tiles of rows, as in the layers.
void linear(benchmark::State& state, const kernel_set& set, const product& p) {
    const auto in = filled("in", size(p.rows * p.k)), bias = filled("bias", size(p.n)), weights = filled("weights", size(p.n * p.k));
    auto out = array(size(p.rows * p.n));
    const packed_weights packed{set, p.n, p.k};
    set.f32.pack({.weights = weights.data(), .stride_n = p.k, .stride_k = 1, .to = packed.view});
    const double seconds = cvt_bench::seconds_each(state, [&] {
        for (std::ptrdiff_t r = 0; r < p.rows; r += set.f32.task_rows) {
            const std::ptrdiff_t rows = std::min(set.f32.task_rows, p.rows - r);
            set.f32.multiply({.in = rows_of(in, p.rows, p.k).rows_at(r, rows),
                              .w = packed.view,
                              .bias = bias.data(),
                              .out = rows_of(out, p.rows, p.n).rows_at(r, rows),
                              .epilogue = p.then});
        }
    });
    cvt_bench::report_work(state, seconds, p.rows * p.n * p.k, set.name);
}

/// Packs weights (n, k), as at load and for each head's keys.
void pack(benchmark::State& state, const kernel_set& set, std::ptrdiff_t n, std::ptrdiff_t k) {
    const auto weights = filled("weights", size(n * k));
    const packed_weights packed{set, n, k};
    const double seconds =
        cvt_bench::seconds_each(state, [&] { set.f32.pack({.weights = weights.data(), .stride_n = k, .stride_k = 1, .to = packed.view}); });
    cvt_bench::report_traffic(state, seconds, 2 * n * k);
}

void softmax(benchmark::State& state, const kernel_set& set, std::ptrdiff_t columns) {
    const std::ptrdiff_t rows = set.f32.task_rows;
    auto x = filled("scores", size(rows * columns)), inverse_sums = array(size(rows));
    const double seconds = cvt_bench::seconds_each(state, [&] { set.softmax(rows_of(x, rows, columns), inverse_sums.data()); });
    cvt_bench::report_traffic(state, seconds, 2 * rows * columns);
}

/// Attention of one head, by tiles of queries, as in the layer: q k^T, softmax, p v.
void attention(benchmark::State& state, const kernel_set& set, const cvt::network::stage_shape& shape, std::ptrdiff_t width) {
    const std::ptrdiff_t queries = shape.queries(), keys = shape.key_count(), tile = cvt::network::score_rows(shape, set.f32);
    const auto q = filled("q", size(queries * width)), kv = filled("kv", size(keys * width));
    const packed_weights k{set, keys, width}, v{set, width, keys};
    auto scores = array(size(tile * keys)), inverse_sums = array(size(tile)), out = array(size(queries * width));
    set.f32.pack({.weights = kv.data(), .stride_n = width, .stride_k = 1, .to = k.view});
    set.f32.pack({.weights = kv.data(), .stride_n = 1, .stride_k = width, .to = v.view});
    const double seconds = cvt_bench::seconds_each(state, [&] {
        for (std::ptrdiff_t r = 0; r < queries; r += tile) {
            const std::ptrdiff_t rows = std::min(tile, queries - r);
            const cvt::matrix<float> s = rows_of(scores, rows, keys);
            set.f32.multiply({.in = rows_of(q, queries, width).rows_at(r, rows), .w = k.view, .out = s});
            set.softmax(s, inverse_sums.data());
            set.f32.multiply(
                {.in = s, .w = v.view, .out = rows_of(out, queries, width).rows_at(r, rows), .row_scale = inverse_sums.data()});
        }
    });
    cvt_bench::report_work(state, seconds, 2 * queries * keys * width, set.name);
}

void layer_norm(benchmark::State& state, const kernel_set& set, std::ptrdiff_t rows, std::ptrdiff_t dim) {
    const auto in = filled("in", size(rows * dim)), gain = filled("gain", size(dim));
    auto out = array(in.size());
    const double seconds = cvt_bench::seconds_each(state, [&] {
        set.layer_norm(rows_of(in, rows, dim), {gain.data(), gain.data()}, rows_of(out, rows, dim));
    });
    cvt_bench::report_traffic(state, seconds, 2 * rows * dim);
}

void depthwise(benchmark::State& state, const kernel_set& set, const cvt::stage_config& s, cvt::grid from, cvt::grid to, int stride) {
    const int kernel = s.kernel_qkv;
    const auto in = filled("in", size(from.tokens() * s.embed_dim)), bias = filled("bias", size(s.embed_dim)),
               weights = filled("weights", size(kernel * kernel * s.embed_dim));
    auto out = array(size(to.tokens() * s.embed_dim));
    const double seconds = cvt_bench::seconds_each(state, [&] {
        set.depthwise({.in = rows_of(in, from.tokens(), s.embed_dim),
                       .height = from.height,
                       .width = from.width,
                       .weights = weights.data(),
                       .bias = bias.data(),
                       .kernel = kernel,
                       .stride = stride,
                       .padding = s.padding_kv,
                       .out = rows_of(out, to.tokens(), s.embed_dim),
                       .out_width = to.width,
                       .begin = 0});
    });
    cvt_bench::report_traffic(state, seconds, (from.tokens() + to.tokens()) * s.embed_dim);
}

void register_stage(const kernel_set& set, const std::string& where, const cvt::stage_config& s, int channels,
                    const cvt::network::stage_shape& shape) {
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
    } models[]{{"cvt-13", cvt::cvt_13, 224}, {"cvt-w24", cvt::cvt_w24, 384}};  // CvT-21 has the shapes of CvT-13
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
