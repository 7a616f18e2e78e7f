// Decodes the first image of a GIF, on its canvas, by giflib, in the unit that defines CVT_WITH_GIF. Included by codecs.hpp.
#pragma once
#if defined(CVT_WITH_GIF)

#include <cstring>

#include <gif_lib.h>

#include "codec_pixels.hpp"
#include "decoder.hpp"
#include "gif_preflight.hpp"

namespace cvt_gif {

using cvt::detail::file_bytes, cvt::detail::gif_image;

inline int read(GifFileType* gif, GifByteType* to, int count) noexcept {
    auto& left = *static_cast<file_bytes*>(gif->UserData);
    const std::size_t wanted = static_cast<std::size_t>(count), n = wanted < left.size() ? wanted : left.size();
    std::memcpy(to, left.data(), n);
    left = left.subspan(n);
    return static_cast<int>(n);
}

/// Decompresses the first image into `frame`, one byte per pixel. Returns giflib's error, 0 for none.
inline int read_frame(GifFileType* gif, const gif_image& image, unsigned char* frame) noexcept {
    for (GifRecordType type = UNDEFINED_RECORD_TYPE; type != IMAGE_DESC_RECORD_TYPE;) {
        if (DGifGetRecordType(gif, &type) != GIF_OK) return gif->Error;
        if (type == TERMINATE_RECORD_TYPE) return D_GIF_ERR_NO_IMAG_DSCR;
        if (type == EXTENSION_RECORD_TYPE) {
            int code = 0;
            GifByteType* block = nullptr;
            if (DGifGetExtension(gif, &code, &block) != GIF_OK) return gif->Error;
            while (block != nullptr)
                if (DGifGetExtensionNext(gif, &block) != GIF_OK) return gif->Error;
        }
    }
    if (DGifGetImageDesc(gif) != GIF_OK) return gif->Error;
    if (gif->Image.Width != image.frame_width || gif->Image.Height != image.frame_height) return D_GIF_ERR_WRONG_RECORD;
    constexpr int first[]{0, 4, 2, 1}, step[]{8, 8, 4, 2};
    for (int pass = 0; pass < (image.interlaced ? 4 : 1); ++pass)
        for (int y = image.interlaced ? first[pass] : 0; y < image.frame_height; y += image.interlaced ? step[pass] : 1)
            if (DGifGetLine(gif, frame + static_cast<std::size_t>(y) * static_cast<std::size_t>(image.frame_width), image.frame_width) !=
                GIF_OK)
                return gif->Error;
    return 0;
}

/// Colours beyond the palette, and all colours without one, are grey, as in Pillow.
inline void put(const gif_image& image, file_bytes file, unsigned color, unsigned char* to) noexcept {
    for (unsigned i = 0; i < 3; ++i)
        to[i] = color < image.colors ? file[image.palette + 3 * std::size_t{color} + i] : static_cast<unsigned char>(color);
}

/// Pixels outside the image have the transparent colour, or the first one, as in Pillow.
inline void paint(const gif_image& image, file_bytes file, const unsigned char* frame, unsigned char* to) noexcept {
    const unsigned background = image.transparent < 0 ? 0 : static_cast<unsigned>(image.transparent);
    for (int y = 0; y < image.height; ++y)
        for (int x = 0; x < image.width; ++x, to += 3) {
            const int u = x - image.x, v = y - image.y;
            const bool inside = u >= 0 && v >= 0 && u < image.frame_width && v < image.frame_height;
            put(image, file, inside ? frame[static_cast<std::ptrdiff_t>(v) * image.frame_width + u] : background, to);
        }
}

inline bool draw(file_bytes file, const gif_image& image, std::size_t limit, unsigned char* pixels, const char** reason) noexcept {
    const std::size_t covered = static_cast<std::size_t>(image.frame_width) * static_cast<std::size_t>(image.frame_height);
    const cvt::detail::unique_pixels frame = cvt::detail::new_pixels(covered, limit);
    if (!frame) return false;
    file_bytes left = file;
    int failure = D_GIF_ERR_NOT_ENOUGH_MEM;
    if (GifFileType* gif = DGifOpen(&left, read, &failure)) {
        failure = read_frame(gif, image, frame.get());
        int unused = 0;
        DGifCloseFile(gif, &unused);
    }
    if (failure == D_GIF_ERR_NOT_ENOUGH_MEM) return false;
    if (failure != 0) {
        const char* text = GifErrorString(failure);
        *reason = text != nullptr ? text : "unknown error";
        return false;
    }
    paint(image, file, frame.get(), pixels);
    return true;
}

inline constexpr cvt_codec codec{"GIF", "giflib", cvt::detail::decode_picture<gif_image, cvt::detail::find_gif_image, draw>};

}  // namespace cvt_gif
#endif
