// Checks a GIF's blocks up to the end of its first image before a codec sees them: canvas, frame, palettes, size of the data.
#pragma once

#include "image_preflight.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

/// The first image of the file, a frame on the canvas. Without a palette, colours are grey.
struct gif_image : picture_facts {
    int x = 0, y = 0, frame_width = 0, frame_height = 0;
    std::size_t palette = 0;  ///< position in the file; 0: none
    unsigned colors = 0;
    int transparent = -1;  ///< the transparent colour; -1: none
    bool interlaced = false;
    std::uint64_t data_bytes = 0;
};

inline error gif_truncated(file_bytes f) noexcept {
    return error::format(errc::malformed, "GIF is truncated: the file ends at byte %zu within its first image", f.size());
}

/// Skips data blocks and the empty block that ends them; false at the end of the file.
inline bool skip_gif_blocks(file_bytes f, std::size_t& at, std::uint64_t& bytes) noexcept {
    while (at < f.size()) {
        const std::size_t size = f[at++];
        if (size == 0) return true;
        if (size > f.size() - at) return false;
        bytes += size;
        at += size;
    }
    return false;
}

inline bool read_gif_palette(file_bytes f, std::size_t& at, unsigned flags, gif_image& image) noexcept {
    if ((flags & 0x80U) == 0) return true;
    const unsigned colors = 2U << (flags & 7U);
    if (f.size() - at < 3 * std::size_t{colors}) return false;
    image.palette = at;
    image.colors = colors;
    at += 3 * std::size_t{colors};
    return true;
}

/// `at` is the position after the comma that begins an image.
inline error read_gif_image(file_bytes f, std::size_t at, gif_image& image) noexcept {
    if (f.size() - at < 10) return gif_truncated(f);
    image.x = static_cast<int>(read_le16(f, at));
    image.y = static_cast<int>(read_le16(f, at + 2));
    image.frame_width = static_cast<int>(read_le16(f, at + 4));
    image.frame_height = static_cast<int>(read_le16(f, at + 6));
    const unsigned flags = f[at + 8];
    image.interlaced = (flags & 0x40U) != 0;
    at += 9;
    if (!read_gif_palette(f, at, flags, image) || at >= f.size()) return gif_truncated(f);
    const unsigned code_size = f[at++];
    if (code_size < 1 || code_size > 8) return error::format(errc::malformed, "GIF: codes of %u bits, expected 1 to 8", code_size);
    if (!skip_gif_blocks(f, at, image.data_bytes)) return gif_truncated(f);
    constexpr unsigned longest_string = 4096;  // of one code, which by then takes more than a byte
    if (static_cast<std::uint64_t>(image.frame_width) * static_cast<std::uint64_t>(image.frame_height) > image.data_bytes * longest_string)
        return error::format(errc::malformed, "GIF: %llu bytes of image data cannot hold %d x %d pixels",
                             static_cast<unsigned long long>(image.data_bytes), image.frame_width, image.frame_height);
    return {};
}

/// Reads the first image, for the preflight and for the codec. `f` is_gif. Errors: malformed, bad_image (size).
inline error find_gif_image(file_bytes f, const decode_limits& limits, gif_image& image) noexcept {
    if (f.size() < 13) return gif_truncated(f);
    image.width = static_cast<int>(read_le16(f, 6));
    image.height = static_cast<int>(read_le16(f, 8));
    std::size_t at = 13;
    if (!read_gif_palette(f, at, f[10], image)) return gif_truncated(f);
    while (at < f.size()) {
        const unsigned kind = f[at++];
        if (kind == ';') break;
        if (kind == ',') {
            if (error e = read_gif_image(f, at, image)) return e;
            if (image.frame_width < 1 || image.frame_height < 1) return error::format(errc::malformed, "GIF: the image has no pixels");
            // An image that exceeds the canvas enlarges it, as in Pillow.
            image.width = image.x + image.frame_width > image.width ? image.x + image.frame_width : image.width;
            image.height = image.y + image.frame_height > image.height ? image.y + image.frame_height : image.height;
            return check_picture_size(image.width, image.height, limits);
        }
        if (kind != '!') return error::format(errc::malformed, "GIF: neither an image nor an extension at byte %zu", at - 1);
        if (f.size() - at < 6) return gif_truncated(f);
        constexpr unsigned graphic_control = 0xF9;
        if (f[at] == graphic_control && f[at + 1] == 4) image.transparent = (f[at + 2] & 1) != 0 ? f[at + 5] : -1;
        std::uint64_t unused = 0;
        if (!skip_gif_blocks(f, ++at, unused)) return gif_truncated(f);
    }
    return error::format(errc::malformed, "GIF: no image in the file");
}

inline bool is_gif(file_bytes f) noexcept { return starts_with(f, "GIF87a") || starts_with(f, "GIF89a"); }

}  // namespace detail
CVT_NAMESPACE_END
