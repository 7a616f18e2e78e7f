// Common parts of the preflights: the facts that they collect, reading of bytes, the check of a picture's size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "../error.hpp"
#include "decode_limits.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

using file_bytes = std::span<const std::uint8_t>;

inline constexpr int max_decoded_side = 16384;

/// For codecs, which see only files that a preflight has compared with the program's limits.
inline constexpr decode_limits no_limits{~std::uint64_t{0}, ~std::uint64_t{0}};

/// Bytes to insert into a copy of the file before it is decoded, for the few cases that decoders read differently.
struct file_patch {
    std::size_t at = 0;            ///< position of the insertion
    std::size_t count = 0;         ///< 0: no patch
    std::uint8_t bytes[768] = {};  ///< the first `count` are inserted
    std::size_t length_at = 0;     ///< position of a big-endian 32-bit length that grows by `count`; 0: none
};

/// What every format tells about a picture.
struct picture_facts {
    int width = 0, height = 0;
    int orientation = 1;  ///< EXIF's number
    int channels = 3;     ///< of the pixels that decode_picture() returns
};

/// What a preflight learns about a file.
struct file_facts : picture_facts {
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

inline error check_picture_size(std::int64_t width, std::int64_t height, const decode_limits& limits) noexcept {
    if (width < 1 || height < 1 || width > max_decoded_side || height > max_decoded_side)
        return error::format(errc::bad_image, "image is %lld x %lld: expected sides of 1 to %d pixels", static_cast<long long>(width),
                             static_cast<long long>(height), max_decoded_side);
    if (static_cast<std::uint64_t>(width * height) > limits.max_pixels)
        return error::format(errc::bad_image, "image is %lld x %lld: more than the limit of %llu pixels", static_cast<long long>(width),
                             static_cast<long long>(height), static_cast<unsigned long long>(limits.max_pixels));
    return {};
}

/// Keeps a size that check_picture_size() accepts. Errors: those of check_picture_size().
inline error set_picture_size(std::int64_t width, std::int64_t height, const decode_limits& limits, picture_facts& facts) noexcept {
    if (error e = check_picture_size(width, height, limits)) return e;
    facts.width = static_cast<int>(width), facts.height = static_cast<int>(height);
    return {};
}

/// The preflight of a format whose codec finds the picture by the same function.
template <class Layout, error (*find)(file_bytes, const decode_limits&, Layout&) noexcept>
error preflight(file_bytes f, const decode_limits& limits, file_facts& facts) noexcept {
    Layout found;
    if (error e = find(f, limits, found)) return e;
    static_cast<picture_facts&>(facts) = found;
    return {};
}

}  // namespace detail
CVT_NAMESPACE_END
