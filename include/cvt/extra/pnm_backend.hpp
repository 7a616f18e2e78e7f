// Decodes PNM files to 8 bits without a library. Included by codecs.hpp.
#pragma once

#include <cmath>

#include "codec_pixels.hpp"
#include "decoder.hpp"
#include "pnm_preflight.hpp"

namespace cvt_pnm {

using cvt::detail::file_bytes, cvt::detail::pnm_layout;

/// Python's round(value / max * 255), half to even, as in Pillow; a value above `max` is white.
inline unsigned char scaled(unsigned value, unsigned max) noexcept {
    if (max == 255) return static_cast<unsigned char>(value);
    const double exact = static_cast<double>(value) / max * 255;
    return static_cast<unsigned char>(exact < 255 ? std::nearbyint(exact) : 255);
}

inline const char* read_text(file_bytes f, const pnm_layout& p, unsigned char* to, std::size_t count) noexcept {
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
inline void read_bytes(const unsigned char* from, const pnm_layout& p, unsigned char* to, std::size_t count) noexcept {
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

inline bool draw(file_bytes f, const pnm_layout& p, std::size_t, unsigned char* pixels, const char** reason) noexcept {
    const std::size_t count = static_cast<std::size_t>(p.width) * static_cast<std::size_t>(p.height) * static_cast<std::size_t>(p.channels);
    if (p.text)
        *reason = read_text(f, p, pixels, count);
    else
        read_bytes(f.data() + p.pixels, p, pixels, count);
    return *reason == nullptr;
}

inline constexpr cvt_codec codec{"PNM", "cvt", cvt::detail::decode_picture<pnm_layout, cvt::detail::find_pnm_layout, draw>};

}  // namespace cvt_pnm
