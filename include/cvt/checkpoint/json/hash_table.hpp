// The bounded search of the hash tables of JSON keys and of tensor names.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../version.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// Number of slots examined for one name at most. Real names need fewer than 60, even among 2 million; but names can be made to
/// share one slot, and would then cost quadratic time.
inline constexpr std::size_t max_probes = 512;

/// The slot in `table` (its size is a power of two; 0 marks a free slot) where the name with this hash is or may be put;
/// table.size() if max_probes slots hold others. `is_it` says whether an entry is the name.
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
