// Decodes JPEG and PNG by libjpeg-turbo and libpng, in the unit that defines CVT_WITH_SYSTEM_CODECS. Included by codecs.hpp.
#pragma once
#if defined(CVT_WITH_SYSTEM_CODECS)

#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <jerror.h>
#include <jpeglib.h>
#include <png.h>

#include "decoder.hpp"

namespace cvt_system {

/// Text of the last error; the caller copies it.
inline thread_local char text[JMSG_LENGTH_MAX];

/// One picture being decoded. Both libraries report errors by longjmp, so no member may need a destructor.
struct job {
    const unsigned char* file;
    std::size_t size, limit;  ///< in bytes: of the file (of its unread part for PNG), and of the largest allocation
    unsigned char* pixels = nullptr;
    int width = 0, height = 0, channels = 0;
    const char* reason = text;  ///< null: out of memory
    std::jmp_buf failed;

    bool allocate(std::size_t count) noexcept {
        if (count <= limit) pixels = static_cast<unsigned char*>(std::calloc(1, count));
        if (pixels == nullptr) reason = nullptr;
        return pixels != nullptr;
    }
};

struct jpeg_job : job {
    jpeg_decompress_struct info;
    jpeg_error_mgr errors;
};

inline void fail_jpeg(j_common_ptr info) noexcept {
    auto& j = *static_cast<jpeg_job*>(info->client_data);
    info->err->format_message(info, text);
    const int code = info->err->msg_code;
    if (code == JERR_OUT_OF_MEMORY || code == JERR_NO_BACKING_STORE) j.reason = nullptr;
    std::longjmp(j.failed, 1);
}

/// C x K, as Pillow computes it for files that store inverted ink, which all do. The fourth byte becomes meaningless.
inline void rgb_from_cmyk(unsigned char* pixels, std::size_t count) noexcept {
    for (; count != 0; --count, pixels += 4)
        for (int i = 0; i < 3; ++i) {
            const unsigned t = pixels[i] * unsigned{pixels[3]} + 128;
            pixels[i] = static_cast<unsigned char>((t + (t >> 8)) >> 8);
        }
}

inline bool run(jpeg_job& j) noexcept {
    if (setjmp(j.failed) != 0) return false;
    jpeg_create_decompress(&j.info);
    j.info.mem->max_memory_to_use = static_cast<long>(j.limit);
    jpeg_mem_src(&j.info, j.file, static_cast<unsigned long>(j.size));
    jpeg_read_header(&j.info, TRUE);
    j.info.out_color_space = j.info.num_components == 1 ? JCS_GRAYSCALE : j.info.num_components == 4 ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(&j.info);
    j.width = static_cast<int>(j.info.output_width);
    j.height = static_cast<int>(j.info.output_height);
    j.channels = j.info.output_components;
    const std::size_t stride = std::size_t{j.info.output_width} * static_cast<std::size_t>(j.channels);
    if (!j.allocate(stride * j.info.output_height)) return false;
    while (j.info.output_scanline < j.info.output_height) {
        JSAMPROW row = j.pixels + stride * j.info.output_scanline;
        jpeg_read_scanlines(&j.info, &row, 1);
    }
    jpeg_finish_decompress(&j.info);
    if (j.channels == 4) rgb_from_cmyk(j.pixels, std::size_t{j.info.output_width} * j.info.output_height);
    return true;
}

inline bool decode_jpeg(jpeg_job& j) noexcept {
    j.info.err = jpeg_std_error(&j.errors);
    j.info.client_data = &j;
    j.errors.error_exit = fail_jpeg;
    j.errors.emit_message = [](j_common_ptr, int) {};
    j.errors.output_message = [](j_common_ptr) {};
    const bool good = run(j);
    jpeg_destroy_decompress(&j.info);
    return good;
}

struct png_job : job {
    png_structp png = nullptr;
    png_infop info = nullptr;
};

inline void fail_png(png_structp png, png_const_charp message) noexcept {
    auto& j = *static_cast<png_job*>(png_get_error_ptr(png));
    std::snprintf(text, sizeof text, "%s", message);
    if (std::strstr(message, "memory") != nullptr) j.reason = nullptr;  // libpng has no error codes
    std::longjmp(j.failed, 1);
}

inline void read_png(png_structp png, png_bytep to, std::size_t count) noexcept {
    auto& j = *static_cast<png_job*>(png_get_io_ptr(png));
    if (count > j.size) fail_png(png, "truncated");
    std::memcpy(to, j.file, count);
    j.file += count, j.size -= count;
}

inline bool run(png_job& j) noexcept {
    if (setjmp(j.failed) != 0) return false;
    j.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &j, fail_png, [](png_structp, png_const_charp) {});
    j.info = j.png != nullptr ? png_create_info_struct(j.png) : nullptr;
    if (j.info == nullptr) {
        j.reason = nullptr;
        return false;
    }
    png_set_read_fn(j.png, &j, read_png);
    png_set_crc_action(j.png, PNG_CRC_QUIET_USE, PNG_CRC_WARN_DISCARD);  // the preflight has checked them and may have extended a palette
    png_set_user_limits(j.png, 16384, 16384);
    png_set_chunk_malloc_max(j.png, 1U << 20);
    // libpng would unpack and keep texts and profiles: up to a thousand of a megabyte each.
    png_set_keep_unknown_chunks(j.png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
    png_read_info(j.png, j.info);
    const int depth = png_get_bit_depth(j.png, j.info), color = png_get_color_type(j.png, j.info);
    if (color == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(j.png);
    if (color == PNG_COLOR_TYPE_GRAY && depth < 8) png_set_expand_gray_1_2_4_to_8(j.png);
    if (depth == 16) png_set_strip_16(j.png);  // the high byte
    png_set_strip_alpha(j.png);
    const int passes = png_set_interlace_handling(j.png);
    png_read_update_info(j.png, j.info);
    j.width = static_cast<int>(png_get_image_width(j.png, j.info));
    j.height = static_cast<int>(png_get_image_height(j.png, j.info));
    j.channels = png_get_channels(j.png, j.info);
    const std::size_t stride = png_get_rowbytes(j.png, j.info);
    if (!j.allocate(stride * static_cast<std::size_t>(j.height))) return false;
    for (int pass = 0; pass < passes; ++pass)
        for (int y = 0; y < j.height; ++y) png_read_row(j.png, j.pixels + stride * static_cast<std::size_t>(y), nullptr);
    return stride == static_cast<std::size_t>(j.width) * static_cast<std::size_t>(j.channels);
}

inline bool decode_png(png_job& j) noexcept {
    std::strcpy(text, "unexpected row size");
    const bool good = run(j);
    png_destroy_read_struct(&j.png, &j.info, nullptr);
    return good;
}

template <class Job, bool (*decode_job)(Job&) noexcept>
unsigned char* decode(const unsigned char* file, int size, std::size_t limit, int* width, int* height, int* channels,
                      const char** why) noexcept {
    Job j{};
    j.file = file, j.size = static_cast<std::size_t>(size), j.limit = limit;
    const bool good = decode_job(j);
    *width = j.width;
    *height = j.height;
    *channels = j.channels;
    *why = j.reason;
    if (good) return j.pixels;
    std::free(j.pixels);
    return nullptr;
}

inline constexpr const char* name = "libjpeg and libpng";
inline constexpr cvt_codec jpeg{"JPEG", "libjpeg", decode<jpeg_job, decode_jpeg>}, png{"PNG", "libpng", decode<png_job, decode_png>};

}  // namespace cvt_system
#endif
