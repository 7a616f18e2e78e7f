// Decodes sounds to one channel of float32, in parts or whole: WAV, FLAC, Ogg and MP3 by libsndfile. Optional: not part of cvt.hpp.
//
// One source file of the program consists of the lines
//     #define CVT_SOUND_IMPLEMENTATION
//     #include <cvt/extra/sound.hpp>
// With CVT_WITH_SNDFILE defined there, it decodes with libsndfile, which the program links. Without it, every sound is an error that
// names the library. All other files only include this header.
#pragma once

#include <cerrno>
#include <memory>

#include "../runtime/buffer.hpp"
#include "../runtime/file.hpp"
#include "sound_formats.hpp"
#include "sound_reader.hpp"

CVT_NAMESPACE_BEGIN

namespace detail {

/// The bytes of a sound: a file or a span of memory.
struct sound_bytes {
    unique_file file;
    const unsigned char* memory = nullptr;
    std::uint64_t size = 0, at = 0;

    bool seek(std::uint64_t to) noexcept {
        if (to > size || (file && !seek_file(file.get(), static_cast<long long>(to), SEEK_SET))) return false;
        at = to;
        return true;
    }
    std::size_t read(void* to, std::uint64_t count) noexcept {
        if (count > size - at) count = size - at;
        auto n = static_cast<std::size_t>(count);
        if (file)
            n = std::fread(to, 1, n, file.get());
        else if (n != 0)
            std::memcpy(to, memory + at, n);
        at += n;
        return n;
    }
    bool read_at(std::uint64_t from, void* to, std::size_t count) noexcept { return seek(from) && read(to, count) == count; }

    static std::int64_t size_of(void* b) noexcept { return static_cast<std::int64_t>(static_cast<sound_bytes*>(b)->size); }
    static std::int64_t seek_to(std::int64_t offset, int whence, void* context) noexcept {
        auto* b = static_cast<sound_bytes*>(context);
        const auto from = static_cast<std::int64_t>(whence == SEEK_SET ? 0 : whence == SEEK_CUR ? b->at : b->size);
        if (offset < -from || offset > static_cast<std::int64_t>(b->size) - from) return -1;
        return b->seek(static_cast<std::uint64_t>(from + offset)) ? static_cast<std::int64_t>(b->at) : -1;
    }
    static std::int64_t read_to(void* to, std::int64_t count, void* context) noexcept {
        return count <= 0 ? 0 : static_cast<std::int64_t>(static_cast<sound_bytes*>(context)->read(to, static_cast<std::uint64_t>(count)));
    }
    static std::int64_t tell(void* b) noexcept { return static_cast<std::int64_t>(static_cast<sound_bytes*>(b)->at); }
};

}  // namespace detail

/// An open sound, read from its beginning to its end. Channels are averaged. The memory does not depend on its length.
/// @code{.cpp}
/// cvt::result<cvt::sound_file> file = cvt::sound_file::open("morning.flac");
/// if (!file) return report(file.error());
/// std::vector<float> second(static_cast<std::size_t>(file->rate()));
/// cvt::result<std::size_t> count = file->read(second);  // 0 at the end
/// @endcode
class sound_file {
public:
    /// Opens a file. Errors: io; unsupported (not a sound of a known format, or a program without libsndfile); malformed (damaged
    /// header); bad_sound (more than the limits); out_of_memory.
    static result<sound_file> open(const char* path, const sound_limits& limits = {}) noexcept {
        if (path == nullptr) return error::format(errc::invalid_argument, "no path of a sound");
        detail::sound_bytes bytes{.file = detail::open_file(path)};
        if (!bytes.file) return error::format(errc::io, "cannot open %s: %s", path, std::strerror(errno));
        const long long end = detail::size_of_file(bytes.file.get());
        if (end < 0 || end == INT64_MAX) return error::format(errc::io, "cannot read %s: not a file that can be searched", path);
        bytes.size = static_cast<std::uint64_t>(end);
        return begin(std::move(bytes), limits);
    }

    /// Opens a file in memory, which must outlive this object. Errors as above.
    static result<sound_file> from_memory(std::span<const std::byte> file, const sound_limits& limits = {}) noexcept {
        return begin({.file = {}, .memory = reinterpret_cast<const unsigned char*>(file.data()), .size = file.size()}, limits);
    }

    sound_file(sound_file&&) noexcept = default;
    sound_file& operator=(sound_file&&) noexcept = default;

    [[nodiscard]] const char* format() const noexcept { return detail::to_string(state_->format); }  ///< "WAV", "FLAC", "Ogg" or "MP3"
    [[nodiscard]] int rate() const noexcept { return state_->header.rate; }                          ///< samples per second
    [[nodiscard]] int channels() const noexcept { return state_->header.channels; }
    /// Number of frames that were read so far; a frame has one sample of each channel.
    [[nodiscard]] std::uint64_t position() const noexcept { return state_->position; }

    /// Reads the mean of the channels into `out`, and returns the number of frames; fewer than asked for, and 0 from then on, at the end.
    /// Errors: malformed (damaged data, fewer frames than the header says), bad_sound (more frames than the limit), io.
    result<std::size_t> read(std::span<float> out) noexcept {
        state& s = *state_;
        const auto channels = static_cast<std::size_t>(s.header.channels);
        std::size_t done = 0;
        while (done < out.size() && !s.ended) {
            const std::size_t wanted = std::min(out.size() - done, s.block.size() / channels);
            const long long got = cvt_sound_reader_in_use()->read(s.sound, s.block.data(), static_cast<long long>(wanted));
            const std::size_t frames = got < 0 ? 0 : std::min(static_cast<std::size_t>(got), wanted);
            for (std::size_t i = 0; i < frames; ++i) {
                const float* frame = s.block.data() + i * channels;
                float sum = frame[0];
                for (std::size_t c = 1; c < channels; ++c) sum += frame[c];
                out[done + i] = channels == 1 ? sum : sum / static_cast<float>(channels);
            }
            done += frames;
            s.position += frames;
            if (s.position > s.max_frames)
                return error::format(errc::bad_sound, "sound: more frames than the limit of %llu",
                                     static_cast<unsigned long long>(s.max_frames));
            if (frames == wanted) continue;
            s.ended = true;
            if (s.bytes.file && std::ferror(s.bytes.file.get()) != 0) return error::format(errc::io, "sound: cannot be read to its end");
            // The headers of Ogg and MP3 have no count.
            const bool counted = (s.format == detail::sound_format::wav || s.format == detail::sound_format::flac) && s.header.frames > 0;
            const bool complete = counted && s.position >= static_cast<std::uint64_t>(s.header.frames);
            const char* const why = cvt_sound_reader_in_use()->failure(s.sound);
            if (why != nullptr && !complete)  // what follows the last frame is a tag or padding
                return error::format(errc::malformed, "%s data is damaged after %llu frames (%s)", format(),
                                     static_cast<unsigned long long>(s.position), detail::printable{why, 120}.text);
            if (counted && !complete)
                return error::format(errc::malformed, "%s file is truncated: its header says %lld frames, the file has %llu", format(),
                                     s.header.frames, static_cast<unsigned long long>(s.position));
        }
        return done;
    }

private:
    struct state {
        explicit state(detail::sound_bytes&& opened) noexcept : bytes{std::move(opened)} {}
        ~state() {
            if (sound != nullptr) cvt_sound_reader_in_use()->close(sound);
        }

        detail::sound_bytes bytes;
        detail::sound_format format = detail::sound_format::unknown;
        cvt_sound_header header{};
        void* sound = nullptr;
        detail::buffer<float> block;  ///< interleaved samples
        std::uint64_t position = 0, max_frames = 0;
        bool ended = false;
    };

    sound_file() noexcept = default;

    static result<sound_file> begin(detail::sound_bytes&& bytes, const sound_limits& limits) noexcept {
        sound_file opened;
        opened.state_.reset(new (std::nothrow) state{std::move(bytes)});
        if (!opened.state_) return error::out_of_memory("a sound", sizeof(state));
        state& s = *opened.state_;
        if (s.bytes.size == 0) return error::format(errc::malformed, "sound file is empty");
        if (s.bytes.size > limits.max_bytes)
            return error::format(errc::bad_sound, "sound file has %llu bytes, more than the limit of %llu",
                                 static_cast<unsigned long long>(s.bytes.size), static_cast<unsigned long long>(limits.max_bytes));
        unsigned char head[detail::sound_head];
        if (!s.bytes.seek(0)) return error::format(errc::io, "sound file cannot be read");
        const std::size_t found = s.bytes.read(head, sizeof head);
        s.format = detail::find_sound_format({head, found});
        if (s.format == detail::sound_format::unknown)
            return error::format(errc::unsupported, "not a sound of a known format (WAV, FLAC, Ogg, MP3)");
        const cvt_sound_reader* reader = cvt_sound_reader_in_use();
        if (reader->open == nullptr)
            return error::format(errc::unsupported,
                                 "%s file: this program was built without %s (Debian: libsndfile1-dev; CMake: CVT_WITH_SNDFILE)",
                                 opened.format(), reader->library);
        if (s.format == detail::sound_format::wav)
            if (error e = detail::preflight_wav(s.bytes, limits)) return e;
        if (!s.bytes.seek(0)) return error::format(errc::io, "sound file cannot be read");
        const cvt_sound_input input{&s.bytes, detail::sound_bytes::size_of, detail::sound_bytes::seek_to, detail::sound_bytes::read_to,
                                    detail::sound_bytes::tell};
        const char* reason = "unknown";
        s.sound = reader->open(&input, &s.header, &reason);
        if (s.sound == nullptr && reason == nullptr) return error::out_of_memory("a sound", sizeof(state));
        if (s.sound == nullptr)
            return error::format(errc::malformed, "%s file is damaged or of a kind that is not decoded (%s: %s)", opened.format(),
                                 reader->library, detail::printable{reason, 120}.text);
        if (error e = detail::check_sound(s.header.rate, s.header.channels, limits)) return e;
        s.max_frames = limits.max_frames;
        const std::size_t samples = 4096 * static_cast<std::size_t>(s.header.channels);
        if (!s.block.resize(samples)) return error::out_of_memory("a sound", samples * sizeof(float));
        return opened;
    }

    std::unique_ptr<state> state_;
};

/// A decoded sound of one channel.
/// @code{.cpp}
/// cvt::result<cvt::sound> call = cvt::read_sound("call.wav");
/// if (!call) return report(call.error());
/// std::printf("%zu samples at %d per second\n", call->samples.size(), call->rate);
/// @endcode
struct sound {
    detail::buffer<float> samples;
    int rate = 0;
};

/// Reads a whole sound. Errors: those of sound_file; out_of_memory.
inline result<sound> read_sound(sound_file&& file) noexcept {
    sound s;
    s.rate = file.rate();
    for (std::size_t size = 0;;) {
        const std::size_t more = size < 65536 ? 65536 : size;  // by what was read, not by what the header says
        if (!s.samples.resize(size + more)) return error::out_of_memory("a sound", (size + more) * sizeof(float));
        const result<std::size_t> got = file.read({s.samples.data() + size, more});
        if (!got) return got.error();
        size += *got;
        if (*got == more) continue;
        (void)s.samples.resize(size);
        return s;
    }
}

inline result<sound> read_sound(const char* path, const sound_limits& limits = {}) noexcept {
    result<sound_file> file = sound_file::open(path, limits);
    if (!file) return file.error();
    return read_sound(*std::move(file));
}

/// Decodes a whole sound in memory.
inline result<sound> decode_sound(std::span<const std::byte> bytes, const sound_limits& limits = {}) noexcept {
    result<sound_file> file = sound_file::from_memory(bytes, limits);
    if (!file) return file.error();
    return read_sound(*std::move(file));
}

/// Whether the first bytes of a file, of which 12 suffice, are those of a sound.
inline bool is_sound(std::span<const std::byte> head) noexcept {
    return detail::find_sound_format({reinterpret_cast<const unsigned char*>(head.data()), head.size()}) != detail::sound_format::unknown;
}

CVT_NAMESPACE_END

#if defined(CVT_SOUND_IMPLEMENTATION)
#include "sndfile_backend.hpp"
#if defined(CVT_WITH_SNDFILE)
extern "C" const cvt_sound_reader* cvt_sound_reader_in_use() noexcept { return &cvt_sndfile::reader; }
#else
extern "C" const cvt_sound_reader* cvt_sound_reader_in_use() noexcept {
    static constexpr cvt_sound_reader none{"libsndfile", nullptr, nullptr, nullptr, nullptr};
    return &none;
}
#endif
#endif
