// file_path: the path of a file in a folder; and what is at a path.
#pragma once

#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "../../version.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

enum class path_kind : std::uint8_t { missing, file, folder };

inline path_kind kind_of(const char* path) noexcept {
#if defined(_WIN32)
    // On Windows stat fails for a folder name that ends in a separator, unless it is a drive.
    std::size_t size = std::strlen(path);
    while (size > 1 && (path[size - 1] == '/' || path[size - 1] == '\\') && path[size - 2] != ':') --size;
    char name[4096];
    if (size >= sizeof name) return path_kind::missing;
    std::memcpy(name, path, size);
    name[size] = '\0';
    struct _stat64 status;
    if (_stat64(name, &status) != 0) return path_kind::missing;
    return (status.st_mode & _S_IFDIR) != 0 ? path_kind::folder : path_kind::file;
#else
#if defined(__GLIBC__) && defined(__USE_LARGEFILE64) && !defined(CVT_PORTABLE_ONLY)  // as in runtime/file.hpp
    struct stat64 status;
    const int failed = ::stat64(path, &status);
#else
    struct stat status;
    const int failed = ::stat(path, &status);
#endif
    if (failed != 0) return errno == EOVERFLOW ? path_kind::file : path_kind::missing;  // its size has more than 32 bits
    return S_ISDIR(status.st_mode) ? path_kind::folder : path_kind::file;
#endif
}

#if defined(_WIN32)
inline constexpr char path_separators[] = "/\\:";  ///< between folders, and after a drive
#else
inline constexpr char path_separators[] = "/";
#endif

/// The path "folder/name" with its own buffer.
class file_path {
public:
    file_path(const char* folder, std::string_view name) noexcept {
        const int length = std::snprintf(text_, sizeof text_, "%s/%.*s", folder, static_cast<int>(name.size()), name.data());
        fits_ = length > 0 && length < static_cast<int>(sizeof text_);
    }
    [[nodiscard]] const char* c_str() const noexcept { return text_; }
    [[nodiscard]] bool exists() const noexcept { return fits_ && kind_of(text_) == path_kind::file; }

private:
    char text_[4096];
    bool fits_;
};

}  // namespace checkpoint
CVT_NAMESPACE_END
