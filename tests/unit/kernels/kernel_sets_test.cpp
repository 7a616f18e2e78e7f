// Every kernel of every kernel set of this CPU against float64 definitions, at sizes from 1 and odd sizes.
#include <algorithm>
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <cvt/kernels/select.hpp>
#include <cvt/kernels/x86/avx2.hpp>
#include <cvt/kernels/x86/avx512.hpp>
#include <cvt/load.hpp>

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

#include "support/formula.hpp"
#include "support/naive.hpp"
#include "support/packed_product.hpp"
#include "support/worse.hpp"

namespace {

using cvt::kernels::epilogue;
using cvt::kernels::kernel_set;
namespace naive = cvt_test::naive;
using cvt_test::packed_product;

std::size_t size(std::ptrdiff_t n) { return static_cast<std::size_t>(n); }

std::vector<float> numbers(const char* name, std::ptrdiff_t count) { return cvt_test::hash_uniform(name, size(count)); }

/// Whether the set uses fused multiply-adds, on which the bounds in ulp depend.
bool is_fused(const kernel_set& set) {
    for (const char* name : {"eigen", "sse2", "wasm-simd128", "wasm-relaxed"})  // the last one only if the engine fuses
        if (std::strcmp(set.name, name) == 0) return false;
    return true;
}

/// Column counts of a whole panel of any set, and of a partial one.
std::ptrdiff_t panel_and(const kernel_set& set, std::ptrdiff_t more) { return std::max<std::ptrdiff_t>(set.f32.nr, 16) + more; }

cvt::matrix<float> rows_of(std::vector<float>& v, std::ptrdiff_t rows, std::ptrdiff_t cols, std::ptrdiff_t stride) {
    return {.data = v.data(), .rows = rows, .cols = cols, .stride = stride};
}
cvt::matrix<const float> rows_of(const std::vector<float>& v, std::ptrdiff_t rows, std::ptrdiff_t cols, std::ptrdiff_t stride) {
    return {.data = v.data(), .rows = rows, .cols = cols, .stride = stride};
}

/// A value that no kernel writes by accident.
constexpr float untouched = -12345.F;

void check_linear(const kernel_set& set, std::ptrdiff_t rows, std::ptrdiff_t n, std::ptrdiff_t k, epilogue then, bool with_bias) {
    INFO(set.name << ": " << rows << " rows, n " << n << ", k " << k << ", epilogue " << static_cast<int>(then) << ", bias " << with_bias);
    const std::ptrdiff_t in_stride = k + 3, out_stride = n + 2;
    const std::vector<float> in = numbers("in", rows * in_stride), w = numbers("w", n * k), b = numbers("b", n);
    std::vector<float> out(size(rows * out_stride), untouched);
    const std::vector<float> before = numbers("residual", rows * n);
    if (then == epilogue::add)
        for (std::ptrdiff_t r = 0; r < rows; ++r) std::memcpy(&out[size(r * out_stride)], &before[size(r * n)], size(n) * sizeof(float));
    const packed_product packed{set.f32, w, n, k};
    set.f32.multiply({.in = rows_of(in, rows, k, in_stride),
                      .w = *packed,
                      .bias = with_bias ? b.data() : nullptr,
                      .out = rows_of(out, rows, n, out_stride),
                      .epilogue = then});

    double worst = 0;
    bool spilled = false;
    for (std::ptrdiff_t r = 0; r < rows; ++r) {
        for (std::ptrdiff_t o = 0; o < n; ++o) {
            double sum = with_bias ? naive::at(b, o) : 0.0;
            for (std::ptrdiff_t i = 0; i < k; ++i) sum += naive::at(in, r * in_stride + i) * naive::at(w, o * k + i);
            if (then == epilogue::add) sum += naive::at(before, r * n + o);
            if (then == epilogue::quick_gelu) sum = naive::gelu(sum, cvt::gelu::quick);
            if (then == epilogue::erf_gelu) sum = naive::gelu(sum, cvt::gelu::erf);
            worst = cvt_test::worse(worst, std::abs(sum - naive::at(out, r * out_stride + o)));
        }
        for (std::ptrdiff_t o = n; o < out_stride; ++o) spilled |= out[size(r * out_stride + o)] != untouched;
    }
    // k roundings of a partial sum that grows like a random walk
    REQUIRE(worst < 2e-7 * (6 + static_cast<double>(k) / 4));
    REQUIRE_FALSE(spilled);
}

}  // namespace

TEST_CASE("linear: every epilogue, odd sizes, rows that are not contiguous") {
    for (const kernel_set* set : cvt::kernels::available()) {
        for (std::ptrdiff_t rows = 1; rows <= 14; ++rows)
            for (const std::ptrdiff_t n : {1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 96, 100})
                for (const std::ptrdiff_t k : {1, 2, 3, 8, 31, 64}) check_linear(*set, rows, n, k, epilogue::none, (rows + n + k) % 2 == 0);
        for (const epilogue then : {epilogue::quick_gelu, epilogue::erf_gelu, epilogue::add})
            for (const std::ptrdiff_t rows : {1, 5, 48, 97, 203})
                for (const std::ptrdiff_t n : {1, 13, 64, 97})
                    for (const std::ptrdiff_t k : {1, 27, 147}) check_linear(*set, rows, n, k, then, (rows + n) % 3 != 0);
    }
}

TEST_CASE("linear: depths beyond one cache block") {
    for (const kernel_set* set : cvt::kernels::available())
        for (const epilogue then : {epilogue::none, epilogue::quick_gelu, epilogue::add})
            for (const std::ptrdiff_t k : {255, 256, 257, 511, 512, 513, 1023, 1024, 1025, 2049, 4100})
                check_linear(*set, 7, panel_and(*set, 3), k, then, true);
}

TEST_CASE("linear: rows and depth beyond the cache blocks") {
    for (const kernel_set* set : cvt::kernels::available())
        for (const epilogue then : {epilogue::none, epilogue::quick_gelu, epilogue::erf_gelu, epilogue::add})
            for (const std::ptrdiff_t rows : {72, 73, 79, 102, 103, 150, 205})
                check_linear(*set, rows, panel_and(*set, 3), 1025, then, true);
}

TEST_CASE("pack accepts any strides: a transposed view packs like its copy") {
    constexpr std::ptrdiff_t n = 21, k = 35;
    const std::vector<float> w = numbers("w", n * k);
    std::vector<float> transposed(w.size());
    for (std::ptrdiff_t i = 0; i < n; ++i)
        for (std::ptrdiff_t j = 0; j < k; ++j) transposed[size(j * n + i)] = w[size(i * k + j)];
    for (const kernel_set* set : cvt::kernels::available()) {
        INFO(set->name);
        const packed_product a{set->f32, w, n, k}, b{set->f32, n, k};
        set->f32.pack({.weights = transposed.data(), .stride_n = 1, .stride_k = n, .to = *b});
        CHECK(a.bytes() == b.bytes());
    }
}

TEST_CASE("the result of a row does not depend on other rows") {
    // Makes results independent of the number of workers: a task may begin at any multiple of split_rows.
    struct product {
        std::ptrdiff_t more, k;  // columns beyond a whole panel
        epilogue then;
    };
    for (const kernel_set* set : cvt::kernels::available())
        for (const product p :
             {product{24, 70, epilogue::none}, {16, 70, epilogue::quick_gelu}, {32, 530, epilogue::add}, {3, 530, epilogue::erf_gelu}}) {
            const std::ptrdiff_t rows = 2 * set->f32.task_rows + 5, n = panel_and(*set, p.more), k = p.k;
            INFO(set->name << ": " << n << " columns, depth " << k << ", epilogue " << static_cast<int>(p.then));
            const std::vector<float> in = numbers("in", rows * k), w = numbers("w", n * k), before = numbers("residual", rows * n);
            const packed_product packed{set->f32, w, n, k};
            std::vector<float> whole = before;
            set->f32.multiply({.in = rows_of(in, rows, k, k), .w = *packed, .out = rows_of(whole, rows, n, n), .epilogue = p.then});
            for (const std::ptrdiff_t cuts : {1, 2, 3, 4, 5, 6, 7, 13, 99}) {
                const std::ptrdiff_t step = cuts * set->f32.split_rows;
                std::vector<float> tiled = before;
                for (std::ptrdiff_t r = 0; r < rows; r += step) {
                    const std::ptrdiff_t count = std::min(step, rows - r);
                    set->f32.multiply({.in = rows_of(in, rows, k, k).rows_at(r, count),
                                       .w = *packed,
                                       .out = rows_of(tiled, rows, n, n).rows_at(r, count),
                                       .epilogue = p.then});
                }
                CHECK(whole == tiled);
            }
        }
}

TEST_CASE("weights are packed and multiplied piece by piece") {
    constexpr std::ptrdiff_t k = 35, rows = 9;
    const std::vector<float> in = numbers("in", rows * k);
    for (const kernel_set* set : cvt::kernels::available()) {
        INFO(set->name);
        const std::ptrdiff_t nr = set->f32.nr, n = 5 * nr + 3;
        const std::vector<float> w = numbers("w", n * k);
        const packed_product whole{set->f32, w, n, k}, columns{set->f32, n, k}, depths{set->f32, std::vector<float>(w.size(), 0.F), n, k};
        for (std::ptrdiff_t first = 0; first < n; first += 2 * nr)
            set->f32.pack({.weights = w.data() + first * k,
                           .stride_n = k,
                           .stride_k = 1,
                           .to = (*columns).columns(first, std::min(2 * nr, n - first))});
        CHECK(columns.bytes() == whole.bytes());
        for (std::ptrdiff_t first = 0; first < k; first += 11)
            set->f32.pack({.weights = w.data() + first,
                           .stride_n = k,
                           .stride_k = 1,
                           .to = (*depths).depths(first, std::min<std::ptrdiff_t>(11, k - first))});
        CHECK(depths.bytes() == whole.bytes());

        // out = in * W^T as a sum over parts of the depth, columns in two parts
        std::vector<float> expected(size(rows * n)), out(size(rows * n), 0.F);
        const cvt::matrix<const float> input = rows_of(in, rows, k, k);
        set->f32.multiply({.in = input, .w = *whole, .out = rows_of(expected, rows, n, n)});
        for (const auto& [column, count] : {std::pair{std::ptrdiff_t{0}, 3 * nr}, {3 * nr, n - 3 * nr}})
            for (std::ptrdiff_t first = 0; first < k; first += 11) {
                const std::ptrdiff_t depth = std::min<std::ptrdiff_t>(11, k - first);
                set->f32.multiply({.in = input.cols_at(first, depth),
                                   .w = (*whole).columns(column, count).depths(first, depth),
                                   .out = rows_of(out, rows, n, n).cols_at(column, count),
                                   .epilogue = epilogue::add,
                                   .prefetch = (*whole).data});
            }
        for (std::size_t i = 0; i < out.size(); ++i) REQUIRE(std::abs(out[i] - expected[i]) < 2e-6F);
    }
}

TEST_CASE("linear: row factors") {
    for (const kernel_set* set : cvt::kernels::available())
        for (const std::ptrdiff_t k : {5, 800})
            for (const std::ptrdiff_t rows : {1, 6, 8, 203}) {
                INFO(set->name << ": " << rows << " rows, depth " << k);
                const std::ptrdiff_t n = panel_and(*set, 3);
                const std::vector<float> in = numbers("in", rows * k), w = numbers("w", n * k), factors = numbers("factors", rows);
                const packed_product packed{set->f32, w, n, k};
                std::vector<float> plain(size(rows * n)), scaled(plain);
                set->f32.multiply({.in = rows_of(in, rows, k, k), .w = *packed, .out = rows_of(plain, rows, n, n)});
                set->f32.multiply(
                    {.in = rows_of(in, rows, k, k), .w = *packed, .out = rows_of(scaled, rows, n, n), .row_scale = factors.data()});
                for (std::ptrdiff_t r = 0; r < rows; ++r)
                    for (std::ptrdiff_t o = 0; o < n; ++o) REQUIRE(scaled[size(r * n + o)] == plain[size(r * n + o)] * factors[size(r)]);
            }
}

/// Returns |actual - expected| in ulp of a float of the magnitude of `expected`.
double ulps(float actual, double expected) {
    const double smallest = 1.1754943508222875e-38;
    return std::abs(static_cast<double>(actual) - expected) / std::ldexp(1.0, std::ilogb(std::max(std::abs(expected), smallest)) - 23);
}

TEST_CASE("exp over its whole range, through a softmax of two") {
    for (const kernel_set* set : cvt::kernels::available()) {
        double worst = 0, beyond = 0;
        float at = 0;
        for (std::uint32_t bits = 0; bits <= std::bit_cast<std::uint32_t>(200.F); bits += 99991U) {
            const float x = -std::bit_cast<float>(bits);
            float row[2]{x, 0.F}, inverse_sum = 0;
            set->softmax({.data = row, .rows = 1, .cols = 2, .stride = 2}, &inverse_sum);
            const double expected = std::exp(static_cast<double>(x));
            if (x < -87.F) {
                beyond = cvt_test::worse(beyond, static_cast<double>(row[0]));
                continue;
            }
            const double off = ulps(row[0], expected);
            if (!(off <= worst)) at = x;
            worst = cvt_test::worse(worst, off);
            REQUIRE(row[1] == 1.F);
        }
        INFO(set->name << ": worst error " << worst << " ulp at " << at << ", at most " << beyond << " below -87");
        CHECK(worst <= (is_fused(*set) ? 1.5 : 3.0));
        CHECK(beyond <= 1.7e-38);
    }
}

TEST_CASE("GELU over the whole range of floats") {
    // through a product with a single weight 1, the only access to the epilogue
    std::vector<float> x;
    for (std::uint32_t bits = 0; bits < 0x7F800000U; bits += 99991U) {
        x.push_back(std::bit_cast<float>(bits));
        x.push_back(-std::bit_cast<float>(bits));
    }
    const auto count = static_cast<std::ptrdiff_t>(x.size());
    const std::vector<float> one{1.F};
    for (const kernel_set* set : cvt::kernels::available()) {
        const packed_product packed{set->f32, one, 1, 1};
        std::vector<float> y(x.size());
        for (const auto& [then, kind] :
             {std::pair{epilogue::quick_gelu, cvt::gelu::quick}, std::pair{epilogue::erf_gelu, cvt::gelu::erf}}) {
            set->f32.multiply(
                {.in = rows_of(std::as_const(x), count, 1, 1), .w = *packed, .out = rows_of(y, count, 1, 1), .epilogue = then});
            double worst = 0, worst_share = 0;
            float at = 0, share_at = 0;
            for (std::size_t i = 0; i < x.size(); ++i) {
                const double value = static_cast<double>(x[i]), expected = naive::gelu(value, kind);
                // relative where the result has the magnitude of x, absolute in the tail, where it is negligible
                const double off = std::abs(static_cast<double>(y[i]) - expected) / std::max(std::abs(expected), 0.05);
                if (!(off <= worst)) at = x[i];
                worst = cvt_test::worse(worst, off);
                // and in ulp, where results are normal numbers
                if (!is_fused(*set) || value < (kind == cvt::gelu::quick ? -50.0 : -12.9)) continue;
                const double share = ulps(y[i], expected) / (kind == cvt::gelu::quick ? 3 + 2.5 * std::max(-value, 0.0) : 5.5);
                if (!(share <= worst_share)) share_at = x[i];
                worst_share = cvt_test::worse(worst_share, share);
            }
            INFO(set->name << " " << cvt::to_string(kind) << ": worst relative error " << worst << " at " << at
                           << "; share of the ulps stated " << worst_share << " at " << share_at);
            CHECK(worst < 8e-7);
            CHECK(worst_share <= 1);
        }
    }
}

TEST_CASE("softmax: rows of any length, huge and tiny logits") {
    for (const kernel_set* set : cvt::kernels::available()) {
        for (std::ptrdiff_t columns = 1; columns <= 70; ++columns) {
            constexpr std::ptrdiff_t rows = 3;
            const std::ptrdiff_t stride = columns + 2;
            for (const float scale : {0.F, 1.F, 30.F, 1e30F}) {
                INFO(set->name << ": " << columns << " columns, scale " << scale);
                std::vector<float> x = numbers("scores", rows * stride);
                for (float& v : x) v *= scale;
                naive::matrix expected{rows, columns};
                for (std::ptrdiff_t r = 0; r < rows; ++r)
                    for (std::ptrdiff_t c = 0; c < columns; ++c) expected(r, c) = naive::at(x, r * stride + c);
                expected = naive::softmax(expected);
                for (std::ptrdiff_t r = 0; r < rows; ++r) x[size(r * stride + columns)] = untouched;
                float inverse_sums[rows];
                set->softmax(rows_of(x, rows, columns, stride), inverse_sums);
                for (std::ptrdiff_t r = 0; r < rows; ++r)
                    for (std::ptrdiff_t c = 0; c < columns; ++c) x[size(r * stride + c)] *= inverse_sums[r];
                double worst = 0;
                bool spilled = false;
                for (std::ptrdiff_t r = 0; r < rows; ++r) {
                    for (std::ptrdiff_t c = 0; c < columns; ++c)
                        worst = cvt_test::worse(worst, std::abs(expected(r, c) - naive::at(x, r * stride + c)));
                    spilled |= x[size(r * stride + columns)] != untouched;
                }
                REQUIRE(worst < 3e-7);
                REQUIRE_FALSE(spilled);
            }
        }
    }
}

TEST_CASE("layer_norm: every width, with and without the affine part, in place") {
    for (const kernel_set* set : cvt::kernels::available()) {
        for (const bool affine : {false, true}) {
            for (std::ptrdiff_t dim = 1; dim <= 70; ++dim) {
                INFO(set->name << ": dim " << dim << ", affine " << affine);
                constexpr std::ptrdiff_t rows = 4;
                std::vector<float> x = numbers("x", rows * dim), gain = numbers("gain", dim), bias = numbers("bias", dim);
                for (float& v : x) v = v * 3.F + 5.F;  // a mean that must be subtracted before squaring
                if (!affine) {
                    gain.assign(size(dim), 1.F);
                    bias.assign(size(dim), 0.F);
                }
                const naive::matrix expected = naive::layer_norm(naive::matrix{rows, dim, x}, gain, bias);
                std::vector<float> y(x.size(), untouched), apart(size(rows * (dim + 3)), untouched);
                const cvt::kernels::affine w = affine ? cvt::kernels::affine{gain.data(), bias.data()} : cvt::kernels::affine{};
                set->layer_norm(rows_of(x, rows, dim, dim), w, rows_of(y, rows, dim, dim));
                double worst = 0;
                for (std::size_t i = 0; i < y.size(); ++i)
                    worst = cvt_test::worse(worst, std::abs(expected.values[i] - static_cast<double>(y[i])));
                REQUIRE(worst < 2e-5);  // with dim 2 a small difference is divided by itself
                set->layer_norm(rows_of(x, rows, dim, dim), w, rows_of(apart, rows, dim, dim + 3));
                for (std::ptrdiff_t r = 0; r < rows; ++r) {
                    for (std::ptrdiff_t c = 0; c < dim; ++c) REQUIRE(std::abs(expected(r, c) - naive::at(apart, r * (dim + 3) + c)) < 2e-5);
                    for (std::ptrdiff_t gap = dim; gap < dim + 3; ++gap) REQUIRE(apart[size(r * (dim + 3) + gap)] == untouched);
                }
                set->layer_norm(rows_of(x, rows, dim, dim), w, rows_of(x, rows, dim, dim));
                REQUIRE(x == y);
            }
        }
    }
}

TEST_CASE("depthwise: kernels, strides, paddings, channel counts, pieces of rows") {
    for (const kernel_set* set : cvt::kernels::available()) {
        for (const int kernel : {1, 2, 3, 5}) {
            for (const int stride : {1, 2, 3}) {
                for (int padding = 0; padding < kernel; ++padding) {
                    for (const int channels : {1, 3, 8, 17}) {
                        INFO(set->name << ": kernel " << kernel << ", stride " << stride << ", padding " << padding << ", channels "
                                       << channels);
                        const cvt::grid from{6, kernel == 3 ? 41 : 9},  // runs of outputs longer than a piece, if there are runs
                            to = naive::conv_grid(from, kernel, stride, padding);
                        const std::ptrdiff_t area = kernel * kernel;
                        const std::vector<float> x = numbers("x", from.tokens() * channels), w = numbers("w", channels * area),
                                                 bias = numbers("bias", channels);
                        std::vector<float> taps(w.size());  // (kernel, kernel, channels)
                        for (std::ptrdiff_t c = 0; c < channels; ++c)
                            for (std::ptrdiff_t t = 0; t < area; ++t) taps[size(t * channels + c)] = w[size(c * area + t)];
                        const naive::matrix expected =
                            naive::depthwise(naive::matrix{from.tokens(), channels, x}, from, w, kernel, stride, padding);
                        // tokens with a stride above their channels, in pieces that begin and end anywhere in a row
                        const std::ptrdiff_t in_stride = channels + 2, out_stride = channels + 1;
                        std::vector<float> apart(size(from.tokens() * in_stride), untouched), y(size(to.tokens() * out_stride), untouched);
                        for (std::ptrdiff_t t = 0; t < from.tokens(); ++t)
                            std::copy_n(&x[size(t * channels)], channels, &apart[size(t * in_stride)]);
                        for (std::ptrdiff_t t = 0; t < to.tokens(); t += 7)
                            set->depthwise(
                                {.in = rows_of(std::as_const(apart), from.tokens(), channels, in_stride),
                                 .height = from.height,
                                 .width = from.width,
                                 .weights = taps.data(),
                                 .bias = bias.data(),
                                 .kernel = kernel,
                                 .stride = stride,
                                 .padding = padding,
                                 .out =
                                     rows_of(y, to.tokens(), channels, out_stride).rows_at(t, std::min<std::ptrdiff_t>(7, to.tokens() - t)),
                                 .out_width = to.width,
                                 .begin = t});
                        double worst = 0;
                        for (std::ptrdiff_t t = 0; t < to.tokens(); ++t) {
                            for (std::ptrdiff_t c = 0; c < channels; ++c)
                                worst = cvt_test::worse(worst,
                                                        std::abs(expected(t, c) + naive::at(bias, c) - naive::at(y, t * out_stride + c)));
                            REQUIRE(y[size(t * out_stride + channels)] == untouched);
                        }
                        REQUIRE(worst < 1e-6);
                    }
                }
            }
        }
    }
}

TEST_CASE("select: by name, by environment, and the errors") {
    ::unsetenv("CVT_FORCE_KERNELS");
    const auto sets = cvt::kernels::available();
    CHECK(*cvt::kernels::select(nullptr) == sets.front());
    for (const kernel_set* set : sets) {
        CHECK(*cvt::kernels::select(set->name) == set);
        ::setenv("CVT_FORCE_KERNELS", set->name, 1);
        CHECK(*cvt::kernels::select(nullptr) == set);
    }
    ::setenv("CVT_FORCE_KERNELS", "mmx", 1);
    const cvt::error from_environment = cvt::kernels::select(nullptr).error();
    CHECK(from_environment.code() == cvt::errc::invalid_argument);
    CHECK_THAT(from_environment.what(),
               Catch::Contains("CVT_FORCE_KERNELS") && Catch::Contains("\"mmx\"") && Catch::Contains(sets.front()->name));
    CHECK(cvt::kernels::select(sets.back()->name));  // the caller has precedence over the environment
    ::unsetenv("CVT_FORCE_KERNELS");
    CHECK_THAT(cvt::kernels::select("neon9").error().what(), Catch::Contains("\"neon9\""));
}

TEST_CASE("set_list selects the sets that this CPU runs, in the same order") {
    const auto yes = [] { return true; };
    const auto no = [] { return false; };
    const auto set = [](const char* name, bool (*supported)()) {
        kernel_set s = *cvt::kernels::available().front();
        s.name = name;
        s.supported = supported;
        return s;
    };
    // a client CPU with AVX-VNNI: better than AVX2, without AVX-512
    const kernel_set first = set("avx512vnni", no), second = set("avxvnni", yes), third = set("avx512", no), fourth = set("avx2", yes);
    const kernel_set* const sets[]{&first, &second, &third, &fourth};
    const cvt::kernels::set_list list{sets};
    REQUIRE(list.end() - list.begin() == 2);
    CHECK(list.front() == &second);
    CHECK(list.back() == &fourth);
    for (const kernel_set* s : cvt::kernels::available()) CHECK(s->supported());
}

#if defined(__aarch64__) && defined(__linux__)
TEST_CASE("64-bit ARM uses the NEON kernels by default, with dot products where the CPU has them") {
    const char* const expected = (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0 ? "neon_dotprod" : "neon";
    CHECK(std::string{cvt::kernels::available().front()->name} == expected);
}
#endif

#if defined(CVT_HAS_AVX2_KERNELS)
namespace {

float row[16];

/// Broadcasts a float that is written right before the read through another pointer, and again right after it.
__attribute__((noinline, target("avx2,fma"))) float avx2_between_writes(const float* p, std::ptrdiff_t bytes) {
    row[7] = 42.F;
    const auto x = cvt::kernels::avx2::broadcast<1, 2>(p, bytes);
    row[7] = -7.F;
    return x[0];
}
__attribute__((noinline, target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))) float avx512_between_writes(const float* p,
                                                                                                             std::ptrdiff_t bytes) {
    row[7] = 42.F;
    const auto x = cvt::kernels::avx512::broadcast<1, 2>(p, bytes);
    row[7] = -7.F;
    return x[0];
}

}  // namespace

TEST_CASE("the broadcasts of AVX2 and AVX-512 are not reordered with stores") {
    const float* volatile other_name = row;
    if (cvt::kernels::select("avx2")) CHECK(avx2_between_writes(other_name, 5 * static_cast<std::ptrdiff_t>(sizeof(float))) == 42.F);
    if (cvt::kernels::select("avx512")) CHECK(avx512_between_writes(other_name, 5 * static_cast<std::ptrdiff_t>(sizeof(float))) == 42.F);
}

TEST_CASE("x86-64 uses the widest kernels that the CPU supports by default") {
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                        __builtin_cpu_supports("avx512vl");
    const bool vnni = static_cast<bool>(cvt::kernels::select("avx_vnni")), vnni512 = avx512 && __builtin_cpu_supports("avx512vnni");
    const std::string best = !avx2 ? "eigen" : vnni512 ? "avx512_vnni" : avx512 ? "avx512" : vnni ? "avx_vnni" : "avx2";
    CHECK(cvt::kernels::available().front()->name == best);
}
#endif
