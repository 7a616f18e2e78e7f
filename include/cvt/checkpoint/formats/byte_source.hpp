// byte_source: a file or a block of memory, read at any offset with every offset checked.
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <utility>

#include "../../error.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// Bytes to read from: a file that stays open, or memory of the caller's. Reads never go past the size seen at opening,
/// and a file that shrank meanwhile is an error, not a fault (nothing is mapped).
class byte_source {
public:
    byte_source() noexcept = default;
    byte_source(byte_source&& other) noexcept
        : file_{std::exchange(other.file_, nullptr)}, memory_{std::exchange(other.memory_, {})}, size_{std::exchange(other.size_, 0)} {}
    byte_source& operator=(byte_source&& other) noexcept {
        std::swap(file_, other.file_);
        std::swap(memory_, other.memory_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~byte_source() {
        if (file_ != nullptr) std::fclose(file_);
    }

    /// Opens `path`. Errors (io): cannot be opened, is a directory, is empty.
    static result<byte_source> open(const char* path) noexcept;
    /// Reads from `bytes`, which must outlive this object.
    static byte_source from_memory(std::span<const std::byte> bytes) noexcept;

    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    /// Copies bytes [offset, offset + count) to `to`. Errors: io, malformed (past the end).
    error read(std::uint64_t offset, std::size_t count, void* to) const noexcept;

private:
    std::FILE* file_ = nullptr;
    std::span<const std::byte> memory_;
    std::uint64_t size_ = 0;
};

inline result<byte_source> byte_source::open(const char* path) noexcept {
    byte_source s;
    errno = 0;
    s.file_ = std::fopen(path, "rb");
    if (s.file_ == nullptr) return error::format(errc::io, "%s: cannot open: %s", path, std::strerror(errno));
    // A directory opens on POSIX and fails at the first read only.
    if (std::fgetc(s.file_) == EOF) {
        if (std::ferror(s.file_) != 0) return error::format(errc::io, "%s: cannot read: %s", path, std::strerror(errno));
        return error::format(errc::io, "%s: the file is empty", path);
    }
#if defined(_WIN32)
    const bool sought = _fseeki64(s.file_, 0, SEEK_END) == 0;
    const long long end = sought ? _ftelli64(s.file_) : -1;
#else
    const bool sought = fseeko(s.file_, 0, SEEK_END) == 0;
    const long long end = sought ? static_cast<long long>(ftello(s.file_)) : -1;
#endif
    if (end < 1) return error::format(errc::io, "%s: cannot find its size: not a regular file", path);
    s.size_ = static_cast<std::uint64_t>(end);
    return s;
}

inline byte_source byte_source::from_memory(std::span<const std::byte> bytes) noexcept {
    byte_source s;
    s.memory_ = bytes;
    s.size_ = bytes.size();
    return s;
}

inline error byte_source::read(std::uint64_t offset, std::size_t count, void* to) const noexcept {
    if (offset > size_ || count > size_ - offset)
        return error::format(errc::malformed, "bytes %llu to %llu wanted, the file has %llu", static_cast<unsigned long long>(offset),
                             static_cast<unsigned long long>(offset) + count, static_cast<unsigned long long>(size_));
    if (count == 0) return {};
    if (file_ == nullptr) {
        std::memcpy(to, memory_.data() + offset, count);
        return {};
    }
    errno = 0;
#if defined(_WIN32)
    const bool sought = _fseeki64(file_, static_cast<long long>(offset), SEEK_SET) == 0;
#else
    const bool sought = fseeko(file_, static_cast<off_t>(offset), SEEK_SET) == 0;
#endif
    if (!sought || std::fread(to, 1, count, file_) != count) {
        if (std::ferror(file_) == 0 && sought) return error::format(errc::io, "the file became shorter while it was read");
        return error::format(errc::io, "cannot read: %s", std::strerror(errno));
    }
    return {};
}

}  // namespace checkpoint
CVT_NAMESPACE_END
