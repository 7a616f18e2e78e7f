// Decodes the picture of a HEIC or AVIF file by libheif, turned as the file says, in the unit that defines CVT_WITH_HEIF. Included by
// codecs.hpp.
#pragma once
#if defined(CVT_WITH_HEIF)

#include <cstdio>

#include "codec_pixels.hpp"
#include "decoder.hpp"
#include "heif_codecs.hpp"
#include "heif_rewrite.hpp"

namespace cvt_heif {

/// Text of the last error; the caller copies it.
inline thread_local char text[160];

inline bool plugins_known() noexcept {
    static const bool known =
        heif_register_decoder_plugin(&av1_plugin).code == heif_error_Ok && heif_register_decoder_plugin(&hevc_plugin).code == heif_error_Ok;
    return known;
}

/// Returns the picture as an 8-bit RGB image of libheif. Null, with the reason, if that fails.
inline heif_image* read(const unsigned char* file, std::size_t size, const char** reason) noexcept {
    heif_context* context = heif_context_alloc();
    heif_image_handle* handle = nullptr;
    heif_decoding_options* options = heif_decoding_options_alloc();
    heif_image* image = nullptr;
    *reason = nullptr;
    if (context != nullptr && options != nullptr) {
        heif_context_set_max_decoding_threads(context, 0);
        heif_error e = heif_context_read_from_memory_without_copy(context, file, size, nullptr);
        if (e.code == heif_error_Ok) e = heif_context_get_primary_image_handle(context, &handle);
        options->convert_hdr_to_8bit = 1;
        if (e.code == heif_error_Ok) e = heif_decode_image(handle, &image, heif_colorspace_RGB, heif_chroma_interleaved_RGB, options);
        if (e.code != heif_error_Ok) {
            std::snprintf(text, sizeof text, "%s", e.message != nullptr ? e.message : "unknown error");  // the context owns it
            *reason = text;
            image = nullptr;
        }
    }
    heif_image_handle_release(handle);
    heif_decoding_options_free(options);
    heif_context_free(context);
    return image;
}

inline unsigned char* decode(const unsigned char* file, int size, std::size_t limit, int* width, int* height, int* channels,
                             const char** reason) noexcept {
    cvt::detail::heif_picture picture;
    *reason = "no picture";
    if (cvt::detail::find_heif_picture({file, static_cast<std::size_t>(size)}, cvt::detail::no_limits, picture)) return nullptr;
    cvt::detail::buffer<unsigned char> alone;
    *reason = nullptr;
    if (!cvt::detail::rewrite_heif(picture.tables, alone)) return nullptr;
    *reason = "its decoders cannot be registered";
    if (!plugins_known()) return nullptr;
    allowed_area = picture.max_area;
    heif_image* image = read(alone.data(), alone.size(), reason);
    allowed_area = 0;
    if (image == nullptr) return nullptr;
    *channels = 3;
    *width = heif_image_get_width(image, heif_channel_interleaved);
    *height = heif_image_get_height(image, heif_channel_interleaved);
    int stride = 0;
    const std::uint8_t* from = heif_image_get_plane_readonly(image, heif_channel_interleaved, &stride);
    cvt::detail::unique_pixels pixels;
    *reason = "the picture's size differs from its tables";
    if (*width == picture.width && *height == picture.height && from != nullptr) {
        const std::size_t row = 3 * static_cast<std::size_t>(*width), count = row * static_cast<std::size_t>(*height);
        pixels = cvt::detail::new_pixels(count, limit);
        *reason = nullptr;
        for (int y = 0; pixels && y < *height; ++y)
            std::memcpy(pixels.get() + static_cast<std::size_t>(y) * row, from + static_cast<std::ptrdiff_t>(y) * stride, row);
    }
    heif_image_release(image);
    return pixels.release();
}

inline constexpr cvt_codec heic{"HEIC", "libheif", decode}, avif{"AVIF", "libheif", decode};

}  // namespace cvt_heif
#endif
