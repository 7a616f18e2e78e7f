// Decodes the first image of a GIF, on its canvas, by giflib, in the unit that defines CVT_WITH_GIF. Included by codecs.hpp.
#pragma once
#if defined(CVT_WITH_GIF)

#include <cstring>

#include <gif_lib.h>

#include "codec_pixels.hpp"
#include "decoder.hpp"
#include "gif_preflight.hpp"

namespace cvt_gif {

struct reader {
    const unsigned char* file;
    std::size_t size, at;
};

inline int read(GifFileType* gif, GifByteType* to, int count) noexcept {
    auto& r = *static_cast<reader*>(gif->UserData);
    const std::size_t left = r.size - r.at, n = static_cast<std::size_t>(count) < left ? static_cast<std::size_t>(count) : left;
    std::memcpy(to, r.file + r.at, n);
    r.at += n;
    return static_cast<int>(n);
}

/// Decompresses the first image into `frame`, one byte per pixel. Returns giflib's error, 0 for none.
inline int read_frame(GifFileType* gif, const cvt::detail::gif_image& image, unsigned char* frame) noexcept {
    for (;;) {
        GifRecordType type = UNDEFINED_RECORD_TYPE;
        if (DGifGetRecordType(gif, &type) != GIF_OK) return gif->Error;
        if (type == TERMINATE_RECORD_TYPE) return D_GIF_ERR_NO_IMAG_DSCR;
        if (type == EXTENSION_RECORD_TYPE) {
            int code = 0;
            GifByteType* block = nullptr;
            if (DGifGetExtension(gif, &code, &block) != GIF_OK) return gif->Error;
            while (block != nullptr)
                if (DGifGetExtensionNext(gif, &block) != GIF_OK) return gif->Error;
        }
        if (type == IMAGE_DESC_RECORD_TYPE) break;
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
inline void put(const cvt::detail::gif_image& image, const unsigned char* file, unsigned color, unsigned char* to) noexcept {
    for (unsigned i = 0; i < 3; ++i)
        to[i] = color < image.colors ? file[image.palette + 3 * std::size_t{color} + i] : static_cast<unsigned char>(color);
}

/// Pixels outside the image have the transparent colour, or the first one, as in Pillow.
inline void paint(const cvt::detail::gif_image& image, const unsigned char* file, const unsigned char* frame, unsigned char* to) noexcept {
    const unsigned background = image.transparent < 0 ? 0 : static_cast<unsigned>(image.transparent);
    for (int y = 0; y < image.height; ++y)
        for (int x = 0; x < image.width; ++x, to += 3) {
            const int u = x - image.x, v = y - image.y;
            const bool inside = u >= 0 && v >= 0 && u < image.frame_width && v < image.frame_height;
            put(image, file, inside ? frame[static_cast<std::ptrdiff_t>(v) * image.frame_width + u] : background, to);
        }
}

inline unsigned char* decode(const unsigned char* file, int size, std::size_t limit, int* width, int* height, int* channels,
                             const char** reason) noexcept {
    cvt::detail::gif_image image;
    *reason = "no image";
    if (cvt::detail::find_gif_image({file, static_cast<std::size_t>(size)}, cvt::detail::no_limits, image)) return nullptr;
    *width = image.width;
    *height = image.height;
    *channels = 3;
    const std::size_t count = static_cast<std::size_t>(*width) * static_cast<std::size_t>(*height) * 3;
    const std::size_t covered = static_cast<std::size_t>(image.frame_width) * static_cast<std::size_t>(image.frame_height);
    const cvt::detail::unique_pixels frame = cvt::detail::new_pixels(covered, limit);
    cvt::detail::unique_pixels pixels = cvt::detail::new_pixels(count, limit);
    *reason = nullptr;
    if (!frame || !pixels) return nullptr;
    reader source{file, static_cast<std::size_t>(size), 0};
    int failure = D_GIF_ERR_NOT_ENOUGH_MEM;
    if (GifFileType* gif = DGifOpen(&source, read, &failure)) {
        failure = read_frame(gif, image, frame.get());
        int unused = 0;
        DGifCloseFile(gif, &unused);
    }
    if (failure == D_GIF_ERR_NOT_ENOUGH_MEM) return nullptr;
    if (failure != 0) {
        const char* text = GifErrorString(failure);
        *reason = text != nullptr ? text : "unknown error";
        return nullptr;
    }
    paint(image, file, frame.get(), pixels.get());
    return pixels.release();
}

inline constexpr cvt_codec codec{"GIF", "giflib", decode};

}  // namespace cvt_gif
#endif
