// Sorts a buffer, with little code for each type of its elements.
#pragma once

#include <algorithm>

#include "buffer.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

/// Sorts in place, by heapsort: elements that compare equal end in any order. std::sort compiles to five times the code for each
/// comparison, which a WebAssembly module has to download; the lists sorted here are too short for its speed to matter.
template <class T, class Less>
void sort(buffer<T>& items, Less less) noexcept {
    std::make_heap(items.begin(), items.end(), less);
    std::sort_heap(items.begin(), items.end(), less);
}

}  // namespace detail
CVT_NAMESPACE_END
