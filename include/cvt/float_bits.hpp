// What a float is by its bits: -ffast-math assumes NaN and infinities away, and a host may compile with it.
#pragma once

#include <cstdint>

#include "version.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

/// All bits but the sign; their order is that of the magnitudes. By reference, because compilers that assume every
/// float argument to be finite may do so for one passed by value.
constexpr std::uint32_t magnitude_bits(const float& value) noexcept { return std::bit_cast<std::uint32_t>(value) & 0x7FFFFFFFU; }

constexpr bool is_finite(const float& value) noexcept { return magnitude_bits(value) < 0x7F800000U; }
constexpr bool is_infinite(const float& value) noexcept { return magnitude_bits(value) == 0x7F800000U; }
constexpr bool is_nan(const float& value) noexcept { return magnitude_bits(value) > 0x7F800000U; }

}  // namespace detail
CVT_NAMESPACE_END
