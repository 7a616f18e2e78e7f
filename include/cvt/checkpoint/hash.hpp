// The hash of names, for the tables of tensors and of JSON keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "../version.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// FNV-1a, 64 bits.
constexpr std::uint64_t fnv1a(std::string_view text, std::uint64_t basis = 0xCBF29CE484222325ULL) noexcept {
    for (const char c : text) basis = (basis ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
    return basis;
}

/// The most places of a table that are looked at for one name; honest names stay below 60, 2 million of them too. Names can
/// be made to share one place, and would cost quadratic time.
inline constexpr std::size_t max_probes = 512;

}  // namespace checkpoint
CVT_NAMESPACE_END
