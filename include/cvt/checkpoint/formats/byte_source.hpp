// byte_source: a file or a block of memory, with bounds-checked reads at any offset.
#pragma once

#include <cerrno>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>

#include "../../error.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// Reads from a file that stays open, or from the caller's memory. Reads never go past the size found at opening. A file
/// that shrinks meanwhile causes an error, not a fault, because it is not memory-mapped.
class byte_source {
public:
    /// Opens `path`. Errors (io): cannot be opened, is a folder, is empty.
    static result<byte_source> open(const char* path) noexcept {
        byte_source s;
        errno = 0;
        std::FILE* const file = open_file(path);
        if (file == nullptr) return error::format(errc::io, "%s: cannot open: %s", path, std::strerror(errno));
        s.file_.reset(file);
        // On POSIX a folder opens, and only the first read fails.
        if (std::fgetc(file) == EOF) {
            if (std::ferror(file) != 0) return error::format(errc::io, "%s: cannot read: %s", path, std::strerror(errno));
            return error::format(errc::io, "%s: the file is empty", path);
        }
        const long long end = seek(file, 0, SEEK_END) ? tell(file) : -1;
        if (end < 1) return error::format(errc::io, "%s: cannot determine the size: not a regular file", path);
        s.size_ = static_cast<std::uint64_t>(end);
        return s;
    }
    /// Returns a source that reads from `bytes`, which must outlive it.
    static byte_source from_memory(std::span<const std::byte> bytes) noexcept {
        byte_source s;
        s.memory_ = bytes.data();
        s.size_ = bytes.size();
        return s;
    }

    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    /// Copies bytes [offset, offset + count) to `to`. Errors: io, malformed (past the end).
    error read(std::uint64_t offset, std::size_t count, void* to) const noexcept {
        if (offset > size_ || count > size_ - offset)
            return error::format(errc::malformed, "expected bytes %llu to %llu, the file has %llu", static_cast<unsigned long long>(offset),
                                 static_cast<unsigned long long>(offset + count), static_cast<unsigned long long>(size_));
        if (count == 0) return {};
        if (!file_) {
            std::memcpy(to, memory_ + static_cast<std::size_t>(offset), count);
            return {};
        }
        errno = 0;
        const bool sought = seek(file_.get(), static_cast<long long>(offset), SEEK_SET);
        if (sought && std::fread(to, 1, count, file_.get()) == count) return {};
        if (sought && std::ferror(file_.get()) == 0) return error::format(errc::io, "the file shrank while it was being read");
        return error::format(errc::io, "cannot read: %s", std::strerror(errno));
    }

private:
    // Offsets have 64 bits everywhere. glibc's own do not on 32-bit machines, unless the host's unit asks for them.
#if defined(_WIN32)
    static std::FILE* open_file(const char* path) noexcept { return std::fopen(path, "rb"); }
    static bool seek(std::FILE* file, long long offset, int from) noexcept { return _fseeki64(file, offset, from) == 0; }
    static long long tell(std::FILE* file) noexcept { return _ftelli64(file); }
#elif defined(__GLIBC__) && defined(__USE_LARGEFILE64) && !defined(CVT_PORTABLE_ONLY)
    static std::FILE* open_file(const char* path) noexcept { return ::fopen64(path, "rb"); }
    static bool seek(std::FILE* file, long long offset, int from) noexcept { return ::fseeko64(file, offset, from) == 0; }
    static long long tell(std::FILE* file) noexcept { return ::ftello64(file); }
#else
    static std::FILE* open_file(const char* path) noexcept { return std::fopen(path, "rb"); }
    static bool seek(std::FILE* file, long long offset, int from) noexcept {
        using off_type = decltype(ftello(file));
        return offset <= std::numeric_limits<off_type>::max() && fseeko(file, static_cast<off_type>(offset), from) == 0;
    }
    static long long tell(std::FILE* file) noexcept { return ftello(file); }
#endif
    struct close_file {
        void operator()(std::FILE* file) const noexcept { std::fclose(file); }
    };
    std::unique_ptr<std::FILE, close_file> file_;
    const std::byte* memory_ = nullptr;
    std::uint64_t size_ = 0;
};

}  // namespace checkpoint
CVT_NAMESPACE_END
