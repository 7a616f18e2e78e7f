// Decodes sounds with libsndfile, in the unit that defines CVT_WITH_SNDFILE. Included by sound.hpp.
#pragma once
#if defined(CVT_WITH_SNDFILE)

#include <sndfile.h>

#include <cstdlib>
#include <cstring>

#include "sound_reader.hpp"

// Not `inline`: another unit may have another decoder.
namespace cvt_sndfile {

struct stream {
    SNDFILE* file;
    cvt_sound_input input;
};

static sf_count_t size_of(void* user) {
    const auto& input = static_cast<stream*>(user)->input;
    return input.size(input.context);
}
static sf_count_t seek_in(sf_count_t offset, int whence, void* user) {
    const auto& input = static_cast<stream*>(user)->input;
    return input.seek(offset, whence, input.context);
}
static sf_count_t read_from(void* to, sf_count_t count, void* user) {
    const auto& input = static_cast<stream*>(user)->input;
    return input.read(to, count, input.context);
}
static sf_count_t write_to(const void*, sf_count_t, void*) { return 0; }
static sf_count_t tell_in(void* user) {
    const auto& input = static_cast<stream*>(user)->input;
    return input.tell(input.context);
}

static void* open(const cvt_sound_input* input, cvt_sound_header* header, const char** reason) noexcept {
    auto* s = static_cast<stream*>(std::malloc(sizeof(stream)));
    *reason = nullptr;
    if (s == nullptr) return nullptr;
    s->input = *input;
    SF_VIRTUAL_IO io{size_of, seek_in, read_from, write_to, tell_in};
    SF_INFO info{};
    s->file = sf_open_virtual(&io, SFM_READ, &info, s);
    if (s->file == nullptr) {
        *reason = sf_strerror(nullptr);
        // What libsndfile says when mpg123 finds no frame. The bytes are there: they were read.
        if (std::strstr(*reason, "does not exist") != nullptr) *reason = "no MPEG frame found";
        std::free(s);
        return nullptr;
    }
    *header = {info.samplerate, info.channels, info.frames == SF_COUNT_MAX ? -1 : info.frames};
    return s;
}

static long long read(void* handle, float* to, long long frames) noexcept {
    return sf_readf_float(static_cast<stream*>(handle)->file, to, frames);
}

static const char* failure(void* handle) noexcept {
    SNDFILE* file = static_cast<stream*>(handle)->file;
    return sf_error(file) == SF_ERR_NO_ERROR ? nullptr : sf_strerror(file);
}

static void close(void* handle) noexcept {
    auto* s = static_cast<stream*>(handle);
    sf_close(s->file);
    std::free(s);
}

constexpr cvt_sound_reader reader{"libsndfile", open, read, failure, close};

}  // namespace cvt_sndfile
#endif
