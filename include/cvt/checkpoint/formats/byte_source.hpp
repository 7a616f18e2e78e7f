// byte_source: a file or a block of memory, with bounds-checked reads at any offset.
#pragma once

#include <cerrno>
#include <cstdint>
#include <span>

#include "../../error.hpp"
#include "../../runtime/file.hpp"

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
        s.file_ = detail::open_file(path);
        std::FILE* const file = s.file_.get();
        if (file == nullptr) return error::format(errc::io, "%s: cannot open: %s", path, std::strerror(errno));
        // On POSIX a folder opens, and only the first read fails.
        if (std::fgetc(file) == EOF) {
            if (std::ferror(file) != 0) return error::format(errc::io, "%s: cannot read: %s", path, std::strerror(errno));
            return error::format(errc::io, "%s: the file is empty", path);
        }
        const long long end = detail::size_of_file(file);
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
        const bool sought = detail::seek_file(file_.get(), static_cast<long long>(offset), SEEK_SET);
        if (sought && std::fread(to, 1, count, file_.get()) == count) return {};
        if (sought && std::ferror(file_.get()) == 0) return error::format(errc::io, "the file shrank while it was being read");
        return error::format(errc::io, "cannot read: %s", std::strerror(errno));
    }

private:
    detail::unique_file file_;
    const std::byte* memory_ = nullptr;
    std::uint64_t size_ = 0;
};

}  // namespace checkpoint
CVT_NAMESPACE_END
