// Decodes sounds with libsndfile, in the unit that defines CVT_WITH_SNDFILE. Included by sound.hpp.
#pragma once
#if defined(CVT_WITH_SNDFILE)

#include <sndfile.h>

#include <cstring>

#include "sound_reader.hpp"

// Not `inline`: another unit may have another decoder.
namespace cvt_sndfile {

static sf_count_t write_to(const void*, sf_count_t, void*) { return 0; }

static void* open(const cvt_sound_input* input, cvt_sound_header* header, const char** reason) noexcept {
    SF_VIRTUAL_IO io{input->size, input->seek, input->read, write_to, input->tell};
    SF_INFO info{};
    SNDFILE* file = sf_open_virtual(&io, SFM_READ, &info, input->context);
    if (file == nullptr) {
        *reason = sf_strerror(nullptr);
        // What libsndfile says when mpg123 finds no frame. The bytes are there: they were read.
        if (std::strstr(*reason, "does not exist") != nullptr) *reason = "no MPEG frame found";
        return nullptr;
    }
    *header = {info.samplerate, info.channels, info.frames == SF_COUNT_MAX ? -1 : info.frames};
    return file;
}

static long long read(void* handle, float* to, long long frames) noexcept {
    return sf_readf_float(static_cast<SNDFILE*>(handle), to, frames);
}

static const char* failure(void* handle) noexcept {
    auto* file = static_cast<SNDFILE*>(handle);
    return sf_error(file) == SF_ERR_NO_ERROR ? nullptr : sf_strerror(file);
}

static void close(void* handle) noexcept { sf_close(static_cast<SNDFILE*>(handle)); }

constexpr cvt_sound_reader reader{"libsndfile", open, read, failure, close};

}  // namespace cvt_sndfile
#endif
