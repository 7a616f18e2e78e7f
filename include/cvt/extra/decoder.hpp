// The seam between decode.hpp and the library that decodes: a table of C functions, the same for every compiler flag of a host.
#pragma once

#include <cstddef>

extern "C" {
/// What turns a file that has passed the preflight into pixels: 1 to 4 channels of 8 bits, rows without gaps, or null and a
/// reason ("outofmem" when a block of memory would be larger than `allocation_limit`).
struct cvt_decoder {
    const char* name;
    unsigned char* (*decode)(const unsigned char* file, int size, std::size_t allocation_limit, int* width, int* height, int* channels,
                             const char** reason) noexcept;
    void (*release)(unsigned char* pixels) noexcept;
};
/// The one that the program's implementation file chose.
const cvt_decoder* cvt_decoder_in_use() noexcept;
}
