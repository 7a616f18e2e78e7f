// The table of picture formats: how each is recognised, its preflight, the library that decodes it.
#pragma once

#include "bmp_preflight.hpp"
#include "gif_preflight.hpp"
#include "heif_preflight.hpp"
#include "jpeg_preflight.hpp"
#include "png_preflight.hpp"
#include "pnm_preflight.hpp"
#include "tiff_preflight.hpp"
#include "webp_preflight.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

struct picture_format {
    const char* name;  ///< also that of the program's codec
    bool (*recognised)(file_bytes file) noexcept;
    error (*preflight)(file_bytes file, const decode_limits& limits, file_facts& facts) noexcept;
    const char *library, *package, *option;  ///< for the message of a program built without it; Debian's package, CMake's option
};

inline constexpr picture_format picture_formats[]{
    {"JPEG", is_jpeg, preflight_jpeg, "libjpeg-turbo", "libjpeg62-turbo-dev", "CVT_WITH_SYSTEM_CODECS"},
    {"PNG", is_png, preflight_png, "libpng", "libpng-dev", "CVT_WITH_SYSTEM_CODECS"},
    {"WebP", is_webp, preflight<webp_image, find_webp_image>, "libwebp", "libwebp-dev", "CVT_WITH_WEBP"},
    {"AVIF", is_avif, preflight<heif_picture, find_heif_picture>, "libheif, dav1d and libde265", "libheif-dev", "CVT_WITH_HEIF"},
    {"HEIC", is_heic, preflight<heif_picture, find_heif_picture>, "libheif, dav1d and libde265", "libheif-dev", "CVT_WITH_HEIF"},
    {"GIF", is_gif, preflight<gif_image, find_gif_image>, "giflib", "libgif-dev", "CVT_WITH_GIF"},
    {"TIFF", is_tiff, preflight<tiff_page, find_tiff_page>, "libtiff", "libtiff-dev", "CVT_WITH_TIFF"},
    {"BMP", is_bmp, preflight<bmp_layout, find_bmp_layout>, "", "", ""},
    {"PNM", is_pnm, preflight<pnm_layout, find_pnm_layout>, "", "", ""},
};

/// Finds the format by content, never by a file's name; null if it is none of these.
inline const picture_format* find_format(file_bytes f) noexcept {
    for (const picture_format& format : picture_formats)
        if (format.recognised(f)) return &format;
    return nullptr;
}

/// What a file of an unknown format looks like, for the message; null if that is unknown too.
inline const char* guess_format(file_bytes f) noexcept {
    struct known {
        std::string_view magic;
        std::size_t at;
        const char* name;
    };
    static constexpr known formats[]{
        {"ftyp", 4, "a video"},           {"8BPS", 0, "Photoshop"},     {"%PDF", 0, "PDF"},           {"PK\x03\x04", 0, "a ZIP archive"},
        {"\x1F\x8B", 0, "gzip"},          {"\x93NUMPY", 0, "NumPy"},    {"\xFF\x0A", 0, "JPEG XL"},   {"JXL ", 4, "JPEG XL"},
        {"jP  ", 4, "JPEG 2000"},         {"<svg", 0, "SVG"},           {"<?xml", 0, "XML or SVG"},   {"<!DOCTYPE", 0, "an HTML page"},
        {"<!doctype", 0, "an HTML page"}, {"<html", 0, "an HTML page"}, {"<HTML", 0, "an HTML page"},
    };
    for (const known& k : formats)
        if (starts_with(f, k.magic, k.at)) return k.name;
    return nullptr;
}

}  // namespace detail
CVT_NAMESPACE_END
