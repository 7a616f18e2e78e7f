// Checks a PNG's chunks before a codec sees them: order, lengths, checksums, header, palette; everything outside the compressed data.
#pragma once

#include <array>

#include "exif.hpp"
#include "image_preflight.hpp"
#include "png_exif.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

/// CRC-32 of PNG's annex D.
inline std::uint32_t png_crc(file_bytes data) noexcept {
    static constexpr auto table = [] {
        std::array<std::uint32_t, 256> t{};
        for (std::uint32_t i = 0; i < 256; ++i) {
            std::uint32_t c = i;
            for (int bit = 0; bit < 8; ++bit) c = (c & 1) != 0 ? 0xEDB88320U ^ c >> 1 : c >> 1;
            t[i] = c;
        }
        return t;
    }();
    std::uint32_t c = 0xFFFFFFFFU;
    for (const std::uint8_t byte : data) c = table[(c ^ byte) & 0xFF] ^ c >> 8;
    return ~c;
}

/// Samples of a pixel for each colour type; 0: there is no such type.
inline constexpr unsigned png_channels[]{1, 0, 3, 1, 2, 0, 4};

inline bool png_depth_allowed(unsigned color, unsigned depth) noexcept {
    if (color > 6 || png_channels[color] == 0) return false;
    const bool small = depth == 1 || depth == 2 || depth == 4;
    return depth == 8 || (depth == 16 && color != 3) || (small && (color == 0 || color == 3));
}

/// State of the walk over the chunks.
struct png_walk {
    unsigned color = 0, depth = 0, palette = 0;
    std::uint64_t data_bytes = 0, raw_bytes = 0;  ///< size of the compressed data; size that they must unpack to
    bool header = false, data = false, data_closed = false, transparency = false, exif = false, end = false;
};

inline error check_png_header(file_bytes body, png_walk& walk, file_facts& facts, const decode_limits& limits) noexcept {
    if (walk.header) return error::format(errc::malformed, "PNG: a second IHDR chunk");
    if (body.size() != 13) return error::format(errc::malformed, "PNG: IHDR has %zu bytes, expected 13", body.size());
    walk.header = true;
    walk.depth = body[8];
    walk.color = body[9];
    const std::uint32_t width = read_be32(body, 0), height = read_be32(body, 4);
    if (error e = set_picture_size(width, height, limits, facts)) return e;
    if (!png_depth_allowed(walk.color, walk.depth))
        return error::format(errc::malformed, "PNG: colour type %u with %u bits does not exist", walk.color, walk.depth);
    if (body[10] != 0 || body[11] != 0 || body[12] > 1)
        return error::format(errc::malformed, "PNG: unknown compression %u, filter %u or interlace %u", body[10], body[11], body[12]);
    walk.raw_bytes = std::uint64_t{height} * ((std::uint64_t{width} * png_channels[walk.color] * walk.depth + 7) / 8);
    return {};
}

/// Indices beyond the palette are black, as in Pillow; stb_image would read uninitialised memory.
inline error check_png_palette(file_bytes body, std::size_t end_of_body, png_walk& walk, file_facts& facts) noexcept {
    const std::size_t size = body.size();
    if (walk.palette != 0 || walk.data || walk.transparency || walk.color == 0 || walk.color == 4)
        return error::format(errc::malformed, "PNG: unexpected palette");
    const std::size_t max = walk.color == 3 ? std::size_t{3} << walk.depth : 768;
    if (size == 0 || size % 3 != 0 || size > max)
        return error::format(errc::malformed, "PNG: palette of %zu bytes, expected a multiple of 3 up to %zu", size, max);
    walk.palette = static_cast<unsigned>(size / 3);
    if (walk.color == 3 && size < max) {
        facts.patch.at = end_of_body;
        facts.patch.count = max - size;
        facts.patch.length_at = end_of_body - size - 8;
    }
    return {};
}

inline error check_png_transparency(std::size_t size, png_walk& walk) noexcept {
    const bool fits = walk.color == 0 ? size == 2 : walk.color == 2 ? size == 6 : walk.color == 3 && size >= 1 && size <= walk.palette;
    if (walk.data || walk.transparency || !fits)
        return error::format(errc::malformed, "PNG: misplaced or wrong tRNS chunk (%zu bytes)", size);
    walk.transparency = true;
    return {};
}

inline error check_png_chunk(std::string_view type, file_bytes body, std::size_t end_of_body, png_walk& walk, file_facts& facts,
                             const decode_limits& limits) noexcept {
    if (type == "IHDR") return check_png_header(body, walk, facts, limits);
    if (type == "PLTE") return check_png_palette(body, end_of_body, walk, facts);
    if (type == "tRNS") return check_png_transparency(body.size(), walk);
    if (type == "IDAT") {
        if (walk.data_closed) return error::format(errc::malformed, "PNG: image data is not contiguous");
        if (walk.color == 3 && walk.palette == 0) return error::format(errc::malformed, "PNG: colour type 3 without a palette");
        walk.data = true;
        walk.data_bytes += body.size();
        return {};
    }
    if (type == "IEND") {
        if (!walk.data) return error::format(errc::malformed, "PNG: no image data");
        constexpr unsigned densest = 1032;  // deflate: 258 bytes in two bits; a header must not announce more than the data can hold
        if (walk.raw_bytes > walk.data_bytes * densest)
            return error::format(errc::malformed, "PNG: %llu bytes of image data cannot hold %d x %d pixels",
                                 static_cast<unsigned long long>(walk.data_bytes), facts.width, facts.height);
        walk.end = true;
        return {};
    }
    if (type == "eXIf") {
        facts.orientation = exif_orientation(body);
        walk.exif = true;
    }
    if (!walk.exif && (type == "tEXt" || type == "zTXt" || type == "iTXt")) read_text_orientation(type, body, facts.orientation);
    if (type == "CgBI") return error::format(errc::unsupported, "PNG: Apple's CgBI variant is not supported");
    if ((type[0] & 0x20) == 0) return error::format(errc::unsupported, "PNG: unknown critical chunk %.4s", type.data());
    return {};
}

inline bool is_png(file_bytes f) noexcept { return starts_with(f, "\x89PNG\r\n\x1A\n"); }

/// `f` begins with the PNG signature. Errors: malformed, unsupported, bad_image (size).
inline error preflight_png(file_bytes f, const decode_limits& limits, file_facts& facts) noexcept {
    png_walk walk;
    std::size_t at = 8;
    while (!walk.end) {
        constexpr std::size_t frame = 12;  // length, type and checksum around the body
        if (at == f.size() && walk.data)
            return error::format(errc::malformed, "PNG is truncated: it ends at byte %zu without an IEND chunk", at);
        if (f.size() - at < frame || read_be32(f, at) > f.size() - at - frame)
            return error::format(errc::malformed, "PNG is truncated: the chunk at byte %zu goes past the end of the file (%zu bytes)", at,
                                 f.size());
        const std::size_t size = read_be32(f, at);
        char type[5] = {};
        for (std::size_t i = 0; i < 4; ++i) {
            const std::uint8_t letter = f[at + 4 + i];
            if ((letter | 0x20) < 'a' || (letter | 0x20) > 'z')
                return error::format(errc::malformed, "PNG: no chunk name at byte %zu", at + 4);
            type[i] = static_cast<char>(letter);
        }
        if (!walk.header && std::strcmp(type, "IHDR") != 0 && std::strcmp(type, "CgBI") != 0)
            return error::format(errc::malformed, "PNG: the first chunk is %s, expected IHDR", type);
        const bool critical = (type[0] & 0x20) == 0;
        if (critical && png_crc(f.subspan(at + 4, size + 4)) != read_be32(f, at + 8 + size))
            return error::format(errc::malformed, "PNG: wrong checksum in chunk %s at byte %zu", type, at);
        if (walk.data && std::strcmp(type, "IDAT") != 0) walk.data_closed = true;
        if (error e = check_png_chunk(type, f.subspan(at + 8, size), at + 8 + size, walk, facts, limits)) return e;
        at += frame + size;
    }
    return {};
}

}  // namespace detail
CVT_NAMESPACE_END
