// int8 products of every kernel set of this CPU: integers exactly, real numbers within the rounding error of int8.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <cvt/kernels/select.hpp>
#include <cvt/load.hpp>

#include "support/formula.hpp"
#include "support/naive.hpp"
#include "support/packed_product.hpp"

namespace {

using cvt::kernels::epilogue;
using cvt::kernels::gemm_kernels;
using cvt::kernels::kernel_set;
namespace naive = cvt_test::naive;
using cvt_test::packed_product;

constexpr std::ptrdiff_t block = 384;  // depth that shares one quantisation scale
constexpr float untouched = -12345.F;  // a value that no kernel writes by accident

std::size_t size(std::ptrdiff_t n) { return static_cast<std::size_t>(n); }

/// Returns the largest quantised input.
int input_max(const kernel_set& set) {
    for (const char* name : {"avx2", "avx512", "wasm-relaxed"})
        if (std::strcmp(set.name, name) == 0) return 127;
    return 255;
}

struct tensor {
    std::ptrdiff_t rows, cols;
    std::vector<float> values;

    float& at(std::ptrdiff_t r, std::ptrdiff_t c) { return values[size(r * cols + c)]; }
    float at(std::ptrdiff_t r, std::ptrdiff_t c) const { return values[size(r * cols + c)]; }
    cvt::matrix<const float> view() const { return {.data = values.data(), .rows = rows, .cols = cols, .stride = cols}; }
    cvt::matrix<float> view() { return {.data = values.data(), .rows = rows, .cols = cols, .stride = cols}; }
};

tensor numbers(const char* name, std::ptrdiff_t rows, std::ptrdiff_t cols) {
    return {rows, cols, cvt_test::hash_uniform(name, size(rows * cols))};
}
tensor filled(std::ptrdiff_t rows, std::ptrdiff_t cols, float value) { return {rows, cols, std::vector<float>(size(rows * cols), value)}; }

packed_product pack(const gemm_kernels& gemm, const tensor& w) { return {gemm, w.values, w.rows, w.cols}; }

tensor product(const kernel_set& set, const tensor& in, const tensor& w) {
    const packed_product packed = pack(set.s8, w);
    tensor out = filled(in.rows, w.rows, untouched);
    set.s8.multiply({.in = in.view(), .w = *packed, .out = out.view()});
    return out;
}

/// Tests in W^T where every depth block of a row spans 0 to input_max and the largest weight of a channel is 127: quantisation is
/// then exact, and sums below 2^24 are exact in float32.
void check_integers(const kernel_set& set, std::ptrdiff_t rows, std::ptrdiff_t n, std::ptrdiff_t k) {
    INFO(set.name << ": " << rows << " rows, n " << n << ", k " << k);
    tensor in = filled(rows, k, 0), w = filled(n, k, 0);
    const int top = input_max(set);
    for (std::ptrdiff_t r = 0; r < rows; ++r)
        for (std::ptrdiff_t j = 0; j < k; ++j)
            in.at(r, j) = static_cast<float>(j % block == 0 ? 0 : j % block == 1 ? top : (r * 37 + j * 101 + r * j) % (top + 1));
    for (std::ptrdiff_t i = 0; i < n; ++i)
        for (std::ptrdiff_t j = 0; j < k; ++j) w.at(i, j) = static_cast<float>(j == 0 ? 127 : (i * 53 + j * 29 + i * j) % 255 - 127);
    const tensor out = product(set, in, w);
    for (std::ptrdiff_t r = 0; r < rows; ++r)
        for (std::ptrdiff_t i = 0; i < n; ++i) {
            long long sum = 0;
            for (std::ptrdiff_t j = 0; j < k; ++j) sum += static_cast<long long>(in.at(r, j)) * static_cast<long long>(w.at(i, j));
            REQUIRE(std::abs(sum) < 1 << 24);
            REQUIRE(out.at(r, i) == static_cast<float>(sum));
        }
}

}  // namespace

TEST_CASE("int8: sums of integers are exact, at sizes 1..N and odd ones") {
    for (const kernel_set* set : cvt::kernels::available()) {
        for (std::ptrdiff_t rows = 1; rows <= 14; ++rows)
            for (const std::ptrdiff_t n : {1, 2, 15, 16, 17, 31, 33, 63, 64, 65, 100})
                for (const std::ptrdiff_t k : {2, 3, 4, 5, 8, 31, 64}) check_integers(*set, rows, n, k);
        for (std::ptrdiff_t k = 2; k <= 70; ++k) check_integers(*set, 3, 19, k);
        for (const std::ptrdiff_t k : {383, 384, 385, 386, 388, 767, 768, 769, 1000})
            for (const std::ptrdiff_t rows : {36, 71, 72, 73, 145}) check_integers(*set, rows, 67, k);
    }
}

TEST_CASE("int8: no sum saturates with the largest bytes over the longest depth") {
    for (const kernel_set* set : cvt::kernels::available())
        for (const std::ptrdiff_t k : {4, 8, 383, 384}) {
            INFO(set->name << ", k " << k);
            const int top = input_max(*set);
            for (const float sign : {1.F, -1.F}) {
                tensor in = filled(7, k, static_cast<float>(top));
                for (std::ptrdiff_t r = 0; r < in.rows; ++r) in.at(r, r % k) = 0;  // a constant row would be only an offset
                const tensor out = product(*set, in, filled(70, k, sign * 127.F));
                for (const float v : out.values) REQUIRE(v == sign * 127.F * static_cast<float>(top) * static_cast<float>(k - 1));
            }
        }
}

TEST_CASE("int8: real numbers, every epilogue, rows that are not contiguous") {
    for (const kernel_set* set : cvt::kernels::available())
        for (const epilogue then : {epilogue::none, epilogue::quick_gelu, epilogue::erf_gelu, epilogue::add})
            for (const std::ptrdiff_t rows : {1, 6, 38})
                for (const std::ptrdiff_t n : {1, 33, 64, 97})
                    for (const std::ptrdiff_t k : {1, 27, 384, 801}) {
                        INFO(set->name << ": " << rows << " rows, n " << n << ", k " << k << ", epilogue " << static_cast<int>(then));
                        const tensor in = numbers("in", rows, k + 3), w = numbers("w", n, k), bias = numbers("b", 1, n);
                        tensor out = numbers("residual", rows, n + 2);
                        const tensor before = out;
                        const packed_product packed = pack(set->s8, w);
                        set->s8.multiply({.in = in.view().cols_at(1, k),
                                          .w = *packed,
                                          .bias = bias.values.data(),
                                          .out = out.view().cols_at(0, n),
                                          .epilogue = then});
                        // Half a step of the input times the weights plus half a step of the weights times the input; both are in [-1, 1).
                        // GELU's slope is at most 1.13.
                        const double steps = 0.5 * 2.0 / input_max(*set) + 0.5 / 127.0 * (1.0 + 1.0 / input_max(*set));
                        for (std::ptrdiff_t r = 0; r < rows; ++r) {
                            for (std::ptrdiff_t i = 0; i < n; ++i) {
                                double sum = static_cast<double>(bias.at(0, i)), bound = 1e-5;
                                for (std::ptrdiff_t j = 0; j < k; ++j) {
                                    sum += static_cast<double>(in.at(r, j + 1)) * static_cast<double>(w.at(i, j));
                                    bound += 1.13 * steps;
                                }
                                if (then == epilogue::add) sum += static_cast<double>(before.at(r, i));
                                if (then == epilogue::quick_gelu) sum = naive::gelu(sum, cvt::gelu::quick);
                                if (then == epilogue::erf_gelu) sum = naive::gelu(sum, cvt::gelu::erf);
                                REQUIRE(std::abs(sum - static_cast<double>(out.at(r, i))) < bound);
                            }
                            REQUIRE(out.at(r, n) == before.at(r, n));
                            REQUIRE(out.at(r, n + 1) == before.at(r, n + 1));
                        }
                    }
}

TEST_CASE("int8: rounding errors average out to a relative RMS error of about a hundredth") {
    for (const kernel_set* set : cvt::kernels::available()) {
        const tensor in = numbers("in", 36, 384), w = numbers("w", 64, 384), out = product(*set, in, w);
        double error = 0, square = 0;
        for (std::ptrdiff_t r = 0; r < in.rows; ++r)
            for (std::ptrdiff_t i = 0; i < w.rows; ++i) {
                double sum = 0;
                for (std::ptrdiff_t j = 0; j < in.cols; ++j) sum += static_cast<double>(in.at(r, j)) * static_cast<double>(w.at(i, j));
                error += std::pow(sum - static_cast<double>(out.at(r, i)), 2);
                square += sum * sum;
            }
        INFO(set->name);
        CHECK(std::sqrt(error / square) < (input_max(*set) == 255 ? 0.007 : 0.011));
    }
}

TEST_CASE("int8: the result of a row does not depend on other rows") {
    for (const kernel_set* set : cvt::kernels::available()) {
        const tensor in = numbers("in", 80, 401), w = numbers("w", 70, 401);
        const packed_product packed = pack(set->s8, w);
        const tensor whole = product(*set, in, w);
        for (const std::ptrdiff_t step : {1, 2, 5, 6, 7, 36, 37, 72, 73}) {
            tensor tiled = filled(80, 70, untouched);
            for (std::ptrdiff_t r = 0; r < 80; r += step) {
                const std::ptrdiff_t count = std::min<std::ptrdiff_t>(step, 80 - r);
                set->s8.multiply({.in = in.view().rows_at(r, count), .w = *packed, .out = tiled.view().rows_at(r, count)});
            }
            INFO(set->name << ", " << step << " rows");
            CHECK(tiled.values == whole.values);
        }
    }
}

TEST_CASE("int8: rows that were quantised in place give the same bits") {
    for (const kernel_set* set : cvt::kernels::available())
        for (const std::ptrdiff_t rows : {1, 7, 75})
            for (const std::ptrdiff_t k : {1, 2, 3, 4, 5, 15, 16, 17, 33, 64, 383, 384, 385, 387, 768, 1000}) {
                INFO(set->name << ": " << rows << " rows, k " << k);
                const std::ptrdiff_t stride = std::max<std::ptrdiff_t>(4, k);
                const tensor in = numbers("in", rows, stride), w = numbers("w", 70, k);
                const packed_product packed = pack(set->s8, w);
                tensor expected = filled(rows, 70, untouched), out = expected, quantised = in;
                set->s8.multiply({.in = in.view().cols_at(0, k), .w = *packed, .out = expected.view()});
                quantised.values.push_back(untouched);
                set->s8.quantize(quantised.view().cols_at(0, k));
                CHECK(quantised.values.back() == untouched);
                CHECK(quantised.values[0] != in.values[0]);
                for (int i = 0; i < 2; ++i) {
                    set->s8.multiply({.in = quantised.view().cols_at(0, k), .w = *packed, .out = out.view(), .quantized = true});
                    CHECK(out.values == expected.values);
                }
            }
}

TEST_CASE("int8: columns and depths are split as in an MLP") {
    const tensor in = numbers("in", 9, 2 * block + 50), w = numbers("w", 3 * block + 5, 2 * block + 50);
    for (const kernel_set* set : cvt::kernels::available()) {
        INFO(set->name);
        CHECK(block % set->s8.nr == 0);
        const packed_product packed = pack(set->s8, w);
        const tensor whole = product(*set, in, w);
        tensor parts = filled(in.rows, w.rows, 0);
        for (std::ptrdiff_t column = 0; column < w.rows; column += block)
            for (std::ptrdiff_t depth = 0; depth < w.cols; depth += block) {
                const std::ptrdiff_t n = std::min(block, w.rows - column), k = std::min(block, w.cols - depth);
                set->s8.multiply({.in = in.view().cols_at(depth, k),
                                  .w = (*packed).columns(column, n).depths(depth, k),
                                  .out = parts.view().cols_at(column, n),
                                  .epilogue = epilogue::add});
            }
        CHECK(parts.values == whole.values);
        // transposed weights, packed panel by panel
        tensor transposed = filled(w.cols, w.rows, 0);
        for (std::ptrdiff_t i = 0; i < w.rows; ++i)
            for (std::ptrdiff_t j = 0; j < w.cols; ++j) transposed.at(j, i) = w.at(i, j);
        const packed_product other = pack(set->s8, filled(w.rows, w.cols, 3.F));
        for (std::ptrdiff_t column = 0; column < w.rows; column += block)
            set->s8.pack({.weights = transposed.values.data() + column,
                          .stride_n = 1,
                          .stride_k = w.rows,
                          .to = (*other).columns(column, std::min(block, w.rows - column))});
        CHECK(other.bytes() == packed.bytes());
    }
}

TEST_CASE("int8: constant rows and channels, NaN and infinity") {
    constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
    constexpr std::ptrdiff_t k = 21;
    tensor w = filled(5, k, 0);
    for (std::ptrdiff_t j = 0; j < k; ++j) {
        w.at(1, j) = static_cast<float>(j);
        w.at(2, j) = 1e-40F;
        w.at(3, j) = 1e30F;
        w.at(4, j) = j == 20 ? -127.F : 1.F;
    }
    for (const kernel_set* set : cvt::kernels::available()) {
        INFO(set->name);
        tensor in = filled(7, k, 0);
        for (std::ptrdiff_t j = 0; j < k; ++j) {
            in.at(1, j) = 2.5F;                           // constant
            in.at(2, j) = j % 2 == 0 ? 1e-40F : -1e-41F;  // denormal
            in.at(3, j) = j == 7 ? nan : 1.F;
            in.at(4, j) = j == 0 ? infinity : 1.F;
            in.at(5, j) = j == 20 ? -infinity : static_cast<float>(j);
            in.at(6, j) = j == 3 ? 1e9F : 0.F;  // an outlier
        }
        const tensor out = product(*set, in, w);
        for (std::ptrdiff_t i = 0; i < w.rows; ++i) CHECK(out.at(0, i) == 0.F);
        CHECK(out.at(1, 0) == 0.F);
        CHECK(out.at(1, 1) == Approx(2.5 * 210).epsilon(0.01));
        CHECK(out.at(1, 2) == 0.F);
        CHECK(out.at(1, 3) == Approx(2.5e30 * k).epsilon(0.01));
        CHECK(out.at(1, 4) == Approx(2.5 * (20 - 127)));
        CHECK(std::abs(out.at(2, 1)) < 1e-37F);
        for (const std::ptrdiff_t r : {3, 4, 5})
            for (std::ptrdiff_t i = 0; i < w.rows; ++i) CHECK_FALSE(std::isfinite(out.at(r, i)));
        CHECK(out.at(6, 1) == Approx(3e9).epsilon(0.02));
        CHECK(out.at(6, 4) == Approx(1e9).epsilon(0.01));
    }
}

TEST_CASE("int8: inputs near the end of float32's range give the right value or one that is not finite") {
    constexpr std::ptrdiff_t k = 400;
    const double channels[]{1e-20, 1e-4, 1.0, -1.0, 1e30};
    tensor w = numbers("w", 10, k);
    for (std::ptrdiff_t i = 0; i < w.rows; ++i)  // each scale twice: weights of both signs, and of one
        for (std::ptrdiff_t j = 0; j < k; ++j) {
            const double v = static_cast<double>(w.at(i, j));
            w.at(i, j) = static_cast<float>(channels[i / 2] * (i % 2 == 0 ? v : std::abs(v)));
        }
    const auto largest = [](const tensor& t, std::ptrdiff_t row) {
        double most = 0;
        for (std::ptrdiff_t j = 0; j < t.cols; ++j) most = std::max(most, std::abs(static_cast<double>(t.at(row, j))));
        return most;
    };
    for (const kernel_set* set : cvt::kernels::available())
        for (const float size : {1e15F, 8e35F, 1e36F, 1e37F, 1e38F, std::numeric_limits<float>::max()}) {
            tensor in = numbers("in", 6, k);
            for (std::ptrdiff_t j = 0; j < k; ++j) {
                in.at(0, j) = size;
                in.at(1, j) = -size;
                in.at(2, j) = j % 2 == 0 ? size : -size;
                in.at(3, j) = j == 100 ? size : 1.F;
                in.at(4, j) *= size;
                in.at(5, j) = std::abs(in.at(5, j)) * size;
            }
            const tensor out = product(*set, in, w);
            for (std::ptrdiff_t r = 0; r < in.rows; ++r)
                for (std::ptrdiff_t i = 0; i < w.rows; ++i) {
                    INFO(set->name << ": " << size << ", row " << r << ", channel " << i);
                    const double found = static_cast<double>(out.at(r, i)), x = largest(in, r), weight = largest(w, i);
                    if (size < 8e35F && weight < 2) REQUIRE(std::isfinite(found));
                    if (!std::isfinite(found)) continue;
                    double sum = 0;
                    for (std::ptrdiff_t j = 0; j < k; ++j) sum += static_cast<double>(in.at(r, j)) * static_cast<double>(w.at(i, j));
                    // Half a step of the input, whose range is at most 2 x, and half a step of the weights.
                    REQUIRE(std::abs(found - sum) <= 1.01 * k * x * weight * (1.0 / input_max(*set) + 0.5 / 127));
                }
        }
}

TEST_CASE("int8: row factors are applied last") {
    for (const kernel_set* set : cvt::kernels::available()) {
        const tensor in = numbers("in", 40, 400), w = numbers("w", 20, 400), factors = numbers("f", 1, 40);
        const packed_product packed = pack(set->s8, w);
        tensor scaled = filled(40, 20, untouched);
        set->s8.multiply({.in = in.view(), .w = *packed, .out = scaled.view(), .row_scale = factors.values.data()});
        const tensor plain = product(*set, in, w);
        for (std::ptrdiff_t r = 0; r < 40; ++r)
            for (std::ptrdiff_t i = 0; i < 20; ++i) CHECK(scaled.at(r, i) == Approx(plain.at(r, i) * factors.at(0, r)).epsilon(1e-6));
    }
}
