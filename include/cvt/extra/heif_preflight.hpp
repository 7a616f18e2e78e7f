// Checks a HEIC or AVIF file before a codec sees it: the sizes of its picture and tiles, their data, its rotation.
#pragma once

#include "heif_boxes.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

/// The size is that of the picture as shown: these formats crop and turn the picture themselves, and EXIF's orientation is ignored.
struct heif_picture : picture_facts {
    heif_meta tables;
    std::uint64_t max_area = 0;    ///< of the largest picture or tile that is coded in one piece
    std::uint64_t data_bytes = 0;  ///< of the picture and its tiles; tiles may share bytes, which count for each
    std::uint64_t max_bytes = 0;   ///< limit of data_bytes
};

/// Returns the most bytes of data that a picture may have: 4 per pixel, more than any codec writes, or the size of the file if larger.
/// Tiles may share their bytes, as avifenc writes equal tiles. The new file has a copy for each, and a decoder reads each copy.
inline std::uint64_t heif_max_bytes(const heif_meta& m, std::uint64_t width, std::uint64_t height) noexcept {
    constexpr std::uint64_t max_of_one_pixel = 4;
    const std::uint64_t max = max_of_one_pixel * width * height;
    return max > m.file.size() ? max : m.file.size();
}

inline bool is_heif_hevc(std::uint32_t type) noexcept { return type == four_letters("hvc1") || type == four_letters("hev1"); }
inline bool is_heif_coded(std::uint32_t type) noexcept { return is_heif_hevc(type) || type == four_letters("av01"); }

/// Number of bytes of a property that are used; 0 for a property that is not read. hvcC and av1C are used whole, and have at least
/// this size.
inline std::size_t heif_property_size(std::uint32_t type) noexcept {
    return type == four_letters("ispe")                                   ? 12
           : type == four_letters("irot") || type == four_letters("imir") ? 1
           : type == four_letters("clap")                                 ? 32
           : type == four_letters("colr")                                 ? 4
           : type == four_letters("hvcC")                                 ? 23
           : type == four_letters("av1C")                                 ? 4
                                                                          : 0;
}

/// The properties of an item.
struct heif_facts {
    std::uint32_t width = 0, height = 0;
    bool sized = false, turned = false;  ///< turned: rotated, mirrored or cropped
    heif_reader hevc, av1;               ///< hvcC and av1C; `good` if present
};

inline error read_heif_facts(const heif_meta& m, std::uint32_t item, heif_facts& facts) noexcept {
    facts.hevc.good = facts.av1.good = false;
    error failure;
    m.each_property(item, [&](std::uint32_t, std::uint32_t type, heif_reader body) noexcept {
        if (body.end - body.at < heif_property_size(type)) {
            failure = error::format(errc::malformed, "HEIF: a property of item %u has %zu bytes, expected %zu", item, body.end - body.at,
                                    heif_property_size(type));
            return false;
        }
        if (type == four_letters("ispe") && !facts.sized) {
            body.skip(4);
            facts.width = body.u32(), facts.height = body.u32();
            facts.sized = true;
        }
        if (type == four_letters("irot") || type == four_letters("imir") || type == four_letters("clap")) facts.turned = true;
        if (type == four_letters("hvcC") && !facts.hevc.good) facts.hevc = body;
        if (type == four_letters("av1C") && !facts.av1.good) facts.av1 = body;
        return true;
    });
    if (!failure && !facts.sized) failure = error::format(errc::malformed, "HEIF: item %u has no size", item);
    return failure;
}

/// The parameter sets of HEVC: 22 bytes that describe them, then arrays of units of one kind.
inline error check_hevc_parameters(heif_reader r) noexcept {
    constexpr unsigned video = 32, picture = 34, information = 39, information_after = 40;  // kinds of units
    if (const unsigned version = r.u8(); version != 1)
        return error::format(errc::unsupported, "HEIF: expected HEVC parameters of version 1, found %u", version);
    r.skip(20);
    if (const unsigned bytes = (r.u8() & 3U) + 1; bytes != 4)
        return error::format(errc::unsupported, "HEIF: expected HEVC units with lengths of 4 bytes, found %u", bytes);
    for (std::uint32_t arrays = r.u8(); arrays != 0; --arrays) {
        const unsigned kind = r.u8() & 63U;
        if (r.good && (kind < video || kind > picture) && kind != information && kind != information_after)
            return error::format(errc::malformed, "HEIF: HEVC units of kind %u among the parameters", kind);
        for (std::uint32_t units = r.u16(); units != 0 && r.good; --units) r.skip(r.u16());
    }
    if (!r.good) return error::format(errc::malformed, "HEIF: truncated HEVC parameters");
    return {};
}

/// A picture in one piece, or a tile.
inline error check_heif_coded(const heif_meta& m, std::uint32_t item, const decode_limits& limits, heif_facts& facts,
                              heif_picture& p) noexcept {
    if (error e = read_heif_facts(m, item, facts)) return e;
    if (error e = check_picture_size(facts.width, facts.height, limits)) return e;
    const bool hevc = is_heif_hevc(m.type_of(item));
    if (!(hevc ? facts.hevc.good : facts.av1.good))
        return error::format(errc::malformed, "HEIF: item %u has no parameters of %s", item, hevc ? "HEVC" : "AV1");
    if (hevc)
        if (error e = check_hevc_parameters(facts.hevc)) return e;
    if (p.max_bytes == 0) p.max_bytes = heif_max_bytes(m, facts.width, facts.height);
    const std::uint64_t before = p.data_bytes;
    if (!m.each_piece(item, [&](file_bytes piece) noexcept { p.data_bytes += piece.size(); }) || p.data_bytes == before)
        return error::format(errc::malformed,
                             "HEIF is truncated: item %u has no data, or its data goes past the end of the file (%zu bytes)", item,
                             m.file.size());
    if (p.data_bytes > p.max_bytes)
        return error::format(errc::unsupported,
                             "HEIF: expected at most %llu bytes of data, found %llu or more: tiles share bytes of the file of %zu bytes",
                             static_cast<unsigned long long>(p.max_bytes), static_cast<unsigned long long>(p.data_bytes), m.file.size());
    constexpr std::uint64_t blocks = 64;  // coded sizes are whole blocks
    const std::uint64_t area = (facts.width + blocks) * (facts.height + blocks);
    p.max_area = area > p.max_area ? area : p.max_area;
    return {};
}

/// The numbers of a grid.
struct heif_grid {
    std::uint32_t rows = 0, columns = 0, width = 0, height = 0;
};

inline error read_heif_grid(const heif_meta& m, std::uint32_t item, heif_grid& grid) noexcept {
    std::uint8_t bytes[12] = {};  // the most that a grid has
    std::size_t size = 0;
    bool fits = true;
    const bool there = m.each_piece(item, [&](file_bytes piece) noexcept {
        fits = fits && piece.size() <= sizeof bytes - size;
        for (std::size_t i = 0; fits && i < piece.size(); ++i) bytes[size++] = piece[i];
    });
    heif_reader r{{bytes, size}, 0, size, there && fits};
    const unsigned version = r.u8(), flags = r.u8(), width = (flags & 1U) != 0 ? 4 : 2;
    grid.rows = r.u8() + 1, grid.columns = r.u8() + 1;
    grid.width = static_cast<std::uint32_t>(r.number(width)), grid.height = static_cast<std::uint32_t>(r.number(width));
    if (!r.good || version != 0) return error::format(errc::malformed, "HEIF: item %u is a grid without its numbers", item);
    return {};
}

/// A picture of tiles of one size, which cover it without a superfluous row or column.
inline error check_heif_grid(const heif_meta& m, std::uint32_t item, const decode_limits& limits, heif_facts& facts,
                             heif_picture& p) noexcept {
    heif_grid grid;
    if (error e = read_heif_facts(m, item, facts)) return e;
    if (error e = read_heif_grid(m, item, grid)) return e;
    if (error e = check_picture_size(grid.width, grid.height, limits)) return e;
    if (facts.width != grid.width || facts.height != grid.height)
        return error::format(errc::malformed, "HEIF: expected a grid of %u x %u, found %u x %u", facts.width, facts.height, grid.width,
                             grid.height);
    p.max_bytes = heif_max_bytes(m, grid.width, grid.height);
    constexpr std::uint32_t max_tiles = 1024;
    std::uint32_t tiles = 0;
    error failure;
    heif_facts first;
    m.each_reference(four_letters("dimg"), [&](std::uint32_t from, std::uint32_t to) noexcept {
        if (from != item) return true;
        heif_facts tile;
        if (++tiles > max_tiles)
            failure = error::format(errc::unsupported, "HEIF: expected at most %u tiles in a grid, found more", max_tiles);
        else if (!is_heif_coded(m.type_of(to)))
            failure = error::format(errc::unsupported, "HEIF: item %u, a tile, is neither HEVC nor AV1", to);
        else
            failure = check_heif_coded(m, to, limits, tile, p);
        if (tiles == 1) first = tile;
        if (!failure && tile.turned) failure = error::format(errc::unsupported, "HEIF: item %u, a tile, is turned or cropped", to);
        if (!failure && (tile.width != first.width || tile.height != first.height))
            failure = error::format(errc::malformed, "HEIF: tiles of %u x %u and of %u x %u in one grid", first.width, first.height,
                                    tile.width, tile.height);
        return !failure;
    });
    if (failure) return failure;
    const auto covers = [](std::uint64_t side, std::uint64_t count, std::uint64_t whole) noexcept {
        return side * count >= whole && side * (count - 1) < whole;
    };
    if (tiles != grid.rows * grid.columns || !covers(first.width, grid.columns, grid.width) ||
        !covers(first.height, grid.rows, grid.height))
        return error::format(errc::malformed, "HEIF: %u tiles of %u x %u in %u rows and %u columns for %u x %u pixels", tiles, first.width,
                             first.height, grid.rows, grid.columns, grid.width, grid.height);
    return {};
}

/// Applies the picture's properties to its size, in order.
inline error turn_heif(const heif_meta& m, heif_picture& p) noexcept {
    error failure;
    m.each_property(m.primary, [&](std::uint32_t, std::uint32_t type, heif_reader body) noexcept {
        if (type == four_letters("irot") && (body.u8() & 1U) != 0) std::swap(p.width, p.height);
        if (type == four_letters("clap")) {
            const std::uint32_t width = body.u32(), width_over = body.u32(), height = body.u32(), height_over = body.u32();
            const bool whole = body.good && width_over != 0 && height_over != 0 && width % width_over == 0 && height % height_over == 0;
            const std::uint32_t w = whole ? width / width_over : 0, h = whole ? height / height_over : 0;
            if (w < 1 || h < 1 || w > static_cast<std::uint32_t>(p.width) || h > static_cast<std::uint32_t>(p.height)) {
                failure = error::format(errc::unsupported, "HEIF: expected a crop to whole pixels inside %d x %d, found %u/%u x %u/%u",
                                        p.width, p.height, width, width_over, height, height_over);
                return false;
            }
            p.width = static_cast<int>(w), p.height = static_cast<int>(h);
        }
        return true;
    });
    return failure;
}

/// Finds the picture, for the preflight and for the codec. `f` is_avif or is_heic. Errors: malformed, unsupported, bad_image (size).
inline error find_heif_picture(file_bytes f, const decode_limits& limits, heif_picture& p) noexcept {
    heif_meta& m = p.tables;
    if (error e = open_heif(f, m)) return e;
    const std::uint32_t type = m.type_of(m.primary);
    const bool grid = type == four_letters("grid");
    if (!grid && !is_heif_coded(type))
        return error::format(errc::unsupported, "HEIF: item %u, the picture, is %s, expected HEVC, AV1 or a grid of them", m.primary,
                             type == 0                      ? "not there"
                             : type == four_letters("jpeg") ? "a JPEG"
                             : type == four_letters("iovl") ? "an overlay"
                             : type == four_letters("iden") ? "another item, turned"
                                                            : "of a type that is not known");
    heif_facts facts;
    if (error e = grid ? check_heif_grid(m, m.primary, limits, facts, p) : check_heif_coded(m, m.primary, limits, facts, p)) return e;
    p.width = static_cast<int>(facts.width), p.height = static_cast<int>(facts.height);
    return turn_heif(m, p);
}

/// Whether the first box has one of these brands as the major brand or as a compatible one.
inline bool has_heif_brand(file_bytes f, std::span<const std::string_view> brands) noexcept {
    if (f.size() < 16 || !starts_with(f, "ftyp", 4)) return false;
    const std::size_t said = read_be32(f, 0), end = said < f.size() ? said : f.size(), max = 256;
    for (std::size_t at = 8; at + 4 <= end && at < max; at += 4)
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

}  // namespace detail
CVT_NAMESPACE_END
