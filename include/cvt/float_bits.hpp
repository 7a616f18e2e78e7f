// Tests a float for NaN and infinity by its bits, because a host may compile with -ffast-math, which assumes that neither occurs.
#pragma once

#include <cstdint>

#include "version.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

/// All bits but the sign; their order is that of the magnitudes. By reference, because under -ffast-math a compiler may
/// assume that a float passed by value is finite.
constexpr std::uint32_t magnitude_bits(const float& value) noexcept { return std::bit_cast<std::uint32_t>(value) & 0x7FFFFFFFU; }

constexpr bool is_finite(const float& value) noexcept { return magnitude_bits(value) < 0x7F800000U; }
constexpr bool is_infinite(const float& value) noexcept { return magnitude_bits(value) == 0x7F800000U; }
constexpr bool is_nan(const float& value) noexcept { return magnitude_bits(value) > 0x7F800000U; }

}  // namespace detail
CVT_NAMESPACE_END
