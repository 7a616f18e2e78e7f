// Decodes the first page of a TIFF by libtiff 4.5 or later, in the unit that defines CVT_WITH_TIFF. Included by codecs.hpp.
#pragma once
#if defined(CVT_WITH_TIFF)

#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>

#include <tiffio.h>

#include "codec_pixels.hpp"
#include "decoder.hpp"
#include "tiff_pixels.hpp"
#include "tiff_preflight.hpp"

namespace cvt_tiff {

using cvt::detail::file_bytes, cvt::detail::tiff_page;

/// Text of the last error; the caller copies it.
inline thread_local char text[160];

inline int note(TIFF*, void*, const char*, const char* format, va_list values) noexcept {
    std::vsnprintf(text, sizeof text, format, values);
    return 1;  // keeps the global handler from printing it
}
inline int ignore(TIFF*, void*, const char*, const char*, va_list) noexcept { return 1; }

/// The file in memory, with the functions that libtiff reads it by.
struct source {
    const unsigned char* file;
    toff_t size, at;
};

inline TIFF* open(source& s, std::size_t limit) noexcept {
    TIFFOpenOptions* options = TIFFOpenOptionsAlloc();
    if (options == nullptr) return nullptr;
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, static_cast<tmsize_t>(limit));
    TIFFOpenOptionsSetErrorHandlerExtR(options, note, nullptr);
    TIFFOpenOptionsSetWarningHandlerExtR(options, ignore, nullptr);
    const auto read = [](thandle_t h, void* to, tmsize_t count) noexcept -> tmsize_t {
        auto& from = *static_cast<source*>(h);
        const toff_t left = from.at < from.size ? from.size - from.at : 0,
                     n = static_cast<toff_t>(count) < left ? static_cast<toff_t>(count) : left;
        if (n != 0) std::memcpy(to, from.file + from.at, static_cast<std::size_t>(n));
        from.at += n;
        return static_cast<tmsize_t>(n);
    };
    const auto write = [](thandle_t, void*, tmsize_t) noexcept -> tmsize_t { return 0; };
    const auto seek = [](thandle_t h, toff_t to, int whence) noexcept -> toff_t {
        auto& from = *static_cast<source*>(h);
        return from.at = to + (whence == SEEK_CUR ? from.at : whence == SEEK_END ? from.size : 0);
    };
    const auto close = [](thandle_t) noexcept { return 0; };
    const auto size = [](thandle_t h) noexcept -> toff_t { return static_cast<source*>(h)->size; };
    // r: read; m: without memory mapping; c: strips as they are.
    TIFF* tiff = TIFFClientOpenExt("picture", "rmc", &s, read, write, seek, close, size, nullptr, nullptr, options);
    TIFFOpenOptionsFree(options);
    return tiff;
}

/// Whether libtiff reads the page as the preflight did, which has checked the sizes of blocks.
inline bool agrees(TIFF* tiff, const tiff_page& page) noexcept {
    std::uint32_t width = 0, height = 0;
    std::uint16_t bits = 0, samples = 0, photometric = 0, compression = 0, planar = 0;
    TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width);
    TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &bits);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &samples);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &compression);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &planar);
    if (TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &photometric) != 1) photometric = cvt::detail::tiff_white_is_zero;
    const auto blocks = static_cast<std::uint64_t>(page.tiled ? TIFFNumberOfTiles(tiff) : TIFFNumberOfStrips(tiff));
    return width == static_cast<std::uint32_t>(page.width) && height == static_cast<std::uint32_t>(page.height) && bits == page.bits &&
           samples == page.samples && photometric == page.photometric && compression == page.compression &&
           (planar == PLANARCONFIG_SEPARATE && samples > 1) == page.separate && (TIFFIsTiled(tiff) != 0) == page.tiled &&
           blocks == page.blocks();
}

/// Converts rows of samples to RGB, block by block.
inline bool read_blocks(TIFF* tiff, const painter& to, unsigned char* block, tmsize_t size) noexcept {
    const tiff_page& page = to.page;
    const std::uint64_t planes = page.separate ? page.samples : 1, in_plane = page.blocks() / planes;
    for (std::uint64_t i = 0; i < page.blocks(); ++i) {
        const auto plane = static_cast<unsigned>(i / in_plane);
        if (plane >= page.colors()) break;  // alpha
        const std::uint64_t place = i % in_plane;
        const int x = static_cast<int>(place % page.blocks_across()) * page.block_width;
        const int y = static_cast<int>(place / page.blocks_across()) * page.block_height;
        const int rows = page.block_height < page.height - y ? page.block_height : page.height - y;
        const int columns = page.block_width < page.width - x ? page.block_width : page.width - x;
        const std::size_t stride = static_cast<std::size_t>(page.row_bytes(page.block_width));
        const auto wanted = page.tiled ? size : static_cast<tmsize_t>(stride * static_cast<std::size_t>(rows));
        const auto index = static_cast<std::uint32_t>(i);
        const tmsize_t got = page.tiled ? TIFFReadEncodedTile(tiff, index, block, size) : TIFFReadEncodedStrip(tiff, index, block, wanted);
        if (got != wanted) return false;
        for (int row = 0; row < rows; ++row) to.row(block + static_cast<std::size_t>(row) * stride, x, y + row, columns, plane);
    }
    return true;
}

inline bool fail(const char** reason, const char* why) noexcept {
    *reason = why;
    return false;
}

/// YCbCr that is not JPEG, by libtiff's own conversion to RGBA in a 32-bit number.
inline bool read_ycbcr(TIFF* tiff, const tiff_page& page, unsigned char* pixels, const char** reason) noexcept {
    TIFFSetField(tiff, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);  // the caller turns the page
    const std::size_t count = static_cast<std::size_t>(page.width) * static_cast<std::size_t>(page.height);
    const std::unique_ptr<std::uint32_t[], cvt::detail::free_pixels> raster{
        static_cast<std::uint32_t*>(std::calloc(count, sizeof(std::uint32_t)))};
    if (!raster) return fail(reason, nullptr);
    const bool good = TIFFReadRGBAImageOriented(tiff, static_cast<std::uint32_t>(page.width), static_cast<std::uint32_t>(page.height),
                                                raster.get(), ORIENTATION_TOPLEFT, 1) == 1;
    for (std::size_t i = 0; i < count; ++i, pixels += 3) {
        pixels[0] = static_cast<unsigned char>(TIFFGetR(raster[i]));
        pixels[1] = static_cast<unsigned char>(TIFFGetG(raster[i]));
        pixels[2] = static_cast<unsigned char>(TIFFGetB(raster[i]));
    }
    return good;
}

inline bool read(TIFF* tiff, const tiff_page& page, std::size_t limit, unsigned char* pixels, const char** reason) noexcept {
    if (!agrees(tiff, page)) return fail(reason, "libtiff reads its directory differently");
    if (page.photometric == cvt::detail::tiff_ycbcr) {
        if (page.compression != cvt::detail::tiff_jpeg) return read_ycbcr(tiff, page, pixels, reason);
        TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    }
    painter to{page, {}, pixels};
    unsigned short *red = nullptr, *green = nullptr, *blue = nullptr;
    if (page.photometric == cvt::detail::tiff_palette) {
        if (TIFFGetField(tiff, TIFFTAG_COLORMAP, &red, &green, &blue) != 1) return fail(reason, "a palette image without a palette");
        to.palette[0] = red, to.palette[1] = green, to.palette[2] = blue;
    }
    const std::uint64_t size = page.block_bytes();
    const tmsize_t theirs = page.tiled ? TIFFTileSize(tiff) : TIFFStripSize(tiff);
    if (theirs < 0 || static_cast<std::uint64_t>(theirs) != size) return fail(reason, "the size of blocks differs from its directory");
    const cvt::detail::unique_pixels block = cvt::detail::new_pixels(static_cast<std::size_t>(size), limit);
    if (!block) return fail(reason, nullptr);
    return read_blocks(tiff, to, block.get(), static_cast<tmsize_t>(size));
}

inline bool draw(file_bytes f, const tiff_page& page, std::size_t limit, unsigned char* pixels, const char** reason) noexcept {
    *reason = text;
    std::strcpy(text, "the data ends too soon");
    source s{f.data(), f.size(), 0};
    TIFF* tiff = open(s, limit);
    if (tiff == nullptr) return false;
    const bool good = read(tiff, page, limit, pixels, reason);
    TIFFClose(tiff);
    return good;
}

inline constexpr cvt_codec codec{"TIFF", "libtiff", cvt::detail::decode_picture<tiff_page, cvt::detail::find_tiff_page, draw>};

}  // namespace cvt_tiff
#endif
