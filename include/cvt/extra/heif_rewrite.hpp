// Writes a HEIF file with one picture that the preflight has checked, and nothing else. libheif decodes this file, because it may read
// the tables of the original differently from the preflight. Alpha, thumbnails and metadata are left out.
#pragma once

#include "../runtime/buffer.hpp"
#include "heif_preflight.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

/// Appends big-endian numbers and boxes; `good` until memory runs out.
struct heif_writer {
    buffer<std::uint8_t>& out;
    bool good = true;

    void bytes(file_bytes b) noexcept { good = good && out.append(b.data(), b.size()); }
    void number(std::uint64_t value, unsigned width) noexcept {
        for (; good && width != 0; --width) good = out.push_back(static_cast<std::uint8_t>(value >> 8 * (width - 1)));
    }
    void number_at(std::size_t at, std::uint64_t value) noexcept {
        for (unsigned i = 0; good && i < 4; ++i) out[at + i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
    }
    /// Returns the position of the box, for close().
    std::size_t open(std::uint32_t type) noexcept {
        const std::size_t at = out.size();
        number(0, 4), number(type, 4);
        return at;
    }
    std::size_t open_full(std::uint32_t type, unsigned version = 0, unsigned flags = 0) noexcept {
        const std::size_t at = open(type);
        number(version << 24 | flags, 4);
        return at;
    }
    void close(std::size_t at) noexcept { number_at(at, out.size() - at); }
};

/// Calls see(item, number) with the picture, which is number 1 of the new file, and with its tiles.
template <class See>
inline void each_heif_item(const heif_meta& m, See see) noexcept {
    std::uint32_t number = 1;
    see(m.primary, number);
    if (m.type_of(m.primary) != four_letters("grid")) return;
    m.each_reference(four_letters("dimg"), [&](std::uint32_t from, std::uint32_t to) noexcept {
        if (from == m.primary) see(to, ++number);
        return true;
    });
}

/// Colour profiles are not needed: libheif uses only the numbers.
inline bool is_heif_property_kept(std::uint32_t type, const heif_reader& body) noexcept {
    constexpr std::size_t numbers = 11;
    if (type == four_letters("colr")) return body.end - body.at >= numbers && starts_with(body.file, "nclx", body.at);
    return heif_property_size(type) != 0;
}

/// Properties keep their positions, so that the lists of items stay valid; a property that is left out becomes empty.
inline void write_heif_properties(const heif_meta& m, heif_writer& w) noexcept {
    const std::size_t properties = w.open(four_letters("iprp")), boxes = w.open(four_letters("ipco"));
    heif_reader r = m.properties;
    for (std::uint32_t type = 0; r.more();) {
        const heif_reader body = r.box(type);
        const bool kept = r.good && body.end - body.at >= heif_property_size(type) && is_heif_property_kept(type, body);
        const std::size_t box = w.open(kept ? type : four_letters("free"));
        if (kept) w.bytes(m.file.subspan(body.at, body.end - body.at));
        w.close(box);
    }
    w.close(boxes);
    constexpr unsigned wide = 1;
    const std::size_t lists = w.open_full(four_letters("ipma"), 0, wide), count_at = w.out.size();
    w.number(0, 4);
    std::uint32_t count = 0;
    each_heif_item(m, [&](std::uint32_t item, std::uint32_t number) noexcept {
        ++count;
        w.number(number, 2);
        const std::size_t length_at = w.out.size();
        w.number(0, 1);
        unsigned length = 0;
        m.each_property(item, [&](std::uint32_t index, std::uint32_t type, const heif_reader& body) noexcept {
            if (is_heif_property_kept(type, body)) w.number(index, 2), ++length;
            return true;
        });
        if (w.good) w.out[length_at] = static_cast<std::uint8_t>(length);
    });
    w.number_at(count_at, count);
    w.close(lists);
    w.close(properties);
}

/// `m` must have passed find_heif_picture. False when memory runs out.
[[nodiscard]] inline bool rewrite_heif(const heif_meta& m, buffer<std::uint8_t>& out) noexcept {
    heif_writer w{out};
    const bool grid = m.type_of(m.primary) == four_letters("grid");
    std::uint32_t items = 0;
    bool hevc = false;
    each_heif_item(m, [&](std::uint32_t item, std::uint32_t) noexcept { ++items, hevc = hevc || is_heif_hevc(m.type_of(item)); });

    const std::size_t brands = w.open(four_letters("ftyp"));
    w.number(hevc ? four_letters("heic") : four_letters("avif"), 4), w.number(0, 4), w.number(four_letters("mif1"), 4);
    w.close(brands);
    const std::size_t meta = w.open_full(four_letters("meta")), handler = w.open_full(four_letters("hdlr"));
    w.number(0, 4), w.number(four_letters("pict"), 4);
    for (int i = 0; i < 13; ++i) w.number(0, 1);
    w.close(handler);
    const std::size_t primary = w.open_full(four_letters("pitm"));
    w.number(1, 2);
    w.close(primary);

    const std::size_t infos = w.open_full(four_letters("iinf"));
    w.number(items, 2);
    each_heif_item(m, [&](std::uint32_t item, std::uint32_t number) noexcept {
        constexpr unsigned with_type = 2;
        const std::size_t info = w.open_full(four_letters("infe"), with_type);
        w.number(number, 2), w.number(0, 2), w.number(m.type_of(item), 4), w.number(0, 1);
        w.close(info);
    });
    w.close(infos);
    if (grid) {
        const std::size_t references = w.open_full(four_letters("iref")), tiles = w.open(four_letters("dimg"));
        w.number(1, 2), w.number(items - 1, 2);
        for (std::uint32_t tile = 2; tile <= items; ++tile) w.number(tile, 2);
        w.close(tiles);
        w.close(references);
    }
    write_heif_properties(m, w);

    const std::size_t places = w.open_full(four_letters("iloc"));
    w.number(0x4400, 2), w.number(items, 2);  // offsets and lengths of four bytes
    const std::size_t places_at = w.out.size();
    constexpr std::size_t place_bytes = 14, offset_in_place = 6, length_in_place = 10;
    for (std::uint32_t number = 1; number <= items; ++number) w.number(number, 2), w.number(0, 2), w.number(1, 2), w.number(0, 8);
    w.close(places);
    w.close(meta);
    const std::size_t data = w.open(four_letters("mdat"));
    each_heif_item(m, [&](std::uint32_t item, std::uint32_t number) noexcept {
        const std::size_t begin = w.out.size(), place = places_at + (number - 1) * place_bytes;
        if (!m.each_piece(item, [&](file_bytes piece) noexcept { w.bytes(piece); })) w.good = false;
        w.number_at(place + offset_in_place, begin);
        w.number_at(place + length_in_place, w.out.size() - begin);
    });
    w.close(data);
    return w.good;
}

}  // namespace detail
CVT_NAMESPACE_END
