// image_view: 8-bit pixels that belong to the caller, and the checks before they are read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "../error.hpp"

CVT_NAMESPACE_BEGIN

/// The order of the colours in a pixel: RGB as files have it, or BGR as OpenCV and Windows have it.
enum class channel_order : std::uint8_t { rgb, bgr };

/// 8-bit pixels that belong to the caller, interleaved, top row first: 1 channel (grey, repeated), 3 (RGB or BGR) or 4 (RGBA or BGRA).
/// Alpha is ignored, and nothing is blended, as Pillow's convert("RGB") does it.
/// @code{.cpp}
/// std::vector<std::uint8_t> pixels(640 * 480 * 3);  // RGB
/// const cvt::image_view photo{.data = pixels.data(), .width = 640, .height = 480};
/// if (cvt::error e = session.classify(photo, logits)) return report(e);
/// @endcode
struct image_view {
    const std::uint8_t* data = nullptr;
    int width = 0, height = 0;
    int channels = 3;
    std::ptrdiff_t row_stride = 0;  ///< bytes from one row to the next, negative where rows run upwards; 0: width * channels
    channel_order order = channel_order::rgb;
};

namespace detail {

/// The longest side of an image, a resized image or a crop.
inline constexpr int max_image_side = 1'000'000;

inline error check_image_size(int width, int height) noexcept {
    if (width >= 1 && height >= 1 && width <= max_image_side && height <= max_image_side) return {};
    return error::format(errc::bad_image, "image is %d x %d (width x height): expected sides of 1 to %d pixels", width, height,
                         max_image_side);
}

/// Checks everything but the width and height, which check_image_size() must have accepted.
inline error check_pixels(const image_view& image) noexcept {
    if (image.data == nullptr) return error::format(errc::bad_image, "image has no pixels: data is null");
    if (image.channels != 1 && image.channels != 3 && image.channels != 4)
        return error::format(errc::bad_image, "image has %d channels: expected 1 (grey), 3 (RGB, BGR) or 4 (RGBA, BGRA)", image.channels);
    if (image.order > channel_order::bgr)
        return error::format(errc::bad_image, "image.order: unknown channel order %d", static_cast<int>(image.order));
    const std::int64_t row = std::int64_t{image.width} * image.channels;
    constexpr std::int64_t max = std::numeric_limits<std::ptrdiff_t>::max();
    const std::int64_t stride = image.row_stride;
    if (stride == 0 && row > max / image.height)  // only where pointers have 32 bits
        return error::format(errc::bad_image, "image is %d x %d with %d channels: more bytes than this program can address", image.width,
                             image.height, image.channels);
    if (stride != 0 && ((stride < row && stride > -row) || stride < -max || (stride < 0 ? -stride : stride) > max / image.height))
        return error::format(errc::bad_image, "image.row_stride is %lld: expected at least %lld bytes (%d pixels of %d channels)",
                             static_cast<long long>(stride), static_cast<long long>(row), image.width, image.channels);
    return {};
}

}  // namespace detail
CVT_NAMESPACE_END
