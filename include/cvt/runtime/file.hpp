// Opens files for reading and moves in them by 64-bit positions, on every system.
#pragma once

#include <cstdio>
#include <limits>

#include "unique_handle.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

struct close_file {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};
using unique_file = unique_handle<std::FILE, close_file>;

// glibc's own positions have 32 bits on 32-bit machines, unless the host's unit asks for more; Windows' `long` has 32 everywhere.
#if defined(_WIN32)
inline unique_file open_file(const char* path) noexcept { return unique_file{std::fopen(path, "rb")}; }
inline bool seek_file(std::FILE* file, long long offset, int from) noexcept { return ::_fseeki64(file, offset, from) == 0; }
inline long long tell_file(std::FILE* file) noexcept { return ::_ftelli64(file); }
#elif defined(__GLIBC__) && defined(__USE_LARGEFILE64) && !defined(CVT_PORTABLE_ONLY)
inline unique_file open_file(const char* path) noexcept { return unique_file{::fopen64(path, "rb")}; }
inline bool seek_file(std::FILE* file, long long offset, int from) noexcept { return ::fseeko64(file, offset, from) == 0; }
inline long long tell_file(std::FILE* file) noexcept { return ::ftello64(file); }
#else
inline unique_file open_file(const char* path) noexcept { return unique_file{std::fopen(path, "rb")}; }
inline bool seek_file(std::FILE* file, long long offset, int from) noexcept {
    using off_type = decltype(::ftello(file));
    return offset <= std::numeric_limits<off_type>::max() && ::fseeko(file, static_cast<off_type>(offset), from) == 0;
}
inline long long tell_file(std::FILE* file) noexcept { return ::ftello(file); }
#endif

/// Moves to the end of a file. Returns its size; -1 for a pipe and other files without one.
inline long long size_of_file(std::FILE* file) noexcept { return seek_file(file, 0, SEEK_END) ? tell_file(file) : -1; }

}  // namespace detail
CVT_NAMESPACE_END
