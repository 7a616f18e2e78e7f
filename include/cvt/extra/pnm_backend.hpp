// Decodes PNM files to 8 bits without a library. Included by codecs.hpp.
#pragma once

#include <cmath>

#include "codec_pixels.hpp"
#include "decoder.hpp"
#include "pnm_preflight.hpp"

namespace cvt_pnm {

/// Python's round(value / max * 255), half to even, as in Pillow; a value above `max` is white.
inline unsigned char scaled(unsigned value, unsigned max) noexcept {
    if (max == 255) return static_cast<unsigned char>(value);
    const double exact = static_cast<double>(value) / max * 255;
    return static_cast<unsigned char>(exact < 255 ? std::nearbyint(exact) : 255);
}

inline const char* read_text(cvt::detail::file_bytes f, const cvt::detail::pnm_layout& p, unsigned char* to, std::size_t count) noexcept {
    cvt::detail::pnm_scanner scan{f, p.pixels};
    for (; count != 0; --count, ++to) {
        if (p.bitmap) {  // single digits, which need no spaces between them
            scan.skip();
            if (scan.at == f.size()) return "the pixels end too soon";
            const unsigned digit = f[scan.at++];
            if (digit != '0' && digit != '1') return "a pixel is neither 0 nor 1";
            *to = digit == '0' ? 255 : 0;
            continue;
        }
        const int value = scan.number();
        if (value < 0) return scan.at == f.size() ? "the pixels end too soon" : "a pixel is not a number";
        if (static_cast<unsigned>(value) > p.max) return "a pixel exceeds the largest value";
        *to = scaled(static_cast<unsigned>(value), p.max);
    }
    return nullptr;
}

/// The preflight has checked that all pixels are in the file.
inline void read_bytes(const unsigned char* from, const cvt::detail::pnm_layout& p, unsigned char* to, std::size_t count) noexcept {
    if (p.bitmap) {
        for (int y = 0; y < p.height; ++y, from += (p.width + 7) / 8)
            for (int x = 0; x < p.width; ++x) *to++ = (from[x / 8] >> (7 - x % 8) & 1) != 0 ? 0 : 255;
        return;
    }
    for (; count != 0; --count, ++to) {
        unsigned value = *from++;
        if (p.max > 255) value = value << 8 | *from++;
        *to = scaled(value, p.max);
    }
}

inline unsigned char* decode(const unsigned char* file, int size, std::size_t limit, int* width, int* height, int* channels,
                             const char** reason) noexcept {
    const cvt::detail::file_bytes f{file, static_cast<std::size_t>(size)};
    cvt::detail::pnm_layout p;
    *reason = "no header";
    if (cvt::detail::find_pnm_layout(f, cvt::detail::no_limits, p)) return nullptr;
    *width = p.width;
    *height = p.height;
    *channels = static_cast<int>(p.samples);
    const std::size_t count = static_cast<std::size_t>(p.width) * static_cast<std::size_t>(p.height) * p.samples;
    cvt::detail::unique_pixels pixels = cvt::detail::new_pixels(count, limit);
    *reason = nullptr;
    if (!pixels) return nullptr;
    if (p.text)
        *reason = read_text(f, p, pixels.get(), count);
    else
        read_bytes(file + p.pixels, p, pixels.get(), count);
    return *reason == nullptr ? pixels.release() : nullptr;
}

inline constexpr cvt_codec codec{"PNM", "cvt", decode};

}  // namespace cvt_pnm
