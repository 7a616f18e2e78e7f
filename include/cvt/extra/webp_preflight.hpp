// Checks a WebP file's chunks before a codec sees them: canvas, the first image and its place on the canvas, EXIF.
#pragma once

#include "exif.hpp"
#include "image_preflight.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

/// The first image of the file, a frame on the canvas: its VP8 or VP8L chunk, without the alpha channel, which is not used.
struct webp_image : picture_facts {
    std::size_t chunk = 0, chunk_size = 0;  ///< includes the chunk's header
    int x = 0, y = 0, frame_width = 0, frame_height = 0;
};

inline error check_webp_bitstream(file_bytes f, std::size_t at, std::size_t size, webp_image& image) noexcept {
    const file_bytes body = f.subspan(at + 8, size);
    image.chunk = at;
    image.chunk_size = size + 8;
    if (starts_with(f, "VP8L", at)) {
        if (size < 5 || body[0] != 0x2F || body[4] >> 5 != 0) return error::format(errc::malformed, "WebP: the VP8L chunk has no header");
        const std::uint32_t bits = read_le32(body, 1);
        image.frame_width = static_cast<int>(bits & 0x3FFF) + 1;
        image.frame_height = static_cast<int>(bits >> 14 & 0x3FFF) + 1;
        return {};
    }
    if (size < 10 || !starts_with(body, "\x9D\x01\x2A", 3) || (body[0] & 1) != 0)
        return error::format(errc::malformed, "WebP: the VP8 chunk is not a key frame");
    if ((read_le24(body, 0) >> 5) > size - 10) return error::format(errc::malformed, "WebP: the VP8 chunk is truncated");
    image.frame_width = static_cast<int>(read_le16(body, 6) & 0x3FFF);
    image.frame_height = static_cast<int>(read_le16(body, 8) & 0x3FFF);
    return {};
}

/// The chunks from `at` to `end`: those of the file, or those of the frame of an animation.
inline error walk_webp(file_bytes f, std::size_t at, std::size_t end, bool in_frame, webp_image& image) noexcept {
    while (end - at >= 8) {
        const std::size_t size = read_le32(f, at + 4);
        if (size > end - at - 8)
            return error::format(errc::malformed, "WebP is truncated: the chunk at byte %zu goes past the end of the file (%zu bytes)", at,
                                 f.size());
        const file_bytes body = f.subspan(at + 8, size);
        if (starts_with(f, "VP8 ", at) || starts_with(f, "VP8L", at)) {
            if (image.chunk == 0)
                if (error e = check_webp_bitstream(f, at, size, image)) return e;
        } else if (starts_with(f, "ANMF", at) && !in_frame) {
            if (size < 24) return error::format(errc::malformed, "WebP: a frame has no header");
            if (image.chunk == 0) {
                image.x = 2 * static_cast<int>(read_le24(body, 0));
                image.y = 2 * static_cast<int>(read_le24(body, 3));
                if (error e = walk_webp(f, at + 24, at + 8 + size, true, image)) return e;
                if (image.frame_width != static_cast<int>(read_le24(body, 6)) + 1 ||
                    image.frame_height != static_cast<int>(read_le24(body, 9)) + 1)
                    return error::format(errc::malformed, "WebP: a frame's size differs from its header");
            }
        } else if (starts_with(f, "EXIF", at) && !in_frame) {
            image.orientation = exif_orientation(body);
        }
        const std::size_t padded = size + (size & 1);
        at = padded > end - at - 8 ? end : at + 8 + padded;
    }
    return {};
}

/// Reads the first image, for the preflight and for the codec. `f` is_webp. Errors: malformed, bad_image (size).
inline error find_webp_image(file_bytes f, const decode_limits& limits, webp_image& image) noexcept {
    constexpr std::uint32_t min = 12;  // "WEBP" and the header of one chunk
    const std::uint32_t said = read_le32(f, 4);
    if (said < min) return error::format(errc::malformed, "WebP: its header says %u bytes of chunks, expected at least %u", said, min);
    const std::uint64_t size = std::uint64_t{said} + 8;
    if (size > f.size())
        return error::format(errc::malformed, "WebP is truncated: %zu bytes of %llu", f.size(), static_cast<unsigned long long>(size));
    const std::size_t end = static_cast<std::size_t>(size);
    std::size_t at = 12;
    const bool extended = starts_with(f, "VP8X", at);
    if (extended) {
        if (end < 30 || read_le32(f, 16) < 10) return error::format(errc::malformed, "WebP: the VP8X chunk has no header");
        image.width = static_cast<int>(read_le24(f, 24)) + 1;
        image.height = static_cast<int>(read_le24(f, 27)) + 1;
    }
    if (error e = walk_webp(f, at, end, false, image)) return e;
    if (image.chunk == 0) return error::format(errc::malformed, "WebP: no image in the file");
    if (!extended) image.width = image.frame_width, image.height = image.frame_height;
    if (image.frame_width < 1 || image.frame_height < 1 || image.x > image.width - image.frame_width ||
        image.y > image.height - image.frame_height)
        return error::format(errc::malformed, "WebP: an image of %d x %d does not fit the canvas of %d x %d", image.frame_width,
                             image.frame_height, image.width, image.height);
    return check_picture_size(image.width, image.height, limits);
}

inline bool is_webp(file_bytes f) noexcept { return starts_with(f, "RIFF") && starts_with(f, "WEBP", 8); }

}  // namespace detail
CVT_NAMESPACE_END
