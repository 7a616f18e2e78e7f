// Compares int8 with float32 in error, memory and time, stage by stage: the published models with generated weights and eight images.
//
//   build/release/precision [cvt-13] [cvt-21] [cvt-w24]             default: the first two; CvT-W24 takes 2 GB and a minute
//   build/release/precision --blocks [cvt-13] [cvt-21] [cvt-w24]    the error after every block; CvT-W24 takes several minutes
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <vector>

#include <cvt/session.hpp>

#include "support/formula.hpp"

namespace {

constexpr int images = 8, rounds = 7;

struct variant {
    const char* name;
    const cvt::config* config;
    int size;
};

cvt::model make(const cvt::config& c, cvt::precision p) {
    cvt_test::formula_weights weights;
    const cvt::result<cvt::model> m = cvt::model::from_weights(c, {&weights, &cvt_test::formula_weights::read}, {.precision = p});
    if (!m) {
        std::fprintf(stderr, "precision: %s\n", m.error().what());
        std::exit(1);
    }
    return *m;
}

/// All results of a pass over one image, one vector each: maps of the stages, embedding, logits.
class pass {
public:
    pass(const cvt::model& m, int size) : session_{m}, size_{size} {
        const cvt::config& c = m.config();
        const cvt::model_shape shape = *shape_of(c, size, size);
        for (std::size_t i = 0; i < c.stages().size(); ++i)
            results.emplace_back(static_cast<std::size_t>(c.stage[i].embed_dim * shape.stage[i].tokens.tokens()));
        results.emplace_back(static_cast<std::size_t>(c.last_stage().embed_dim));
        results.emplace_back(static_cast<std::size_t>(c.num_classes));
    }
    void run(const std::vector<float>& image) {
        cvt::outputs out{.logits = results.back(), .embedding = results[results.size() - 2]};
        for (std::size_t i = 0; i + 2 < results.size(); ++i) out.stages[i] = results[i];
        check(session_.run(view(image), out));
    }
    /// Seconds of a pass that computes only the logits.
    double seconds(const std::vector<float>& image) {
        const auto begin = std::chrono::steady_clock::now();
        check(session_.run(view(image), {.logits = results.back()}));
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    }

    std::vector<std::vector<float>> results;

private:
    cvt::view<const float, 4> view(const std::vector<float>& image) const {
        return cvt::view<const float, 4>{image.data(), 1, session_.model().config().num_channels, size_, size_};
    }
    static void check(const cvt::error& e) {
        if (!e) return;
        std::fprintf(stderr, "precision: %s\n", e.what());
        std::exit(1);
    }

    cvt::session session_;
    int size_;
};

struct difference {
    double error = 0, cosine = 1;  ///< |a - b| / |a|; both of the worst image

    void add(const std::vector<float>& a, const std::vector<float>& b) {
        double ab = 0, aa = 0, bb = 0, dd = 0;
        for (std::size_t i = 0; i < a.size(); ++i) {
            const double x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
            ab += x * y;
            aa += x * x;
            bb += y * y;
            dd += (x - y) * (x - y);
        }
        error = std::max(error, std::sqrt(dd / aa));
        cosine = std::min(cosine, ab / std::sqrt(aa * bb));
    }
};

double median(std::vector<double> v) {
    std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2), v.end());
    return v[v.size() / 2];
}

void print_header() {
    std::puts(
        "                            relative error of stage       embedding            logits     MB of weights   ms, 1 thread, and the "
        "ratio\n"
        "model    size  kernels            1       2       3     error    cosine    error      f32   int8       f32    int8");
}

void compare(const variant& v) {
    const cvt::model exact = make(*v.config, cvt::precision::f32), bytes = make(*v.config, cvt::precision::int8);
    pass a{exact, v.size}, b{bytes, v.size};
    std::vector<difference> differences(a.results.size());
    for (std::uint64_t i = 0; i < images; ++i) {
        const std::vector<float> image = cvt_test::formula_image(v.size, v.size, v.config->num_channels, i);
        a.run(image);
        b.run(image);
        for (std::size_t j = 0; j < differences.size(); ++j) differences[j].add(a.results[j], b.results[j]);
    }
    std::vector<double> float_seconds, byte_seconds;
    const std::vector<float> image = cvt_test::formula_image(v.size, v.size, v.config->num_channels, 0);
    for (int i = 0; i < rounds; ++i) {
        float_seconds.push_back(a.seconds(image));
        byte_seconds.push_back(b.seconds(image));
    }
    std::printf("%-8s %4d  %-12s", v.name, v.size, bytes.kernels());
    for (std::size_t i = 0; i + 2 < differences.size(); ++i) std::printf(" %7.4f", differences[i].error);
    std::printf("   %7.4f %9.6f  %7.4f   %6.1f %6.1f   %7.1f %7.1f  %5.3f\n", differences[differences.size() - 2].error,
                differences[differences.size() - 2].cosine, differences.back().error, static_cast<double>(exact.memory_bytes()) / 1e6,
                static_cast<double>(bytes.memory_bytes()) / 1e6, 1e3 * median(float_seconds), 1e3 * median(byte_seconds),
                median(byte_seconds) / median(float_seconds));
    std::fflush(stdout);
}

/// Prints the error of the tokens after each block: a model that ends with that block has its output as the map of its last stage.
void compare_blocks(const variant& v) {
    cvt::config c = *v.config;
    c.num_classes = 0;
    for (c.num_stages = 1; c.num_stages <= v.config->num_stages; ++c.num_stages) {
        const auto stage = static_cast<std::size_t>(c.num_stages - 1);
        std::printf("%-8s stage %d ", v.name, c.num_stages);
        for (int depth = 1; depth <= v.config->stage[stage].depth; ++depth) {
            c.stage[stage].depth = depth;
            pass a{make(c, cvt::precision::f32), v.size}, b{make(c, cvt::precision::int8), v.size};
            difference d;
            for (std::uint64_t i = 0; i < images; ++i) {
                const std::vector<float> image = cvt_test::formula_image(v.size, v.size, c.num_channels, i);
                a.run(image);
                b.run(image);
                d.add(a.results[stage], b.results[stage]);
            }
            std::printf(" %.4f", d.error);
            std::fflush(stdout);
        }
        std::puts("");
    }
}

}  // namespace

int main(int argc, char** argv) {
    const variant all[]{{"cvt-13", &cvt::cvt_13, 224}, {"cvt-21", &cvt::cvt_21, 224}, {"cvt-w24", &cvt::cvt_w24, 384}};
    const bool blocks = argc > 1 && !std::strcmp(argv[1], "--blocks");
    if (blocks) --argc, ++argv;
    if (!blocks) print_header();
    for (const variant& v : all)
        if (argc == 1 ? v.config != &cvt::cvt_w24
                      : std::any_of(argv + 1, argv + argc, [&](const char* a) { return !std::strcmp(a, v.name); }))
            blocks ? compare_blocks(v) : compare(v);
    return 0;
}
