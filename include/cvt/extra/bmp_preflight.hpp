// Checks a BMP's headers before a codec sees them: size, bits, masks, palette, and whether all pixels are in the file.
#pragma once

#include "image_preflight.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

inline constexpr unsigned bmp_rgb = 0, bmp_rle8 = 1, bmp_rle4 = 2, bmp_bitfields = 3, bmp_alpha_bitfields = 6;

struct bmp_layout : picture_facts {
    bool top_down = false;
    unsigned bits = 0, compression = 0, colors = 0, color_bytes = 4;
    std::size_t palette = 0, pixels = 0, row_bytes = 0;  ///< positions in the file; row_bytes: with the padding
    std::uint32_t masks[3] = {};                         ///< red, green, blue of 16 and 32 bits

    [[nodiscard]] bool has_runs() const noexcept { return compression == bmp_rle8 || compression == bmp_rle4; }
    [[nodiscard]] bool has_masks() const noexcept { return compression == bmp_bitfields || compression == bmp_alpha_bitfields; }
};

/// Masks must be runs of at most 8 bits that do not overlap.
inline error check_bmp_masks(const bmp_layout& b) noexcept {
    std::uint32_t seen = 0;
    for (std::uint32_t mask : b.masks) {
        const bool apart = (seen & mask) == 0, fits = b.bits == 32 || mask >> 16 == 0;
        seen |= mask;
        while (mask != 0 && (mask & 1) == 0) mask >>= 1;
        if (!apart || !fits || mask == 0 || mask > 0xFF || (mask & (mask + 1)) != 0)
            return error::format(errc::unsupported, "BMP: masks %08X, %08X and %08X of %u bits are not supported", b.masks[0], b.masks[1],
                                 b.masks[2], b.bits);
    }
    return {};
}

inline error read_bmp_masks(file_bytes f, std::size_t header, bmp_layout& b) noexcept {
    if (b.compression == bmp_rgb && b.bits == 16) b.masks[0] = 0x7C00, b.masks[1] = 0x03E0, b.masks[2] = 0x001F;
    if (b.compression == bmp_rgb && b.bits == 32) b.masks[0] = 0xFF0000, b.masks[1] = 0xFF00, b.masks[2] = 0xFF;
    if (!b.has_masks()) return {};
    // They follow the first 40 bytes of the header, whether the header includes them or not.
    if (f.size() < 14 + 40 + 12) return error::format(errc::malformed, "BMP is truncated: %zu bytes, its masks go on to byte 66", f.size());
    for (std::size_t i = 0; i < 3; ++i) b.masks[i] = read_le32(f, 14 + 40 + 4 * i);
    if (header == 40) b.palette += b.compression == bmp_bitfields ? 12 : 16;
    if (header > 40 && b.bits == 32 && b.masks[0] == 0 && b.masks[1] == 0 && b.masks[2] == 0)  // some writers leave them 0
        b.masks[0] = 0xFF0000, b.masks[1] = 0xFF00, b.masks[2] = 0xFF;
    return {};
}

inline error check_bmp_kind(const bmp_layout& b) noexcept {
    const bool small = b.bits == 1 || b.bits == 4 || b.bits == 8, wide = b.bits == 16 || b.bits == 32;
    const bool known = b.compression == bmp_rgb ? small || wide || b.bits == 24
                       : b.has_runs()           ? b.bits == (b.compression == bmp_rle8 ? 8U : 4U) && !b.top_down
                                                : b.has_masks() && wide;
    if (!known)
        return error::format(errc::unsupported, "BMP: %u bits per pixel with compression %u are not supported", b.bits, b.compression);
    return wide ? check_bmp_masks(b) : error{};
}

/// Reads the headers, for the preflight and for the codec. `f` is_bmp. Errors: malformed, unsupported, bad_image (size).
inline error find_bmp_layout(file_bytes f, const decode_limits& limits, bmp_layout& b) noexcept {
    const auto truncated = [&](std::uint64_t need) noexcept {
        return error::format(errc::malformed, "BMP is truncated: %zu bytes, expected %llu", f.size(),
                             static_cast<unsigned long long>(need));
    };
    if (f.size() < 26) return truncated(26);
    const std::uint32_t header = read_le32(f, 14);
    if (header != 12 && header != 40 && header != 52 && header != 56 && header != 64 && header != 108 && header != 124)
        return error::format(errc::malformed, "BMP: a header of %u bytes, expected 12, 40, 52, 56, 64, 108 or 124", header);
    if (f.size() < 14 + header) return truncated(14 + header);
    b.palette = 14 + header;
    b.pixels = read_le32(f, 10);
    std::int64_t width = 0, height = 0;
    std::uint32_t colors = 0;
    if (header == 12) {
        width = read_le16(f, 18), height = read_le16(f, 20);
        b.bits = read_le16(f, 24);
        b.color_bytes = 3;
    } else {
        width = static_cast<std::int32_t>(read_le32(f, 18)), height = static_cast<std::int32_t>(read_le32(f, 22));
        b.top_down = height < 0;
        height = b.top_down ? -height : height;
        b.bits = read_le16(f, 28);
        b.compression = read_le32(f, 30);
        colors = read_le32(f, 46);
    }
    if (error e = set_picture_size(width, height, limits, b)) return e;
    if (error e = read_bmp_masks(f, header, b)) return e;
    if (error e = check_bmp_kind(b)) return e;
    if (b.bits <= 8) {
        const std::uint32_t max = 1U << b.bits;
        b.colors = colors == 0 || colors > max ? max : colors;
    }
    const std::size_t end_of_palette = b.palette + std::size_t{b.colors} * b.color_bytes;
    if (b.colors != 0 && f.size() < end_of_palette) return truncated(end_of_palette);
    if (b.pixels == 0) b.pixels = end_of_palette;
    if (b.pixels < 14 + header || b.pixels > f.size())
        return error::format(errc::malformed, "BMP: pixels begin at byte %zu of %zu, expected after %u bytes of headers", b.pixels,
                             f.size(), 14 + header);
    const std::uint64_t used = (static_cast<std::uint64_t>(width) * b.bits + 7) / 8, row = (used + 3) / 4 * 4;
    b.row_bytes = static_cast<std::size_t>(row);
    const std::uint64_t need = b.pixels + row * static_cast<std::uint64_t>(height - 1) + used;  // the last row's padding may be missing
    if (!b.has_runs() && need > f.size()) return truncated(need);
    return {};
}

inline bool is_bmp(file_bytes f) noexcept { return starts_with(f, "BM"); }

}  // namespace detail
CVT_NAMESPACE_END
