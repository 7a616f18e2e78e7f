// Reads the first directory of a TIFF structure, classic or BigTIFF, as tags with integers. EXIF data and TIFF files begin with one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "../version.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

/// Reads only within the bounds of `file`. A tag that is missing, has values that are not integers, or lies beyond the end, has a count
/// of 0.
struct tiff_directory {
    std::span<const std::uint8_t> file;
    bool little = true, big = false;          ///< big: BigTIFF
    std::size_t entries = 0, entries_at = 0;  ///< those that the file can hold, at most 4,096

    [[nodiscard]] std::uint64_t read(std::size_t at, std::size_t width) const noexcept {
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < width; ++i) value = value << 8 | file[at + (little ? width - 1 - i : i)];
        return value;
    }
    [[nodiscard]] std::size_t entry_size() const noexcept { return big ? 20 : 12; }

    /// Position, number and width of a tag's values.
    struct values {
        std::uint64_t count = 0;
        std::size_t at = 0, width = 0;
    };
    [[nodiscard]] values find(unsigned tag) const noexcept {
        for (std::size_t i = 0; i < entries; ++i) {
            const std::size_t at = entries_at + i * entry_size();
            if (read(at, 2) != tag) continue;
            const std::size_t width = integer_width(read(at + 2, 2)), field = big ? 8 : 4;
            const std::uint64_t count = read(at + 4, field);
            if (width == 0) return {};
            if (count <= field / width) return {count, at + 4 + field, width};
            const std::uint64_t from = read(at + 4 + field, field);
            if (from > file.size() || count > (file.size() - from) / width) return {};
            return {count, static_cast<std::size_t>(from), width};
        }
        return {};
    }
    /// The first value of a tag.
    [[nodiscard]] std::uint64_t number(unsigned tag, std::uint64_t otherwise) const noexcept {
        const values v = find(tag);
        return v.count != 0 ? at(v, 0) : otherwise;
    }
    /// `index` is less than the count.
    [[nodiscard]] std::uint64_t at(const values& v, std::uint64_t index) const noexcept {
        return read(v.at + static_cast<std::size_t>(index) * v.width, v.width);
    }

private:
    /// Size in bytes of a value of this type (TIFF 6.0, section 2; BigTIFF); 0 if the type is not an integer.
    static std::size_t integer_width(std::uint64_t type) noexcept {
        constexpr std::uint8_t widths[]{0, 1, 0, 2, 4, 0, 1, 0, 2, 4, 0, 0, 0, 4, 0, 0, 8, 8, 8};
        return type < sizeof widths ? widths[type] : 0;
    }
};

/// False if `file` has no such structure or is too short for the directory's count.
inline bool open_tiff(std::span<const std::uint8_t> file, tiff_directory& d) noexcept {
    d.file = file;
    if (file.size() < 8) return false;
    d.little = file[0] == 'I' && file[1] == 'I';
    if (!d.little && !(file[0] == 'M' && file[1] == 'M')) return false;
    const std::uint64_t version = d.read(2, 2);
    d.big = version == 43;
    if (version != 42 && !d.big) return false;
    if (d.big && (file.size() < 16 || d.read(4, 2) != 8)) return false;
    const std::uint64_t at = d.big ? d.read(8, 8) : d.read(4, 4);
    const std::size_t counter = d.big ? 8 : 2;
    if (at > file.size() || file.size() - at < counter) return false;
    d.entries_at = static_cast<std::size_t>(at) + counter;
    const std::uint64_t said = d.read(static_cast<std::size_t>(at), counter), capacity = (file.size() - d.entries_at) / d.entry_size();
    constexpr std::uint64_t max = 4096;
    d.entries = static_cast<std::size_t>(said < capacity ? (said < max ? said : max) : (capacity < max ? capacity : max));
    return true;
}

}  // namespace detail
CVT_NAMESPACE_END
