// Decodes JPEG and PNG by stb_image, with a limit on allocations, in the unit that asks for it. Included by codecs.hpp.
#pragma once

#include <cstdlib>
#include <cstring>

#include "decoder.hpp"

namespace cvt_stb {

// Limit on a single allocation of the picture being decoded on this thread: a compressed megabyte can ask for a gigabyte.
inline thread_local std::size_t allocation_limit = 0;
// Whether an allocation was refused: stb_image may then report a file of an unknown type.
inline thread_local bool refused = false;

inline void* noted(void* memory) noexcept {
    refused = refused || memory == nullptr;
    return memory;
}
// Zeroed, so that the undecoded part of a damaged file is black and not old heap content.
inline void* allocate(std::size_t size) noexcept { return noted(size <= allocation_limit ? std::calloc(1, size) : nullptr); }
inline void* reallocate(void* memory, std::size_t size) noexcept {
    return noted(size <= allocation_limit ? std::realloc(memory, size) : nullptr);
}

}  // namespace cvt_stb

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wold-style-cast"
#endif
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_NO_STDIO
#define STBI_MAX_DIMENSIONS 16384
#define STBI_ASSERT(condition) static_cast<void>(0)
#define STBI_MALLOC(size) cvt_stb::allocate(size)
#define STBI_REALLOC(memory, size) cvt_stb::reallocate(memory, size)
#define STBI_FREE(memory) std::free(memory)
#include <stb/stb_image.h>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

namespace cvt_stb {

inline unsigned char* decode(const unsigned char* file, int size, std::size_t limit, int* width, int* height, int* channels,
                             const char** why) noexcept {
    allocation_limit = limit;
    refused = false;
    unsigned char* pixels = stbi_load_from_memory(file, size, width, height, channels, 0);
    if (pixels != nullptr) return pixels;
    *why = stbi_failure_reason();
    if (refused || std::strcmp(*why, "outofmem") == 0) *why = nullptr;  // stb_image's word, also for sizes beyond an int
    return nullptr;
}

inline constexpr const char* name = "stb_image";
inline constexpr cvt_codec jpeg{"JPEG", "stb_image", decode}, png{"PNG", "stb_image", decode};

}  // namespace cvt_stb
