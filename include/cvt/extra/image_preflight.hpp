// Common parts of the preflights: limits, the facts that they collect, reading of bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "../error.hpp"

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

namespace detail {

using file_bytes = std::span<const std::uint8_t>;

inline constexpr int max_decoded_side = 16384;

/// Bytes to insert into a copy of the file before it is decoded, for the few cases that decoders read differently.
struct file_patch {
    std::size_t at = 0;            ///< position of the insertion
    std::size_t count = 0;         ///< 0: no patch
    std::uint8_t bytes[768] = {};  ///< the first `count` are inserted
    std::size_t length_at = 0;     ///< position of a big-endian 32-bit length that grows by `count`; 0: none
};

/// What a preflight learns about a file.
struct file_facts {
    int width = 0, height = 0;
    int orientation = 1;  ///< EXIF's number
    file_patch patch;
};

inline unsigned read_be16(file_bytes f, std::size_t at) noexcept { return static_cast<unsigned>(f[at] << 8 | f[at + 1]); }
inline std::uint32_t read_be32(file_bytes f, std::size_t at) noexcept {
    return static_cast<std::uint32_t>(read_be16(f, at)) << 16 | read_be16(f, at + 2);
}

inline unsigned read_le16(file_bytes f, std::size_t at) noexcept { return static_cast<unsigned>(f[at] | f[at + 1] << 8); }
inline std::uint32_t read_le24(file_bytes f, std::size_t at) noexcept { return read_le16(f, at) | std::uint32_t{f[at + 2]} << 16; }
inline std::uint32_t read_le32(file_bytes f, std::size_t at) noexcept {
    return read_le16(f, at) | static_cast<std::uint32_t>(read_le16(f, at + 2)) << 16;
}

inline bool starts_with(file_bytes f, std::string_view magic, std::size_t at = 0) noexcept {
    return f.size() >= at + magic.size() && std::memcmp(f.data() + at, magic.data(), magic.size()) == 0;
}

inline error check_pixels(std::int64_t width, std::int64_t height, const decode_limits& limits) noexcept {
    if (width < 1 || height < 1 || width > max_decoded_side || height > max_decoded_side)
        return error::format(errc::bad_image, "image is %lld x %lld: expected sides of 1 to %d pixels", static_cast<long long>(width),
                             static_cast<long long>(height), max_decoded_side);
    if (static_cast<std::uint64_t>(width * height) > limits.max_pixels)
        return error::format(errc::bad_image, "image is %lld x %lld: more than the limit of %llu pixels", static_cast<long long>(width),
                             static_cast<long long>(height), static_cast<unsigned long long>(limits.max_pixels));
    return {};
}

}  // namespace detail
CVT_NAMESPACE_END
