// EXIF orientation: the tag that says which side of a photo is up.
#pragma once

#include <cstring>

#include "tiff_directory.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

/// Returns the orientation, 1 to 8, from a TIFF structure: tag 0x0112 of its first directory (EXIF 2.32, section 4.6.4). The structure
/// follows "Exif\0\0" in a JPEG's APP1 segment. It fills a PNG's eXIf chunk or a WebP's EXIF chunk, where some writers put these bytes in
/// front against the standard. The standard asks for one 16-bit number, but some phones write 32 bits, so the first of any integers is
/// used. 1 (upright) if the tag is absent or invalid.
inline int exif_orientation(std::span<const std::uint8_t> tiff) noexcept {
    constexpr std::size_t prefix = 6;
    if (tiff.size() > prefix && std::memcmp(tiff.data(), "Exif\0\0", prefix) == 0) tiff = tiff.subspan(prefix);
    tiff_directory d;
    if (!open_tiff(tiff, d)) return 1;
    constexpr unsigned orientation_tag = 0x0112;
    const std::uint64_t value = d.number(orientation_tag, 1);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
}

}  // namespace detail
CVT_NAMESPACE_END
