// EXIF orientation: a bounds-checked reader of the one tag that says which way up a photo is.
#pragma once

#include <cstdint>
#include <span>

#include "../version.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

/// Orientation 1 to 8 from the TIFF structure that follows "Exif\0\0" in a JPEG's APP1 segment and fills a PNG's eXIf
/// chunk (EXIF 2.32, section 4.6.4: tag 0x0112 of the first directory). 1 (upright) when it is absent or makes no sense.
inline int exif_orientation(std::span<const std::uint8_t> tiff) noexcept {
    const std::size_t size = tiff.size();
    if (size < 8) return 1;
    const bool little = tiff[0] == 'I' && tiff[1] == 'I';
    if (!little && !(tiff[0] == 'M' && tiff[1] == 'M')) return 1;
    const auto u16 = [&](std::size_t at) noexcept {
        const unsigned a = tiff[at], b = tiff[at + 1];
        return little ? a | b << 8 : a << 8 | b;
    };
    const auto u32 = [&](std::size_t at) noexcept {
        const std::size_t a = u16(at), b = u16(at + 2);
        return little ? a | b << 16 : a << 16 | b;
    };
    if (u16(2) != 42) return 1;
    const std::size_t directory = u32(4);
    if (directory > size - 2) return 1;
    constexpr std::size_t entry_size = 12;
    const std::size_t entries = u16(directory);
    for (std::size_t i = 0; i < entries; ++i) {
        const std::size_t at = directory + 2 + i * entry_size;
        if (at > size || size - at < entry_size) return 1;
        constexpr unsigned orientation_tag = 0x0112, type_short = 3;
        if (u16(at) != orientation_tag) continue;
        const unsigned value = u16(at + 8);
        return u16(at + 2) == type_short && u32(at + 4) == 1 && value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
    }
    return 1;
}

}  // namespace detail
CVT_NAMESPACE_END
