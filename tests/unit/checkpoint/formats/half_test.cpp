// half: all 65,536 values of F16 and of BF16 against a simple computation in double; float32 to F16 at every value and tie.
#include <cvt/checkpoint/formats/half.hpp>

#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>

namespace {

/// sign * 2^(exponent - bias) * (1 + fraction / 2^fraction_bits), with the subnormal and special cases of IEEE 754.
double naive(unsigned bits, int fraction_bits, int exponent_bits) {
    const double sign = bits >> 15 != 0 ? -1.0 : 1.0;
    const int exponent = static_cast<int>(bits >> fraction_bits) & ((1 << exponent_bits) - 1), bias = (1 << (exponent_bits - 1)) - 1;
    const double fraction = (bits & ((1U << fraction_bits) - 1)) / std::ldexp(1.0, fraction_bits);
    if (exponent == (1 << exponent_bits) - 1) return fraction == 0 ? sign * HUGE_VAL : std::nan("");
    return exponent == 0 ? sign * std::ldexp(fraction, 1 - bias) : sign * std::ldexp(1 + fraction, exponent - bias);
}

bool same(float found, double expected) {
    if (std::isnan(expected)) return std::isnan(found);
    return std::bit_cast<std::uint32_t>(found) == std::bit_cast<std::uint32_t>(static_cast<float>(expected));
}

}  // namespace

TEST_CASE("half: every F16 value", "[half]") {
    int wrong = 0;
    for (unsigned bits = 0; bits < 65536; ++bits)
        wrong += same(cvt::checkpoint::f16_to_float(static_cast<std::uint16_t>(bits)), naive(bits, 10, 5)) ? 0 : 1;
    CHECK(wrong == 0);
}

TEST_CASE("half: every BF16 value", "[half]") {
    int wrong = 0;
    for (unsigned bits = 0; bits < 65536; ++bits)
        wrong += same(cvt::checkpoint::bf16_to_float(static_cast<std::uint16_t>(bits)), naive(bits, 7, 8)) ? 0 : 1;
    CHECK(wrong == 0);
}

TEST_CASE("half: float32 to the nearest F16", "[half]") {
    using cvt::checkpoint::f16_to_float, cvt::checkpoint::float_to_f16;
    int wrong = 0;
    for (unsigned bits = 0; bits < 65536; ++bits) {
        const auto half = static_cast<std::uint16_t>(bits);
        const float value = f16_to_float(half);
        wrong += float_to_f16(value) == (std::isnan(value) ? half | 0x200 : half) ? 0 : 1;
        // Between this number and the next: a tie rounds to the even one, its neighbours to the nearer one.
        if ((bits & 0x7FFFU) >= 0x7BFFU) continue;
        const auto next = static_cast<std::uint16_t>(bits + 1);
        const float tie = (value + f16_to_float(next)) / 2, up = f16_to_float(next);
        wrong += float_to_f16(tie) == (bits % 2 == 0 ? half : next) ? 0 : 1;
        wrong += float_to_f16(std::nextafter(tie, value)) == half ? 0 : 1;
        wrong += float_to_f16(std::nextafter(tie, up)) == next ? 0 : 1;
    }
    CHECK(wrong == 0);
    CHECK(float_to_f16(65519.996F) == 0x7BFF);
    CHECK(float_to_f16(-65520.F) == 0xFC00);
    CHECK(float_to_f16(3e38F) == 0x7C00);
    CHECK(float_to_f16(std::bit_cast<float>(1U)) == 0);
    CHECK(float_to_f16(-0.F) == 0x8000);
}
