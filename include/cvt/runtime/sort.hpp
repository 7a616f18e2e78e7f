// Sorts a buffer, with little code for each type of its elements.
#pragma once

#include <algorithm>

#include "buffer.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

/// Sorts in place by heapsort, so that elements which compare equal end in any order. std::sort would be faster, but it compiles to five
/// times as much code for each comparison, and the WebAssembly modules have to stay small.
template <class T, class Less>
void sort(buffer<T>& items, Less less) noexcept {
    std::make_heap(items.begin(), items.end(), less);
    std::sort_heap(items.begin(), items.end(), less);
}

}  // namespace detail
CVT_NAMESPACE_END
