// The narrow number formats of checkpoints: IEEE binary16 (F16) and bfloat16 (BF16) as float32, exact for every value; float32 as F16.
#pragma once

#include <cstdint>

#include "../../version.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// bfloat16 is the upper half of a float32.
constexpr float bf16_to_float(std::uint16_t bits) noexcept { return std::bit_cast<float>(std::uint32_t{bits} << 16); }

/// IEEE 754 binary16. In integers throughout, so that hosts that flush subnormal numbers get the same weights.
constexpr float f16_to_float(std::uint16_t bits) noexcept {
    const std::uint32_t sign = (bits & 0x8000U) << 16;
    const std::uint32_t exponent = (bits >> 10) & 0x1FU;
    const std::uint32_t fraction = bits & 0x3FFU;
    if (exponent == 0x1F) return std::bit_cast<float>(sign | 0x7F800000U | fraction << 13);  // infinities, NaN
    if (exponent != 0) return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
    if (fraction == 0) return std::bit_cast<float>(sign);
    // Subnormal: fraction * 2^-24 is a normal float32 once its leading bit is at the implicit place.
    const auto shift = static_cast<std::uint32_t>(std::countl_zero(fraction)) - 21;
    return std::bit_cast<float>(sign | (113 - shift) << 23 | ((fraction << shift) & 0x3FFU) << 13);
}

/// To the nearest binary16, halves to even; beyond 65519 it is infinity. NaN stays NaN. Equal to numpy's astype(float16).
constexpr std::uint16_t float_to_f16(float value) noexcept {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(value), magnitude = bits & 0x7FFFFFFFU;
    const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000U);
    const auto signed_half = [sign](std::uint32_t half) noexcept { return static_cast<std::uint16_t>(sign | half); };
    if (magnitude > 0x7F800000U) return signed_half(0x7E00U | (magnitude >> 13 & 0x3FFU));
    if (magnitude >= 0x47800000U) return signed_half(0x7C00U);  // 65536 and more
    const std::uint32_t exponent = magnitude >> 23;
    if (exponent < 102) return sign;  // below half of the smallest subnormal, 2^-24
    // The fraction with its leading bit, and how many of its bits go: 13, or more where the result is subnormal.
    const std::uint32_t fraction = (magnitude & 0x7FFFFFU) | 0x800000U, drop = exponent >= 113 ? 13 : 126 - exponent;
    const std::uint32_t kept = fraction >> drop, rest = fraction & ((1U << drop) - 1), half = 1U << (drop - 1);
    const std::uint32_t up = rest > half || (rest == half && (kept & 1U) != 0) ? 1 : 0;
    // A carry out of the fraction goes into the exponent, as it should; the leading bit adds the last one.
    return signed_half((exponent >= 113 ? (exponent - 113) << 10 : 0U) + kept + up);
}

}  // namespace checkpoint
CVT_NAMESPACE_END
