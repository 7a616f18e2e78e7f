// Converts the samples of a TIFF page to RGB: grey, palettes, RGB, CMYK, of 1 to 16 bits, as Pillow's convert("RGB") does.
#pragma once

#include "tiff_preflight.hpp"

namespace cvt_tiff {

/// Writes the samples of a page into pixels.
struct painter {
    const cvt::detail::tiff_page& page;
    const unsigned short* palette[3] = {};  ///< of a palette page
    unsigned char* pixels;                  ///< of the whole page, RGB

    /// Sample `index` of a row; the high byte of 16 bits, which are in this machine's byte order.
    [[nodiscard]] unsigned sample(const unsigned char* row, std::size_t index) const noexcept {
        if (page.bits == 8) return row[index];
        if (page.bits == 16) {
            unsigned short value = 0;
            std::memcpy(&value, row + 2 * index, 2);
            return static_cast<unsigned>(value >> 8);
        }
        const std::size_t bit = index * page.bits;
        return row[bit / 8] >> (8 - page.bits - bit % 8) & ((1U << page.bits) - 1);
    }

    /// Converts `count` pixels of a block's row, the first at (x, y) of the page. `plane`: the row's sample, if each sample has a plane of
    /// its own.
    void row(const unsigned char* from, int x, int y, int count, unsigned plane) const noexcept {
        unsigned char* to = pixels + (static_cast<std::size_t>(y) * static_cast<std::size_t>(page.width) + static_cast<std::size_t>(x)) * 3;
        for (int i = 0; i < count; ++i, to += 3) {
            const std::size_t first = static_cast<std::size_t>(i) * page.together();
            if (page.photometric == cvt::detail::tiff_cmyk)
                cmyk(from, first, to);
            else if (page.colors() == 1)
                one(sample(from, first), to);
            else if (page.separate)
                to[plane] = static_cast<unsigned char>(sample(from, first));
            else
                for (unsigned c = 0; c < 3; ++c) to[c] = static_cast<unsigned char>(sample(from, first + c));
            if (!page.separate && page.extra == 1 && page.samples > page.colors()) divide(sample(from, first + page.colors()), to);
        }
    }

private:
    void one(unsigned value, unsigned char* to) const noexcept {
        if (page.photometric == cvt::detail::tiff_palette) {
            for (unsigned c = 0; c < 3; ++c) to[c] = static_cast<unsigned char>(palette[c][value] >> 8);
            return;
        }
        const unsigned full = page.bits < 8 ? value * (255U / ((1U << page.bits) - 1)) : value;
        to[0] = to[1] = to[2] = static_cast<unsigned char>(page.photometric == cvt::detail::tiff_white_is_zero ? 255 - full : full);
    }
    void cmyk(const unsigned char* from, std::size_t first, unsigned char* to) const noexcept {
        const unsigned light = 255 - sample(from, first + 3);
        for (unsigned c = 0; c < 3; ++c) {
            const unsigned t = sample(from, first + c) * light + 128;
            to[c] = static_cast<unsigned char>(light - ((t + (t >> 8)) >> 8));
        }
    }
    /// Divides colours that were multiplied by their alpha.
    static void divide(unsigned alpha, unsigned char* to) noexcept {
        for (unsigned c = 0; c < 3; ++c) {
            const unsigned whole = alpha == 0 ? 0 : 255 * unsigned{to[c]} / alpha;
            to[c] = static_cast<unsigned char>(whole < 255 ? whole : 255);
        }
    }
};

}  // namespace cvt_tiff
