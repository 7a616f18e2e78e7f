// The interface between decode.hpp and the libraries that decode: tables of C functions, independent of a host's compiler flags.
#pragma once

#include <cstddef>

extern "C" {
/// Decodes files of one format that have passed the preflight.
struct cvt_codec {
    const char* format;   ///< its name in picture_formats
    const char* library;  ///< for messages
    /// Returns 1 to 4 channels of 8 bits, rows without gaps, from malloc. Or returns null and a reason. A null reason is a lack of memory,
    /// or an allocation that would exceed `allocation_limit`. `width` and `height` are the preflight's on entry and the library's on
    /// return.
    unsigned char* (*decode)(const unsigned char* file, int size, std::size_t allocation_limit, int* width, int* height, int* channels,
                             const char** reason) noexcept;
};
/// The decoders of a program, and the function that frees their pixels.
struct cvt_decoder {
    const char* name;  ///< of the library that decodes JPEG and PNG
    const cvt_codec* codecs;
    std::size_t count;
    void (*release)(unsigned char* pixels) noexcept;
};
/// The decoders that the program's implementation file chose.
const cvt_decoder* cvt_decoder_in_use() noexcept;
}
