// Memory for the pixels of a codec: zeroed, from malloc, within the limit on allocations.
#pragma once

#include <cstdlib>
#include <memory>

#include "../version.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

struct free_pixels {
    void operator()(void* memory) const noexcept { std::free(memory); }
};
using unique_pixels = std::unique_ptr<unsigned char[], free_pixels>;

/// Null above the limit and if memory runs out. Zeroed, so that the undecoded part of a damaged file is black and not old heap content.
inline unique_pixels new_pixels(std::size_t count, std::size_t limit) noexcept {
    return unique_pixels{static_cast<unsigned char*>(count <= limit ? std::calloc(1, count) : nullptr)};
}

}  // namespace detail
CVT_NAMESPACE_END
