// Decodes picture files to RGB pixels: JPEG, PNG, BMP and PNM, and other formats by the libraries that a program is built with. A
// preflight checks every file first. Optional: not part of cvt.hpp.
//
// One source file of the program consists of the lines
//     #define CVT_DECODE_IMPLEMENTATION
//     #include <cvt/extra/decode.hpp>
// and is compiled with -fwrapv. stb_image shifts and adds decoded values in ways that C++ leaves undefined; clang has no pragma for
// this, and the host's own code must not need the flag. UndefinedBehaviorSanitizer also needs -fno-sanitize=shift: where
// data ends inside a code, stb_image shifts a zero by more than its width. All other files only include this header.
// stb_image is not hardened; the preflight refuses what is known to break it. For pictures from strangers, define
// CVT_WITH_SYSTEM_CODECS in that source file as well, and link libjpeg-turbo and libpng, which are maintained for such input. The
// preflight is the same, and the pixels are within 3 levels of stb_image's.
// CVT_WITH_WEBP, CVT_WITH_HEIF, CVT_WITH_GIF and CVT_WITH_TIFF, defined there, add these formats by libwebp, libheif (HEIC and AVIF;
// with libde265 and dav1d), giflib and libtiff (4.5 or later). BMP and PNM need no library.
#pragma once

#include <cerrno>

#include "../image/image_view.hpp"
#include "../runtime/buffer.hpp"
#include "../runtime/file.hpp"
#include "decoder.hpp"
#include "picture_formats.hpp"

CVT_NAMESPACE_BEGIN

/// Whether a photo is turned as its EXIF tag says (as viewers do) or used as stored (as ImageNet evaluations do).
enum class orientation : std::uint8_t { exif, ignore };

/// Decoded 8-bit RGB pixels, rows without gaps.
/// @code{.cpp}
/// cvt::result<cvt::image> photo = cvt::read_image("photo.jpg", cvt::orientation::exif);
/// if (!photo) return report(photo.error());
/// if (cvt::error e = session.classify(photo->view(), logits)) return report(e);
/// @endcode
struct image {
    detail::buffer<std::uint8_t> pixels;
    int width = 0, height = 0;

    /// Points into this image.
    [[nodiscard]] image_view view() const noexcept { return {pixels.data(), width, height, 3, 0}; }
};

namespace detail {

/// Source pixel of output (0, 0), and the steps in source pixels to the right and down in the output.
struct pixel_steps {
    int width = 0, height = 0;
    std::ptrdiff_t start = 0, right = 0, down = 0;
};

/// EXIF orientations: 2 mirrored, 3 upside down, 4 both, 5 transposed, 6 to turn right, 7 transversed, 8 to turn left.
inline pixel_steps turn(int width, int height, int exif) noexcept {
    const std::ptrdiff_t w = width, h = height, last = w * h - 1;
    switch (exif) {
        case 2: return {width, height, w - 1, -1, w};
        case 3: return {width, height, last, -1, -w};
        case 4: return {width, height, last - (w - 1), 1, -w};
        case 5: return {height, width, 0, w, 1};
        case 6: return {height, width, last - (w - 1), -w, 1};
        case 7: return {height, width, last, -w, -1};
        case 8: return {height, width, w - 1, w, -1};
        default: return {width, height, 0, 1, w};
    }
}

/// Repeats grey and drops alpha, as Pillow's convert("RGB") does.
inline void copy_rgb(const std::uint8_t* from, int channels, const pixel_steps& t, std::uint8_t* to) noexcept {
    const std::ptrdiff_t green = channels >= 3 ? 1 : 0, blue = channels >= 3 ? 2 : 0;
    for (int y = 0; y < t.height; ++y) {
        const std::uint8_t* pixel = from + (t.start + y * t.down) * channels;
        for (int x = 0; x < t.width; ++x, pixel += t.right * channels, to += 3) {
            to[0] = pixel[0];
            to[1] = pixel[green];
            to[2] = pixel[blue];
        }
    }
}

inline bool apply_patch(file_bytes file, const file_patch& patch, buffer<std::uint8_t>& out) noexcept {
    if (!out.append(file.data(), patch.at) || !out.append(patch.bytes, patch.count) ||
        !out.append(file.data() + patch.at, file.size() - patch.at))
        return false;
    if (patch.length_at != 0) {
        const auto length = static_cast<std::uint32_t>(read_be32(file, patch.length_at) + patch.count);
        for (std::size_t i = 0; i < 4; ++i) out[patch.length_at + i] = static_cast<std::uint8_t>(length >> (24 - 8 * i));
    }
    return true;
}

inline const cvt_codec* find_codec(const cvt_decoder& decoder, const char* format) noexcept {
    for (std::size_t i = 0; i < decoder.count; ++i)
        if (std::strcmp(decoder.codecs[i].format, format) == 0) return &decoder.codecs[i];
    return nullptr;
}

inline result<image> decode_with(const cvt_decoder& decoder, std::span<const std::byte> file, orientation turn_to,
                                 const decode_limits& limits) noexcept {
    file_bytes bytes{reinterpret_cast<const std::uint8_t*>(file.data()), file.size()};
    if (bytes.empty()) return error::format(errc::malformed, "image file is empty");
    constexpr std::uint64_t int_max = std::numeric_limits<int>::max();
    const std::uint64_t max_bytes = limits.max_bytes < int_max ? limits.max_bytes : int_max;
    if (bytes.size() > max_bytes)
        return error::format(errc::bad_image, "image file has %zu bytes, more than the limit of %llu", bytes.size(),
                             static_cast<unsigned long long>(max_bytes));
    const picture_format* format = find_format(bytes);
    if (format == nullptr) {
        const char* guess = guess_format(bytes);
        return error::format(errc::unsupported, "not a picture of a known format%s%s", guess != nullptr ? ": it looks like " : "",
                             guess != nullptr ? guess : "");
    }
    const cvt_codec* codec = find_codec(decoder, format->name);
    if (codec == nullptr)
        return error::format(errc::unsupported, "%s file: this program was built without %s (Debian: %s; CMake: %s)", format->name,
                             format->library, format->package, format->option);
    file_facts facts;
    if (error e = format->preflight(bytes, limits, facts)) return e;

    buffer<std::uint8_t> patched;
    if (facts.patch.count != 0) {
        if (!apply_patch(bytes, facts.patch, patched)) return error::out_of_memory("image file", bytes.size() + facts.patch.count);
        if (patched.size() > int_max) return error::format(errc::bad_image, "image file is too large");
        bytes = {patched.data(), patched.size()};
    }

    // Enough for twice the 16-bit RGBA or a progressive JPEG's coefficients, and for the compressed data.
    constexpr std::uint64_t addressable = std::numeric_limits<std::ptrdiff_t>::max();
    const std::uint64_t wanted = 16 * (static_cast<std::uint64_t>(facts.width) + 64) * (static_cast<std::uint64_t>(facts.height) + 64) +
                                 2 * std::uint64_t{bytes.size()} + (1U << 20);
    const auto allocation_limit = static_cast<std::size_t>(wanted < addressable ? wanted : addressable);
    int width = facts.width, height = facts.height, channels = 0;
    const char* reason = "unknown";
    unsigned char* pixels =
        codec->decode(bytes.data(), static_cast<int>(bytes.size()), allocation_limit, &width, &height, &channels, &reason);
    if (pixels == nullptr) {
        if (reason == nullptr)
            return error::format(errc::out_of_memory, "out of memory: decoding %d x %d pixels, or the data unpacks to more than that",
                                 facts.width, facts.height);
        return error::format(errc::malformed, "image data is damaged or truncated (%s: %s)", codec->library, reason);
    }
    image decoded;
    const pixel_steps t = turn(width, height, turn_to == orientation::exif ? facts.orientation : 1);
    decoded.width = t.width;
    decoded.height = t.height;
    const std::size_t size = static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3;
    const bool same_size = width == facts.width && height == facts.height;
    const bool allocated = same_size && decoded.pixels.resize(size);
    if (allocated) copy_rgb(pixels, channels, t, decoded.pixels.data());
    decoder.release(pixels);
    if (!same_size)
        return error::format(errc::malformed, "image header says %d x %d, its data %d x %d", facts.width, facts.height, width, height);
    if (!allocated) return error::out_of_memory("decoded image", size);
    return decoded;
}

}  // namespace detail

/// Name of the library that decodes JPEG and PNG: "stb_image" or "libjpeg and libpng".
inline const char* decoder_name() noexcept { return cvt_decoder_in_use()->name; }

/// Decodes a picture in memory to what Pillow's convert("RGB") gives. Palettes are expanded, CMYK is converted, alpha is dropped, and of
/// 16 bits the high byte is used. An animation gives its first image, a TIFF its first page. The result is exact with these exceptions.
/// JPEG is within 3 levels of libjpeg's pixels, HEIC and AVIF within 2 levels of their libraries' own tools. HEIC and AVIF turn the
/// picture themselves, whatever `turn_to` is. Damage inside a JPEG's compressed data that still decodes is not detected, as in libjpeg.
/// Errors: unsupported (a format that is unknown or not built in, or a kind that is not decoded). Also malformed (damaged or truncated),
/// bad_image (too many pixels or bytes), out_of_memory.
inline result<image> decode(std::span<const std::byte> file, orientation turn_to, const decode_limits& limits = {}) noexcept {
    return detail::decode_with(*cvt_decoder_in_use(), file, turn_to, limits);
}

/// Reads and decodes a picture. Errors: those of decode(), without the file's name; io (the file cannot be opened or read).
/// Reading a pipe also fails with io if a signal handler interrupts it.
inline result<image> read_image(const char* path, orientation turn_to, const decode_limits& limits = {}) noexcept {
    if (path == nullptr) return error::format(errc::invalid_argument, "no image path");
    detail::unique_file file = detail::open_file(path);
    if (!file) return error::format(errc::io, "cannot open %s: %s", path, std::strerror(errno));
    detail::buffer<std::byte> bytes;
    std::size_t size = 0;
    for (std::size_t got = 1; got != 0; size += got) {
        const std::size_t chunk = size < (64U << 10) ? (64U << 10) : size;
        if (!bytes.resize(size + chunk)) return error::out_of_memory(path, size + chunk);
        errno = 0;
        got = std::fread(bytes.data() + size, 1, chunk, file.get());
        if (std::ferror(file.get()) != 0) return error::format(errc::io, "cannot read %s: %s", path, std::strerror(errno));
        if (size + got > limits.max_bytes)
            return error::format(errc::bad_image, "%s has more than the limit of %llu bytes", path,
                                 static_cast<unsigned long long>(limits.max_bytes));
    }
    file.reset();
    return decode({bytes.data(), size}, turn_to, limits);
}

/// Whether the first bytes of a file, of which 256 suffice, are those of a picture in a known format, built in or not.
inline bool is_picture(std::span<const std::byte> head) noexcept {
    return detail::find_format({reinterpret_cast<const std::uint8_t*>(head.data()), head.size()}) != nullptr;
}

CVT_NAMESPACE_END

#if defined(CVT_DECODE_IMPLEMENTATION)
#include "codecs.hpp"
extern "C" const cvt_decoder* cvt_decoder_in_use() noexcept { return &cvt_codecs::decoder; }
#endif
