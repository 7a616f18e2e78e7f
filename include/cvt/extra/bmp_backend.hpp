// Decodes BMP files to RGB without a library: 1 to 32 bits, masks, run lengths. Included by codecs.hpp.
#pragma once

#include "bmp_preflight.hpp"
#include "codec_pixels.hpp"
#include "decoder.hpp"

namespace cvt_bmp {

using cvt::detail::bmp_layout, cvt::detail::file_bytes;

/// Colours beyond the palette are grey, as in Pillow.
inline void put_color(file_bytes f, const bmp_layout& b, unsigned color, unsigned char* to) noexcept {
    for (unsigned i = 0; i < 3; ++i)
        to[i] = color < b.colors ? f[b.palette + std::size_t{color} * b.color_bytes + 2 - i] : static_cast<unsigned char>(color);
}

inline unsigned char scaled(std::uint32_t pixel, std::uint32_t mask) noexcept {
    while ((mask & 1) == 0) pixel >>= 1, mask >>= 1;
    return static_cast<unsigned char>((pixel & mask) * 255 / mask);
}

inline void read_rows(file_bytes f, const bmp_layout& b, unsigned char* to) noexcept {
    for (int y = 0; y < b.height; ++y) {
        const unsigned char* row = f.data() + b.pixels + static_cast<std::size_t>(b.top_down ? y : b.height - 1 - y) * b.row_bytes;
        for (std::size_t x = 0; x < static_cast<std::size_t>(b.width); ++x, to += 3) {
            if (b.bits <= 8) {
                const std::size_t bit = x * b.bits;
                put_color(f, b, row[bit / 8] >> (8 - b.bits - bit % 8) & ((1U << b.bits) - 1), to);
            } else if (b.bits == 24) {
                for (std::size_t i = 0; i < 3; ++i) to[i] = row[3 * x + 2 - i];
            } else {
                std::uint32_t pixel = 0;
                for (std::size_t i = b.bits / 8; i-- > 0;) pixel = pixel << 8 | row[x * (b.bits / 8) + i];
                for (std::size_t i = 0; i < 3; ++i) to[i] = scaled(pixel, b.masks[i]);
            }
        }
    }
}

/// Unpacks run lengths, rows from the bottom up. Pixels that no run covers have the first colour. False if the data ends before its end
/// marker or before the last pixel.
inline bool read_runs(file_bytes f, const bmp_layout& b, unsigned char* to) noexcept {
    const bool half = b.compression == cvt::detail::bmp_rle4;
    const auto width = static_cast<std::size_t>(b.width), height = static_cast<std::size_t>(b.height);
    std::size_t x = 0, y = 0, at = b.pixels;
    const auto put = [&](unsigned color) noexcept {
        if (x < width && y < height) put_color(f, b, color, to + 3 * ((height - 1 - y) * width + x));
        ++x;
    };
    for (std::size_t i = 0; i < width * height; ++i) put_color(f, b, 0, to + 3 * i);
    while (y < height && !(y == height - 1 && x >= width)) {
        if (f.size() - at < 2) return false;
        const unsigned count = f[at], what = f[at + 1];
        at += 2;
        if (count != 0) {
            for (unsigned i = 0; i < count; ++i) put(!half ? what : i % 2 == 0 ? what >> 4 : what & 15U);
        } else if (what == 0) {
            x = 0, ++y;
        } else if (what == 1) {
            return true;
        } else if (what == 2) {
            if (f.size() - at < 2) return false;
            x += f[at], y += f[at + 1];
            at += 2;
        } else {
            const std::size_t bytes = half ? (what + 1) / 2 : what;
            if (f.size() - at < bytes) return false;
            for (unsigned i = 0; i < what; ++i) put(!half ? f[at + i] : i % 2 == 0 ? f[at + i / 2] >> 4 : f[at + i / 2] & 15U);
            at += bytes;
            if (bytes % 2 != 0 && at < f.size()) ++at;
        }
    }
    return true;
}

inline bool draw(file_bytes f, const bmp_layout& b, std::size_t, unsigned char* pixels, const char** reason) noexcept {
    *reason = "the runs end too soon";
    if (b.has_runs()) return read_runs(f, b, pixels);
    read_rows(f, b, pixels);
    return true;
}

inline constexpr cvt_codec codec{"BMP", "cvt", cvt::detail::decode_picture<bmp_layout, cvt::detail::find_bmp_layout, draw>};

}  // namespace cvt_bmp
