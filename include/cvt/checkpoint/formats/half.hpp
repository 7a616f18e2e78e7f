// Converts 16-bit floats: IEEE binary16 (F16) and bfloat16 (BF16) to float32, exact for every value, and float32 to F16.
#pragma once

#include <cstdint>

#include "../../version.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// Converts bfloat16, the upper half of a float32.
constexpr float bf16_to_float(std::uint16_t bits) noexcept { return std::bit_cast<float>(std::uint32_t{bits} << 16); }

/// Converts IEEE 754 binary16. Uses integers only, so that hosts that flush subnormal numbers get the same weights.
constexpr float f16_to_float(std::uint16_t bits) noexcept {
    const std::uint32_t sign = (bits & 0x8000U) << 16;
    const std::uint32_t exponent = (bits >> 10) & 0x1FU;
    const std::uint32_t fraction = bits & 0x3FFU;
    if (exponent == 0x1F) return std::bit_cast<float>(sign | 0x7F800000U | fraction << 13);  // infinities, NaN
    if (exponent != 0) return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
    if (fraction == 0) return std::bit_cast<float>(sign);
    // Subnormal: fraction * 2^-24 is a normal float32 once its leading bit is shifted to the implicit position.
    const auto shift = static_cast<std::uint32_t>(std::countl_zero(fraction)) - 21;
    return std::bit_cast<float>(sign | (113 - shift) << 23 | ((fraction << shift) & 0x3FFU) << 13);
}

/// Rounds to the nearest binary16, ties to even; magnitudes from 65520 become infinity, NaN stays NaN. Same as numpy's astype(float16).
constexpr std::uint16_t float_to_f16(float value) noexcept {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(value), magnitude = bits & 0x7FFFFFFFU;
    const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000U);
    const auto signed_half = [sign](std::uint32_t half) noexcept { return static_cast<std::uint16_t>(sign | half); };
    if (magnitude > 0x7F800000U) return signed_half(0x7E00U | (magnitude >> 13 & 0x3FFU));
    if (magnitude >= 0x47800000U) return signed_half(0x7C00U);  // 65536 and more
    const std::uint32_t exponent = magnitude >> 23;
    if (exponent < 102) return sign;  // below half of the smallest subnormal, 2^-24
    // The fraction with its leading bit, and the number of bits to drop: 13, or more if the result is subnormal.
    const std::uint32_t fraction = (magnitude & 0x7FFFFFU) | 0x800000U, drop = exponent >= 113 ? 13 : 126 - exponent;
    const std::uint32_t kept = fraction >> drop, rest = fraction & ((1U << drop) - 1), half = 1U << (drop - 1);
    const std::uint32_t up = rest > half || (rest == half && (kept & 1U) != 0) ? 1 : 0;
    // A carry out of the fraction correctly increments the exponent; the leading bit adds the missing 1 to it.
    return signed_half((exponent >= 113 ? (exponent - 113) << 10 : 0U) + kept + up);
}

}  // namespace checkpoint
CVT_NAMESPACE_END
