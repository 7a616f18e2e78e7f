// What codecs share: zeroed memory within the limit on allocations, and the frame of those that find the picture as their preflight does.
#pragma once

#include <cstdlib>
#include <memory>

#include "image_preflight.hpp"

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

/// The function of a cvt_codec that finds its picture as the preflight did, and then draws it. `draw` writes the pixels. If it fails, it
/// returns false and a reason, which stays null if memory runs out.
template <class Layout, error (*find)(file_bytes, const decode_limits&, Layout&) noexcept,
          bool (*draw)(file_bytes, const Layout&, std::size_t limit, unsigned char* pixels, const char** reason) noexcept>
unsigned char* decode_picture(const unsigned char* file, int size, std::size_t limit, int* width, int* height, int* channels,
                              const char** reason) noexcept {
    const file_bytes f{file, static_cast<std::size_t>(size)};
    Layout found;
    *reason = "no picture";
    if (find(f, no_limits, found)) return nullptr;
    *width = found.width, *height = found.height, *channels = found.channels;
    unique_pixels pixels = new_pixels(
        static_cast<std::size_t>(found.width) * static_cast<std::size_t>(found.height) * static_cast<std::size_t>(found.channels), limit);
    *reason = nullptr;
    return pixels && draw(f, found, limit, pixels.get(), reason) ? pixels.release() : nullptr;
}

}  // namespace detail
CVT_NAMESPACE_END
