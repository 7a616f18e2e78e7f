// The formats of sounds, known by their first bytes, and what their headers say before a library sees the file.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

#include "../text.hpp"

CVT_NAMESPACE_BEGIN

/// What a sound's file may hold at most. All limits are checked before memory depends on them.
/// @code{.cpp}
/// cvt::sound_limits limits;
/// limits.max_frames = 600 * 48000;
/// cvt::result<cvt::sound> call = cvt::read_sound("call.flac", limits);
/// @endcode
struct sound_limits {
    std::uint64_t max_bytes = std::uint64_t{16} << 30;  ///< of the file
    std::uint64_t max_frames = std::uint64_t{1} << 33;  ///< decoded, of all channels; 49 hours at 48 kHz
    int max_channels = 32;
    int max_rate = 768000;  ///< samples per second
};

namespace detail {

enum class sound_format : std::uint8_t { unknown, wav, flac, ogg, mp3 };

constexpr const char* to_string(sound_format f) noexcept {
    constexpr const char* names[]{"unknown", "WAV", "FLAC", "Ogg", "MP3"};
    return names[static_cast<int>(f)];
}

/// Number of bytes at the beginning of a file by which its format is known.
inline constexpr std::size_t sound_head = 12;

/// Detects the format of a file by its first bytes.
inline sound_format find_sound_format(std::span<const unsigned char> head) noexcept {
    const std::string_view text{reinterpret_cast<const char*>(head.data()), head.size()};
    if ((text.starts_with("RIFF") || text.starts_with("RF64")) && slice(text, 8).starts_with("WAVE")) return sound_format::wav;
    if (text.starts_with("fLaC")) return sound_format::flac;
    if (text.starts_with("OggS")) return sound_format::ogg;
    if (text.starts_with("ID3")) return sound_format::mp3;
    // MPEG audio: 11 bits of a frame's beginning, then neither a reserved version nor a reserved layer, bit rate or sample rate.
    const bool frame = head.size() >= 3 && head[0] == 0xFF && (head[1] & 0xE0) == 0xE0;
    if (frame && (head[1] & 0x18) != 0x08 && (head[1] & 0x06) == 0x02 && (head[2] & 0xF0) != 0xF0 && (head[2] & 0x0C) != 0x0C)
        return sound_format::mp3;
    return sound_format::unknown;
}

/// Checks what a header says. Errors: malformed (no channels, no rate), bad_sound (more than the limits).
inline error check_sound(long long rate, int channels, const sound_limits& limits) noexcept {
    if (channels < 1) return error::format(errc::malformed, "sound: expected at least 1 channel, the header says %d", channels);
    if (rate < 1) return error::format(errc::malformed, "sound: expected a sample rate of at least 1, the header says %lld", rate);
    if (channels > limits.max_channels)
        return error::format(errc::bad_sound, "sound: %d channels, more than the limit of %d", channels, limits.max_channels);
    if (rate > limits.max_rate)
        return error::format(errc::bad_sound, "sound: %lld samples per second, more than the limit of %d", rate, limits.max_rate);
    return {};
}

/// Walks the chunks of a WAV file up to its samples. bytes.read_at(at, to, count) returns false beyond bytes.size.
/// Errors: malformed (no format before the samples, fewer samples than the header says), and those of check_sound().
template <class Bytes>
error preflight_wav(Bytes& bytes, const sound_limits& limits) noexcept {
    constexpr std::uint64_t streamed = 0x7FFFFFFF;  // a length of this or more was written before the length was known
    const auto number = [](const unsigned char* from, std::size_t count) noexcept {
        std::uint64_t value = 0;
        for (std::size_t i = count; i-- > 0;) value = value << 8 | from[i];
        return value;
    };
    unsigned char chunk[8], format[16];
    std::uint64_t at = 12, wide_size = 0;
    bool has_format = false;
    for (int chunks = 0; chunks < 4096 && bytes.read_at(at, chunk, sizeof chunk); ++chunks) {
        std::uint64_t size = number(chunk + 4, 4);
        at += sizeof chunk;
        if (std::memcmp(chunk, "ds64", 4) == 0) {
            unsigned char sizes[16];
            if (!bytes.read_at(at, sizes, sizeof sizes)) break;
            wide_size = number(sizes + 8, 8);
        }
        if (std::memcmp(chunk, "fmt ", 4) == 0) {
            if (size < 16 || !bytes.read_at(at, format, sizeof format)) break;
            has_format = true;
            const auto rate = static_cast<long long>(number(format + 4, 4));
            if (error e = check_sound(rate, static_cast<int>(number(format + 2, 2)), limits)) return e;
        }
        if (std::memcmp(chunk, "data", 4) == 0) {
            if (!has_format) break;
            if (size == 0xFFFFFFFF && wide_size != 0) size = wide_size;
            const std::uint64_t left = bytes.size - at;
            if (size <= left || (size >= streamed && wide_size == 0)) return {};
            return error::format(errc::malformed, "WAV file is truncated: its header says %llu bytes of samples, the file has %llu",
                                 static_cast<unsigned long long>(size), static_cast<unsigned long long>(left));
        }
        if (size > bytes.size - at) break;
        at += size + (size & 1);
    }
    return error::format(errc::malformed, has_format ? "WAV file has no samples" : "WAV file has no format before its samples");
}

}  // namespace detail
CVT_NAMESPACE_END
