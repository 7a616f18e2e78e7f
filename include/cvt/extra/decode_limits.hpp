// decode_limits: how large a picture and its file may be.
#pragma once

#include <cstdint>

#include "../version.hpp"

CVT_NAMESPACE_BEGIN

/// Limits of decode(), so that a small file cannot claim all memory.
/// @code{.cpp}
/// cvt::decode_limits limits;
/// limits.max_pixels = 4'000'000;
/// cvt::result<cvt::image> photo = cvt::read_image("upload.jpg", cvt::orientation::exif, limits);
/// @endcode
struct decode_limits {
    std::uint64_t max_bytes = 256U << 20;     ///< of the file; at most 2 GiB - 1
    std::uint64_t max_pixels = 100'000'000U;  ///< width * height; in any case a side is at most 16384
};

CVT_NAMESPACE_END
