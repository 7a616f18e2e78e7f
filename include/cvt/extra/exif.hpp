// EXIF orientation: the one tag that says which way up a photo is.
#pragma once

#include "tiff_directory.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

/// Orientation 1 to 8 from the TIFF structure that follows "Exif\0\0" in a JPEG's APP1 segment and fills a PNG's eXIf or a
/// WebP's EXIF chunk (EXIF 2.32, section 4.6.4: tag 0x0112 of the first directory). It ought to be one 16-bit number; telephones
/// write 32 bits too, so any integers do, and the first counts. 1 (upright) when it is absent or makes no sense.
inline int exif_orientation(std::span<const std::uint8_t> tiff) noexcept {
    tiff_directory d;
    if (!open_tiff(tiff, d)) return 1;
    constexpr unsigned orientation_tag = 0x0112;
    const std::uint64_t value = d.number(orientation_tag, 1);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
}

}  // namespace detail
CVT_NAMESPACE_END
