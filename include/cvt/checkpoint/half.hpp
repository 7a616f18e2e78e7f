// The narrow number formats of checkpoints as float32: IEEE binary16 (F16) and bfloat16 (BF16), exact for every value.
#pragma once

#include <bit>
#include <cstdint>

#include "../version.hpp"

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

}  // namespace checkpoint
CVT_NAMESPACE_END
