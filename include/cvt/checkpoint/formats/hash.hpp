// The hash of names, for the tables of tensors and of JSON keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "../../version.hpp"

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

/// The place in `table` (a power of two of them, at least one; 0 where free) where the name of that hash is or may be put; table.size()
/// where max_probes places hold others. `is_it` says whether an entry is the name looked for.
template <class Table, class IsIt>
std::size_t place_of(const Table& table, std::uint64_t hash, IsIt is_it) noexcept {
    const std::size_t mask = table.size() - 1;
    std::size_t place = hash & mask;
    for (std::size_t probes = 0; probes < max_probes; ++probes, place = (place + 1) & mask)
        if (table[place] == 0 || is_it(table[place])) return place;
    return table.size();
}

}  // namespace checkpoint
CVT_NAMESPACE_END
