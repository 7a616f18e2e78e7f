// The interface between sound.hpp and the library that decodes: a table of C functions, independent of a host's compiler flags.
#pragma once

#include <cstdint>

extern "C" {
/// The bytes of a file, as the functions that libsndfile reads them with. `whence` is that of fseek.
struct cvt_sound_input {
    void* context;
    std::int64_t (*size)(void* context);
    std::int64_t (*seek)(std::int64_t offset, int whence, void* context);
    std::int64_t (*read)(void* to, std::int64_t count, void* context);
    std::int64_t (*tell)(void* context);
};
/// What a header says of a sound.
struct cvt_sound_header {
    int rate, channels;
    long long frames;  ///< negative if unknown
};
/// The decoder of a program. All pointers but `library` are null without one.
struct cvt_sound_reader {
    const char* library;
    /// Returns null and a reason on an error; a null reason is a lack of memory. `input` is copied; its context must outlive the result.
    void* (*open)(const cvt_sound_input* input, cvt_sound_header* header, const char** reason) noexcept;
    /// Reads up to `frames` frames of interleaved samples. Fewer: the sound ends there, or failure() has a reason.
    long long (*read)(void* sound, float* to, long long frames) noexcept;
    const char* (*failure)(void* sound) noexcept;  ///< null if there was none
    void (*close)(void* sound) noexcept;
};
/// The decoder that the program's implementation file chose.
const cvt_sound_reader* cvt_sound_reader_in_use() noexcept;
}
