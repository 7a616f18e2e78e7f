// Decodes the first image of a WebP file by libwebp, in the unit that defines CVT_WITH_WEBP. Included by codecs.hpp.
#pragma once
#if defined(CVT_WITH_WEBP)

#include <webp/decode.h>

#include "codec_pixels.hpp"
#include "decoder.hpp"
#include "webp_preflight.hpp"

namespace cvt_webp {

/// A frame smaller than its canvas is drawn on black, as in Pillow. The alpha channel is not read.
inline unsigned char* decode(const unsigned char* file, int size, std::size_t limit, int* width, int* height, int* channels,
                             const char** reason) noexcept {
    cvt::detail::webp_image image;
    *reason = "no image";
    if (cvt::detail::find_webp_image({file, static_cast<std::size_t>(size)}, cvt::detail::no_limits, image)) return nullptr;
    *width = image.width;
    *height = image.height;
    *channels = 3;
    const std::size_t stride = static_cast<std::size_t>(*width) * 3, count = stride * static_cast<std::size_t>(*height);
    cvt::detail::unique_pixels pixels = cvt::detail::new_pixels(count, limit);
    *reason = nullptr;
    if (!pixels) return nullptr;
    const std::size_t first = static_cast<std::size_t>(image.y) * stride + static_cast<std::size_t>(image.x) * 3;
    WebPDecoderConfig config;
    VP8StatusCode status = VP8_STATUS_INVALID_PARAM;
    if (WebPInitDecoderConfig(&config) != 0 &&
        (status = WebPGetFeatures(file + image.chunk, image.chunk_size, &config.input)) == VP8_STATUS_OK) {
        status = VP8_STATUS_BITSTREAM_ERROR;
        if (config.input.width == image.frame_width && config.input.height == image.frame_height) {
            config.output.colorspace = MODE_RGB;
            config.output.is_external_memory = 1;
            config.output.u.RGBA.rgba = pixels.get() + first;
            config.output.u.RGBA.stride = static_cast<int>(stride);
            config.output.u.RGBA.size = count - first;
            status = WebPDecode(file + image.chunk, image.chunk_size, &config);
        }
    }
    if (status == VP8_STATUS_OK) return pixels.release();
    *reason = status == VP8_STATUS_OUT_OF_MEMORY     ? nullptr
              : status == VP8_STATUS_NOT_ENOUGH_DATA ? "the data ends too soon"
                                                     : "the data is not WebP";
    return nullptr;
}

inline constexpr cvt_codec codec{"WebP", "libwebp", decode};

}  // namespace cvt_webp
#endif
