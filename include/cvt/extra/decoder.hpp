// The seam between decode.hpp and the libraries that decode: tables of C functions, the same for every compiler flag of a host.
#pragma once

#include <cstddef>

extern "C" {
/// What turns files of one format, which have passed the preflight, into pixels.
struct cvt_codec {
    const char* format;   ///< as picture_formats calls it
    const char* library;  ///< for messages
    /// 1 to 4 channels of 8 bits, rows without gaps, from malloc; or null and a reason ("outofmem" when a block of memory would
    /// be larger than `allocation_limit`). `width` and `height` come with what the preflight found and leave with what the
    /// library did.
    unsigned char* (*decode)(const unsigned char* file, int size, std::size_t allocation_limit, int* width, int* height, int* channels,
                             const char** reason) noexcept;
};
/// The decoders that one program has, and how their pixels are freed.
struct cvt_decoder {
    const char* name;  ///< of what decodes JPEG and PNG
    const cvt_codec* codecs;
    std::size_t count;
    void (*release)(unsigned char* pixels) noexcept;
};
/// The one that the program's implementation file chose.
const cvt_decoder* cvt_decoder_in_use() noexcept;
}
