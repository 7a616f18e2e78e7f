// output_file: a file that appears under its name only when complete. output_folder: the new folder for it.
#pragma once

#include <sys/stat.h>

#include <cerrno>
#include <string_view>

#include "../../runtime/file.hpp"
#include "../../text.hpp"
#include "folder_reader.hpp"

#if defined(_WIN32)
#include <direct.h>
#include <fcntl.h>
#include <io.h>
#else
#include <unistd.h>
#endif

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// Writes a file as NAME.part and renames it to NAME in commit(). The destructor removes a file that was not committed.
class output_file {
public:
    ~output_file() {
        if (!file_) return;
        file_.reset();
        std::remove(part_);
    }

    /// Creates NAME.part. Errors (io): the path is too long, NAME.part exists, the folder is not writable.
    error create(const char* folder, std::string_view name) noexcept {
        const int length = std::snprintf(part_, sizeof part_, "%s/%.*s.part", folder, static_cast<int>(name.size()), name.data());
        if (length < 0 || length >= static_cast<int>(sizeof part_))
            return error::format(errc::io, "%.300s...: the path is too long", folder);
        std::memcpy(path_, part_, static_cast<std::size_t>(length) - 5);
        path_[length - 5] = '\0';
        errno = 0;
        file_.reset(open_new(part_));
        return file_ ? error{} : failed("create");
    }

    error write(const void* bytes, std::size_t count) noexcept {
        errno = 0;
        return count != 0 && std::fwrite(bytes, 1, count, file_.get()) != count ? failed("write") : error{};
    }

    /// Writes `count` zeros, which write_at() replaces. `at` becomes their place.
    error reserve(std::size_t count, std::fpos_t& at) noexcept {
        errno = 0;
        if (std::fgetpos(file_.get(), &at) != 0) return failed("write");
        constexpr char zeros[4096]{};
        for (std::size_t part = 0; count != 0; count -= part) {
            part = count < sizeof zeros ? count : sizeof zeros;
            if (error e = write(zeros, part)) return e;
        }
        return {};
    }

    /// Replaces reserved bytes. The only call that may follow is commit().
    error write_at(const std::fpos_t& at, const void* bytes, std::size_t count) noexcept {
        errno = 0;
        return std::fsetpos(file_.get(), &at) != 0 ? failed("write") : write(bytes, count);
    }

    /// Flushes all bytes to the disk, then renames the file.
    error commit() noexcept {
        errno = 0;
        if (std::fflush(file_.get()) != 0 || !sync(file_.get())) return failed("write");
        const bool closed = std::fclose(file_.release()) == 0;
        if (closed && std::rename(part_, path_) == 0) return {};
        const error e = failed(closed ? "rename" : "write");
        std::remove(part_);
        return e;
    }

private:
#if defined(_WIN32)
    // Windows' older C library does not support the mode "x" of C11.
    static std::FILE* open_new(const char* path) noexcept {
        const int descriptor = ::_open(path, _O_WRONLY | _O_CREAT | _O_EXCL | _O_BINARY, _S_IREAD | _S_IWRITE);
        return descriptor < 0 ? nullptr : ::_fdopen(descriptor, "wb");
    }
    static bool sync(std::FILE* file) noexcept { return ::_commit(::_fileno(file)) == 0; }
#else
    static std::FILE* open_new(const char* path) noexcept { return std::fopen(path, "wbx"); }
    static bool sync(std::FILE* file) noexcept {
        return ::fsync(::fileno(file)) == 0 || errno == EINVAL;  // EINVAL: a file system without fsync
    }
#endif
    error failed(const char* what) const noexcept {
        return error::format(errc::io, "%s: cannot %s: %s", part_, what, errno == 0 ? "unknown reason" : std::strerror(errno));
    }

    detail::unique_file file_;
    char part_[4096]{}, path_[4096]{};  // its temporary and its final name
};

/// A new or empty folder. The destructor removes the folder if this object created it and it is still empty.
class output_folder {
public:
    output_folder() noexcept = default;
    output_folder(const output_folder&) = delete;
    output_folder& operator=(const output_folder&) = delete;
    ~output_folder() {
        if (made_) remove(path_);
    }

    /// Creates the folder, or accepts an empty one. `path` must stay valid. Errors: io (cannot be created or listed); invalid_argument (an
    /// empty path, a file, a folder that is not empty).
    error create(const char* path) noexcept {
        if (path == nullptr || *path == '\0') return error::format(errc::invalid_argument, "the path of the new folder is empty");
        path_ = path;
        errno = 0;
        made_ = make(path);
        if (made_) return {};
        if (errno != EEXIST) return error::format(errc::io, "%s: cannot make the folder: %s", path, std::strerror(errno));
        return check_empty(path);
    }

    [[nodiscard]] const char* path() const noexcept { return path_; }

private:
#if defined(_WIN32)
    static bool make(const char* path) noexcept { return ::_mkdir(path) == 0; }
    static void remove(const char* path) noexcept { ::_rmdir(path); }
#else
    static bool make(const char* path) noexcept { return ::mkdir(path, 0777) == 0; }
    static void remove(const char* path) noexcept { ::rmdir(path); }
#endif
    static error check_empty(const char* path) noexcept {
        folder_reader folder(path);
        bool empty = true;
        while (const char* const name = folder.next()) empty = empty && (detail::same_text(name, ".") || detail::same_text(name, ".."));
        if (folder.error_number() != 0 && folder.error_number() != ENOTDIR)
            return error::format(errc::io, "%s: cannot list the folder: %s", path, std::strerror(folder.error_number()));
        if (empty && folder.error_number() == 0) return {};
        return error::format(errc::invalid_argument, "%s: expected a new or empty folder, found %s", path,
                             empty ? "something else" : "files in it");
    }

    const char* path_ = nullptr;
    bool made_ = false;
};

}  // namespace checkpoint
CVT_NAMESPACE_END
