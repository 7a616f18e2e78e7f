// Reads the boxes of a HEIF or AVIF file (ISO/IEC 14496-12, 23008-12) that describe its items, bounds-checked and without allocation.
#pragma once

#include "image_preflight.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

constexpr std::uint32_t four_letters(const char (&name)[5]) noexcept {
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(name[i]);
    return value;
}

/// Reads big-endian numbers from a part of the file; beyond its end they are 0 and `good` becomes false.
struct heif_reader {
    file_bytes file;
    std::size_t at = 0, end = 0;
    bool good = true;

    std::uint64_t number(unsigned width) noexcept {
        std::size_t from = at;
        skip(width);
        std::uint64_t value = 0;
        for (; good && from != at; ++from) value = value << 8 | file[from];
        return value;
    }
    std::uint32_t u8() noexcept { return static_cast<std::uint32_t>(number(1)); }
    std::uint32_t u16() noexcept { return static_cast<std::uint32_t>(number(2)); }
    std::uint32_t u32() noexcept { return static_cast<std::uint32_t>(number(4)); }
    void skip(std::size_t count) noexcept {
        good = good && count <= end - at;
        at = count <= end - at ? at + count : end;
    }
    [[nodiscard]] bool more() const noexcept { return good && at < end; }
    /// The next box: its type and a reader of its body. This reader continues after the box.
    heif_reader box(std::uint32_t& type) noexcept {
        const std::size_t begin = at;
        std::uint64_t size = u32();
        type = u32();
        if (size == 1) size = number(8);
        if (size == 0) size = end - begin;
        good = good && size >= at - begin && size <= end - begin;
        if (!good) return {file, end, end, false};
        const heif_reader body{file, at, begin + static_cast<std::size_t>(size), true};
        at = body.end;
        return body;
    }
    /// The first box of this type; an empty reader that is not good if there is none.
    [[nodiscard]] heif_reader find(std::uint32_t wanted) const noexcept {
        heif_reader r = *this;
        for (std::uint32_t type = 0; r.more();) {
            const heif_reader body = r.box(type);
            if (r.good && type == wanted) return body;
        }
        return {file, end, end, false};
    }
};

/// The tables of the meta box.
struct heif_meta {
    file_bytes file;
    heif_reader items, references, properties, associations, places, data;  ///< iinf, iref, ipco, ipma, iloc, idat
    std::uint32_t primary = 0;
    static constexpr int max_properties = 512, max_properties_of_one = 16;

    /// The type of an item; 0 if there is none.
    [[nodiscard]] std::uint32_t type_of(std::uint32_t item) const noexcept {
        heif_reader r = items;
        const unsigned version = r.u8();
        r.skip(version == 0 ? 5 : 7);
        for (std::uint32_t type = 0; r.more();) {
            heif_reader entry = r.box(type);
            if (type != four_letters("infe")) continue;
            const unsigned kind = entry.u8();
            entry.skip(3);
            if (kind < 2) continue;
            const std::uint32_t id = kind == 2 ? entry.u16() : entry.u32();
            entry.skip(2);
            const std::uint32_t found = entry.u32();
            if (entry.good && id == item) return found;
        }
        return 0;
    }
    /// Calls see(index, type, body) with each property of an item, in order, until it returns false or has seen
    /// max_properties_of_one, more than any picture needs.
    template <class See>
    void each_property(std::uint32_t item, See see) const noexcept {
        int left = max_properties_of_one;
        heif_reader r = associations;
        const unsigned version = r.u8();
        r.skip(2);
        const bool wide = (r.u8() & 1U) != 0;
        r.skip(4);
        while (r.more()) {
            const std::uint32_t id = version < 1 ? r.u16() : r.u32(), count = r.u8();
            for (std::uint32_t i = 0; i < count; ++i) {
                const std::uint32_t index = wide ? r.u16() & 0x7FFFU : r.u8() & 0x7FU;
                if (!r.good || id != item || index == 0) continue;
                heif_reader boxes = properties, body = properties;
                std::uint32_t type = 0, seen = 0;
                while (boxes.more() && seen < index) body = boxes.box(type), ++seen;
                if (seen == index && boxes.good && (left-- == 0 || !see(index, type, body))) return;
            }
        }
    }
    /// Calls see(from, to) with each reference of a type, until it returns false.
    template <class See>
    void each_reference(std::uint32_t wanted, See see) const noexcept {
        heif_reader r = references;
        const unsigned width = r.u8() == 0 ? 2 : 4;
        r.skip(3);
        for (std::uint32_t type = 0; r.more();) {
            heif_reader entry = r.box(type);
            if (type != wanted) continue;
            const auto from = static_cast<std::uint32_t>(entry.number(width));
            for (std::uint32_t count = entry.u16(); count != 0; --count) {
                const auto to = static_cast<std::uint32_t>(entry.number(width));
                if (!entry.good || !see(from, to)) break;
            }
        }
    }
    /// Calls see(bytes) with each piece of an item's data, in order. False if the item has none, or one is outside the file.
    template <class See>
    [[nodiscard]] bool each_piece(std::uint32_t item, See see) const noexcept {
        heif_reader r = places;
        const unsigned version = r.u8();
        r.skip(3);
        const std::uint32_t sizes = r.u16();
        const unsigned offset_width = sizes >> 12, length_width = sizes >> 8 & 15U, base_width = sizes >> 4 & 15U;
        const unsigned index_width = version == 0 ? 0 : sizes & 15U;
        if (offset_width > 8 || length_width > 8 || base_width > 8) return false;
        std::uint32_t items_left = version < 2 ? r.u16() : r.u32();
        for (; items_left != 0 && r.more(); --items_left) {
            const std::uint32_t id = version < 2 ? r.u16() : r.u32(), method = version == 0 ? 0 : r.u16() & 15U;
            r.skip(2);
            const std::uint64_t base = r.number(base_width);
            const std::size_t pieces = r.u16();
            if (id != item) {
                r.skip(pieces * (index_width + offset_width + length_width));
                continue;
            }
            if (pieces == 0 || method > 1 || base > file.size()) return false;
            const file_bytes source = method == 1 ? file.subspan(data.at, data.end - data.at) : file;
            for (std::size_t i = 0; i < pieces; ++i) {
                r.skip(index_width);
                const std::uint64_t offset = r.number(offset_width), length = r.number(length_width);
                if (!r.good || offset > file.size() || base + offset > source.size() || length > source.size() - (base + offset))
                    return false;
                see(source.subspan(static_cast<std::size_t>(base + offset), static_cast<std::size_t>(length)));
            }
            return true;
        }
        return false;
    }
};

/// Whether the rest of `r` consists of at most `max` boxes.
inline bool are_boxes(heif_reader r, std::size_t max) noexcept {
    std::size_t count = 0;
    for (std::uint32_t type = 0; r.more(); ++count) r.box(type);
    return r.good && count <= max;
}

/// Finds the tables. Errors: malformed.
inline error open_heif(file_bytes f, heif_meta& m) noexcept {
    heif_reader top{f, 0, f.size(), true}, meta{f, 0, 0, false};
    while (top.more() && !meta.good) {
        const std::size_t at = top.at;
        std::uint32_t type = 0;
        const heif_reader body = top.box(type);
        if (!top.good)
            return error::format(errc::malformed, "HEIF is truncated: the box at byte %zu goes past the end of the file (%zu bytes)", at,
                                 f.size());
        if (type == four_letters("meta")) meta = body;
    }
    if (!meta.good) return error::format(errc::malformed, "HEIF: no picture in the file; it may be a video");
    constexpr std::size_t max = 256U << 10;
    const std::size_t size = meta.end - meta.at;
    if (size > max) return error::format(errc::malformed, "HEIF: tables of %zu bytes, more than the limit of %zu", size, max);
    meta.skip(4);
    m.file = f;
    m.items = meta.find(four_letters("iinf"));
    m.references = meta.find(four_letters("iref"));
    const heif_reader properties = meta.find(four_letters("iprp"));
    m.properties = properties.find(four_letters("ipco"));
    m.associations = properties.find(four_letters("ipma"));
    m.places = meta.find(four_letters("iloc"));
    m.data = meta.find(four_letters("idat"));
    heif_reader first = meta.find(four_letters("pitm")), items = m.items, references = m.references;
    const char* missing = !m.items.good          ? "iinf"
                          : !m.properties.good   ? "ipco"
                          : !m.associations.good ? "ipma"
                          : !m.places.good       ? "iloc"
                          : !first.good          ? "pitm"
                                                 : nullptr;
    if (missing != nullptr) return error::format(errc::malformed, "HEIF: no table %s", missing);
    const unsigned version = first.u8();
    first.skip(3);
    m.primary = version == 0 ? first.u16() : first.u32();
    items.skip(items.u8() == 0 ? 5 : 7);
    references.skip(4);
    const char* damaged = !first.good                                           ? "pitm"
                          : !are_boxes(items, max)                              ? "iinf"
                          : !are_boxes(m.properties, heif_meta::max_properties) ? "ipco"
                          : m.references.good && !are_boxes(references, max)    ? "iref"
                                                                                : nullptr;
    if (damaged != nullptr)
        return error::format(errc::malformed, "HEIF: the table %s is damaged, or longer than any picture needs", damaged);
    return {};
}

}  // namespace detail
CVT_NAMESPACE_END
