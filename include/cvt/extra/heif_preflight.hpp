// What a HEIC or AVIF file would have decoded: the sizes of its picture, tiles and alpha, and how it is turned, before libheif sees it.
#pragma once

#include "heif_boxes.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

struct heif_picture {
    int width = 0, height = 0;    ///< as shown: cropped and turned, which in these formats is part of the picture
    std::uint64_t most_area = 0;  ///< of what is coded in one piece
};

struct heif_size {
    std::uint32_t width = 0, height = 0;
    bool said = false;
};

inline heif_size heif_size_of(const heif_meta& m, std::uint32_t item) noexcept {
    heif_size size;
    m.each_property(item, [&](std::uint32_t type, heif_reader body) noexcept {
        if (type != four_letters("ispe")) return true;
        body.skip(4);
        size.width = body.u32(), size.height = body.u32();
        size.said = body.good;
        return false;
    });
    return size;
}

inline bool is_heif_coded(std::uint32_t type) noexcept {
    return type == four_letters("hvc1") || type == four_letters("hev1") || type == four_letters("av01");
}

/// A picture in one piece.
inline error check_heif_coded(const heif_meta& m, std::uint32_t item, const decode_limits& limits, heif_picture& p) noexcept {
    const heif_size size = heif_size_of(m, item);
    if (!size.said) return error::format(errc::malformed, "HEIF: item %u says no size", item);
    if (error e = check_pixels(size.width, size.height, limits)) return e;
    constexpr std::uint64_t blocks = 64;  // coded sizes are whole blocks
    const std::uint64_t area = (size.width + blocks) * (size.height + blocks);
    p.most_area = area > p.most_area ? area : p.most_area;
    return {};
}

/// A picture in tiles of one size, which cover it and no more.
inline error check_heif_grid(const heif_meta& m, std::uint32_t item, const decode_limits& limits, heif_picture& p) noexcept {
    const heif_size size = heif_size_of(m, item);
    heif_reader r = m.bytes_of(item);
    const unsigned version = r.u8(), flags = r.u8();
    const std::uint32_t rows = r.u8() + 1, columns = r.u8() + 1;
    const auto field = [&]() noexcept { return (flags & 1U) != 0 ? r.u32() : r.u16(); };
    const std::uint32_t width = field(), height = field();
    if (!r.good || version != 0) return error::format(errc::malformed, "HEIF: item %u is a grid without its numbers", item);
    if (error e = check_pixels(width, height, limits)) return e;
    if (!size.said || size.width != width || size.height != height)
        return error::format(errc::malformed, "HEIF: a grid of %u x %u that should be %u x %u", width, height, size.width, size.height);
    constexpr std::uint32_t most_tiles = 1024;
    std::uint32_t tiles = 0;
    error failure;
    heif_size tile;
    m.each_reference(four_letters("dimg"), [&](std::uint32_t from, std::uint32_t to) noexcept {
        if (from != item) return true;
        if (++tiles > most_tiles)
            failure = error::format(errc::unsupported, "HEIF: a grid of more than %u tiles", most_tiles);
        else if (!is_heif_coded(m.type_of(to)))
            failure = error::format(errc::unsupported, "HEIF: item %u, a tile, is neither HEVC nor AV1", to);
        else
            failure = check_heif_coded(m, to, limits, p);
        const heif_size this_tile = heif_size_of(m, to);
        if (tiles == 1) tile = this_tile;
        if (!failure && (this_tile.width != tile.width || this_tile.height != tile.height))
            failure = error::format(errc::malformed, "HEIF: tiles of %u x %u and of %u x %u in one grid", tile.width, tile.height,
                                    this_tile.width, this_tile.height);
        return !failure;
    });
    if (failure) return failure;
    const auto covers = [](std::uint64_t side, std::uint64_t count, std::uint64_t whole) noexcept {
        return side * count >= whole && side * (count - 1) < whole;
    };
    if (tiles != rows * columns || !covers(tile.width, columns, width) || !covers(tile.height, rows, height))
        return error::format(errc::malformed, "HEIF: %u tiles of %u x %u in %u rows and %u columns for %u x %u pixels", tiles, tile.width,
                             tile.height, rows, columns, width, height);
    return {};
}

inline error check_heif_item(const heif_meta& m, std::uint32_t item, const decode_limits& limits, heif_picture& p) noexcept {
    return m.type_of(item) == four_letters("grid") ? check_heif_grid(m, item, limits, p) : check_heif_coded(m, item, limits, p);
}

/// Alpha and the like: libheif decodes the alpha of what it is asked for.
inline error check_heif_auxiliary(const heif_meta& m, const decode_limits& limits, heif_picture& p) noexcept {
    error failure;
    std::uint32_t seen = 0;
    m.each_reference(four_letters("auxl"), [&](std::uint32_t from, std::uint32_t) noexcept {
        constexpr std::uint32_t most = 1024;
        const std::uint32_t type = m.type_of(from);
        if (++seen > most)
            failure = error::format(errc::unsupported, "HEIF: more than %u auxiliary images", most);
        else if (is_heif_coded(type) || type == four_letters("grid"))
            failure = check_heif_item(m, from, limits, p);
        return !failure;
    });
    return failure;
}

/// The size after what the properties of the picture do to it, in their order.
inline error turn_heif(const heif_meta& m, heif_picture& p) noexcept {
    error failure;
    m.each_property(m.primary, [&](std::uint32_t type, heif_reader body) noexcept {
        if (type == four_letters("irot") && (body.u8() & 1U) != 0) {
            const int width = p.width;
            p.width = p.height, p.height = width;
        }
        if (type == four_letters("clap")) {
            const std::uint32_t width = body.u32(), width_over = body.u32(), height = body.u32(), height_over = body.u32();
            const bool whole = body.good && width_over != 0 && height_over != 0 && width % width_over == 0 && height % height_over == 0;
            const std::uint32_t w = whole ? width / width_over : 0, h = whole ? height / height_over : 0;
            if (w < 1 || h < 1 || w > static_cast<std::uint32_t>(p.width) || h > static_cast<std::uint32_t>(p.height)) {
                failure = error::format(errc::unsupported, "HEIF: cropped to %u/%u x %u/%u of %d x %d pixels", width, width_over, height,
                                        height_over, p.width, p.height);
                return false;
            }
            p.width = static_cast<int>(w), p.height = static_cast<int>(h);
        }
        return true;
    });
    return failure;
}

/// What backend and preflight read alike.
inline error find_heif_picture(file_bytes f, const decode_limits& limits, heif_picture& p) noexcept {
    heif_meta m;
    if (!open_heif(f, m)) return error::format(errc::malformed, "HEIF: no tables of a picture, or they are damaged or too large");
    std::uint32_t type = m.type_of(m.primary), coded = type;
    if (type == four_letters("grid"))
        m.each_reference(four_letters("dimg"), [&](std::uint32_t from, std::uint32_t to) noexcept {
            if (from == m.primary) coded = m.type_of(to);
            return from != m.primary;
        });
    if (!is_heif_coded(coded))
        return error::format(errc::unsupported, "HEIF: item %u, the picture, is %s, expected HEVC, AV1 or a grid of them", m.primary,
                             type == 0                      ? "not there"
                             : type == four_letters("jpeg") ? "a JPEG"
                             : type == four_letters("iovl") ? "an overlay"
                             : type == four_letters("iden") ? "another item turned"
                             : type == four_letters("grid") ? "a grid of something else"
                                                            : "of a type that is not known");
    if (error e = check_heif_item(m, m.primary, limits, p)) return e;
    if (error e = check_heif_auxiliary(m, limits, p)) return e;
    const heif_size size = heif_size_of(m, m.primary);
    p.width = static_cast<int>(size.width), p.height = static_cast<int>(size.height);
    return turn_heif(m, p);
}

/// Whether the first box says one of these brands, as its own or among those that the file is compatible with.
inline bool has_heif_brand(file_bytes f, std::span<const std::string_view> brands) noexcept {
    if (f.size() < 16 || !starts_with(f, "ftyp", 4)) return false;
    const std::size_t said = read_be32(f, 0), end = said < f.size() ? said : f.size(), most = 256;
    for (std::size_t at = 8; at + 4 <= end && at < most; at += 4)
        for (const std::string_view brand : brands)
            if (at != 12 && starts_with(f, brand, at)) return true;
    return false;
}
inline bool is_avif(file_bytes f) noexcept {
    static constexpr std::string_view brands[]{"avif", "avis"};
    return has_heif_brand(f, brands);
}
inline bool is_heic(file_bytes f) noexcept {
    static constexpr std::string_view brands[]{"heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"};
    return has_heif_brand(f, brands);
}

/// `f` is_avif or is_heic. EXIF's orientation does not count there: irot and imir do. Errors: malformed, unsupported, bad_image (size).
inline error preflight_heif(file_bytes f, const decode_limits& limits, file_facts& facts) noexcept {
    heif_picture p;
    if (error e = find_heif_picture(f, limits, p)) return e;
    facts.width = p.width;
    facts.height = p.height;
    return {};
}

}  // namespace detail
CVT_NAMESPACE_END
