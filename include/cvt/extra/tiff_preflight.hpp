// Checks the first directory of a TIFF before libtiff sees it: size, layout, samples, orientation, and whether all data is in the file.
#pragma once

#include "exif.hpp"
#include "image_preflight.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

/// The tags and values of TIFF 6.0 that are used here.
enum tiff_number : unsigned {
    tiff_width = 256,
    tiff_height = 257,
    tiff_bits = 258,
    tiff_compression = 259,
    tiff_photometric = 262,
    tiff_strip_offsets = 273,
    tiff_samples = 277,
    tiff_rows = 278,
    tiff_strip_bytes = 279,
    tiff_planar = 284,
    tiff_tile_width = 322,
    tiff_tile_height = 323,
    tiff_tile_offsets = 324,
    tiff_tile_bytes = 325,
    tiff_extra_samples = 338,
    tiff_sample_format = 339,

    tiff_white_is_zero = 0,
    tiff_black_is_zero = 1,
    tiff_rgb = 2,
    tiff_palette = 3,
    tiff_cmyk = 5,
    tiff_ycbcr = 6,

    tiff_none = 1,
    tiff_ccitt_rle = 2,
    tiff_fax3 = 3,
    tiff_fax4 = 4,
    tiff_lzw = 5,
    tiff_jpeg = 7,
    tiff_deflate = 8,
    tiff_packbits = 32773,
    tiff_old_deflate = 32946,
};

/// The first page. A block is a strip or a tile.
struct tiff_page : picture_facts {
    unsigned bits = 1, samples = 1, photometric = 0, compression = tiff_none,
             extra = 0;  ///< extra: meaning of the first sample after the colours
    bool tiled = false, separate = false;
    int block_width = 0, block_height = 0;
    std::uint64_t data_bytes = 0;

    [[nodiscard]] unsigned colors() const noexcept {
        return photometric == tiff_cmyk ? 4 : photometric == tiff_rgb || photometric == tiff_ycbcr ? 3 : 1;
    }
    /// Samples of a pixel that are stored together.
    [[nodiscard]] unsigned together() const noexcept { return separate ? 1 : samples; }
    [[nodiscard]] std::uint64_t row_bytes(int pixels) const noexcept {
        return (static_cast<std::uint64_t>(pixels) * together() * bits + 7) / 8;
    }
    [[nodiscard]] std::uint64_t block_bytes() const noexcept { return row_bytes(block_width) * static_cast<std::uint64_t>(block_height); }
    [[nodiscard]] std::uint64_t blocks_across() const noexcept {
        return static_cast<std::uint64_t>((width + block_width - 1) / block_width);
    }
    [[nodiscard]] std::uint64_t blocks() const noexcept {
        return blocks_across() * static_cast<std::uint64_t>((height + block_height - 1) / block_height) * (separate ? samples : 1);
    }
};

/// Checks that the page is of a kind that is decoded: Pillow's, without LAB, floating point and 12 or 32 bits.
inline error check_tiff_samples(const tiff_page& page) noexcept {
    const unsigned p = page.photometric;
    const bool grey = p == tiff_white_is_zero || p == tiff_black_is_zero, small = page.bits == 1 || page.bits == 2 || page.bits == 4;
    if (!grey && p != tiff_rgb && p != tiff_palette && p != tiff_cmyk && p != tiff_ycbcr)
        return error::format(errc::unsupported, "TIFF: photometric interpretation %u is not supported", p);
    if (page.samples < page.colors() || page.samples > page.colors() + 4)
        return error::format(errc::unsupported, "TIFF: %u samples per pixel, expected %u to %u", page.samples, page.colors(),
                             page.colors() + 4);
    const bool fits = page.bits == 8 || (page.bits == 16 && p != tiff_palette && p != tiff_ycbcr) ||
                      (small && page.samples == 1 && (grey || p == tiff_palette));
    if (!fits) return error::format(errc::unsupported, "TIFF: %u bits per sample of photometric interpretation %u", page.bits, p);
    constexpr unsigned associated_alpha = 1;
    if (page.separate && (p == tiff_cmyk || p == tiff_ycbcr || page.extra == associated_alpha))
        return error::format(errc::unsupported, "TIFF: CMYK, YCbCr or premultiplied samples in separate planes are not supported");
    if (p == tiff_ycbcr && page.samples != 3)
        return error::format(errc::unsupported, "TIFF: YCbCr with %u samples per pixel", page.samples);
    return {};
}

/// Maximum number of bytes that one compressed byte can unpack to; 0 for a compression that is not supported.
inline unsigned tiff_density(unsigned compression) noexcept {
    switch (compression) {
        case tiff_none: return 1;
        case tiff_packbits: return 64;
        case tiff_jpeg: return 1024;  // a bit a block of 64 pixels
        case tiff_deflate:
        case tiff_old_deflate: return 1032;
        case tiff_lzw: return 4096;
        case tiff_ccitt_rle:
        case tiff_fax3:
        case tiff_fax4: return max_decoded_side;  // a bit a row
        default: return 0;
    }
}

inline error check_tiff_blocks(const tiff_directory& d, tiff_page& page) noexcept {
    page.tiled = d.find(tiff_tile_width).count != 0;
    std::uint64_t across = static_cast<std::uint64_t>(page.width), down = d.number(tiff_rows, static_cast<std::uint64_t>(page.height));
    if (page.tiled) {
        across = d.number(tiff_tile_width, 0), down = d.number(tiff_tile_height, 0);
        // A tile may be larger than a small image, but not by much.
        constexpr std::uint64_t max = 1024;
        const auto wrong = [](std::uint64_t side, int of) noexcept {
            return side == 0 || side % 16 != 0 || (side > max && side >= static_cast<std::uint64_t>(of) + 16);
        };
        if (wrong(across, page.width) || wrong(down, page.height))
            return error::format(errc::malformed, "TIFF: tiles of %llu x %llu for %d x %d pixels", static_cast<unsigned long long>(across),
                                 static_cast<unsigned long long>(down), page.width, page.height);
    } else {
        if (down == 0) return error::format(errc::malformed, "TIFF: expected rows in a strip, found 0");
        down = down < static_cast<std::uint64_t>(page.height) ? down : static_cast<std::uint64_t>(page.height);
    }
    page.block_width = static_cast<int>(across);
    page.block_height = static_cast<int>(down);
    const tiff_directory::values offsets = d.find(page.tiled ? tiff_tile_offsets : tiff_strip_offsets),
                                 sizes = d.find(page.tiled ? tiff_tile_bytes : tiff_strip_bytes);
    if (offsets.count != page.blocks() || sizes.count != page.blocks())
        return error::format(errc::malformed, "TIFF: %llu places and %llu sizes of its data, expected %llu",
                             static_cast<unsigned long long>(offsets.count), static_cast<unsigned long long>(sizes.count),
                             static_cast<unsigned long long>(page.blocks()));
    for (std::uint64_t i = 0; i < page.blocks(); ++i) {
        const std::uint64_t at = d.at(offsets, i), size = d.at(sizes, i);
        if (at > d.file.size() || size > d.file.size() - at)
            return error::format(errc::malformed, "TIFF is truncated: %llu bytes at byte %llu go past the end of the file (%zu bytes)",
                                 static_cast<unsigned long long>(size), static_cast<unsigned long long>(at), d.file.size());
        page.data_bytes += size;
    }
    const std::uint64_t raw = page.row_bytes(page.width) * static_cast<std::uint64_t>(page.height);
    // Subsampling has already halved or quartered the data of YCbCr.
    if (raw / (page.photometric == tiff_ycbcr ? 12 : 1) > page.data_bytes * tiff_density(page.compression))
        return error::format(errc::malformed, "TIFF: %llu bytes of image data cannot hold %d x %d pixels",
                             static_cast<unsigned long long>(page.data_bytes), page.width, page.height);
    return {};
}

/// Reads the first page, for the preflight and for the codec. `f` is_tiff. Errors: malformed, unsupported, bad_image (size).
inline error find_tiff_page(file_bytes f, const decode_limits& limits, tiff_page& page) noexcept {
    tiff_directory d;
    if (!open_tiff(f, d))
        return error::format(errc::malformed, "TIFF: its first directory goes past the end of the file (%zu bytes)", f.size());
    const std::uint64_t width = d.number(tiff_width, 0), height = d.number(tiff_height, 0);
    constexpr std::uint64_t far = 1U << 30;
    if (error e = set_picture_size(static_cast<std::int64_t>(width < far ? width : far),
                                   static_cast<std::int64_t>(height < far ? height : far), limits, page))
        return e;
    const auto small = [&](unsigned tag, unsigned otherwise) noexcept {
        const std::uint64_t value = d.number(tag, otherwise);
        return static_cast<unsigned>(value < 0xFFFF ? value : 0xFFFF);
    };
    page.orientation = exif_orientation(f);
    page.samples = small(tiff_samples, 1);
    page.bits = small(tiff_bits, 1);
    page.photometric = small(tiff_photometric, tiff_white_is_zero);
    page.compression = small(tiff_compression, tiff_none);
    page.extra = small(tiff_extra_samples, 0);
    page.separate = small(tiff_planar, 1) == 2 && page.samples > 1;
    const tiff_directory::values bits = d.find(tiff_bits);
    for (std::uint64_t i = 1; i < bits.count && i < page.samples; ++i)
        if (d.at(bits, i) != page.bits) return error::format(errc::unsupported, "TIFF: samples of different sizes are not supported");
    constexpr unsigned unsigned_integers = 1, undefined = 4;
    if (const unsigned format = small(tiff_sample_format, unsigned_integers); format != unsigned_integers && format != undefined)
        return error::format(errc::unsupported, "TIFF: samples that are signed or floating point are not supported");
    if (tiff_density(page.compression) == 0)
        return error::format(errc::unsupported, "TIFF: compression %u is not supported", page.compression);
    const bool fax = page.compression >= tiff_ccitt_rle && page.compression <= tiff_fax4;
    if (fax && (page.bits != 1 || page.samples != 1))
        return error::format(errc::malformed, "TIFF: fax compression of more than black and white");
    if (page.compression == tiff_jpeg && page.bits != 8) return error::format(errc::unsupported, "TIFF: JPEG of %u bits", page.bits);
    if (error e = check_tiff_samples(page)) return e;
    return check_tiff_blocks(d, page);
}

inline bool is_tiff(file_bytes f) noexcept {
    return starts_with(f, std::string_view{"II*\0", 4}) || starts_with(f, std::string_view{"MM\0*", 4}) ||
           starts_with(f, std::string_view{"II+\0\x8\0\0\0", 8}) || starts_with(f, std::string_view{"MM\0+\0\x8\0\0", 8});
}

}  // namespace detail
CVT_NAMESPACE_END
