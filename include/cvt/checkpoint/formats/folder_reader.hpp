// folder_reader: the names of the entries of a folder.
#pragma once

#include <dirent.h>

#include <cerrno>

#include "../../runtime/unique_handle.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// Reads the names in a folder, "." and ".." among them, in the order of the file system.
class folder_reader {
public:
    explicit folder_reader(const char* path) noexcept : folder_{::opendir(path)}, error_{folder_ ? 0 : errno} {}

    /// The next name, which is valid until the next call. Null after the last one and after an error.
    const char* next() noexcept {
        if (!folder_) return nullptr;
        errno = 0;
        const auto* const entry = read(folder_.get());
        if (entry == nullptr) error_ = errno;
        return entry == nullptr ? nullptr : entry->d_name;
    }

    /// The errno of the error that ended reading; 0 if all names were read.
    [[nodiscard]] int error_number() const noexcept { return error_; }

private:
    // On 32-bit machines glibc's own readdir() fails at entries whose numbers have 64 bits, unless the host's unit asks for them.
#if defined(__GLIBC__) && defined(__USE_LARGEFILE64) && !defined(CVT_PORTABLE_ONLY)
    static const dirent64* read(DIR* folder) noexcept { return ::readdir64(folder); }
#else
    static const dirent* read(DIR* folder) noexcept { return ::readdir(folder); }
#endif
    struct close_folder {
        void operator()(DIR* folder) const noexcept { ::closedir(folder); }
    };
    detail::unique_handle<DIR, close_folder> folder_;
    int error_;
};

}  // namespace checkpoint
CVT_NAMESPACE_END
