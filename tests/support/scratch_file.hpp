// scratch_file: a file with a path, whose contents a program replaces many times; in memory where the system has such files.
#pragma once

#include <stdlib.h>
#include <unistd.h>

#if defined(__linux__) && !defined(CVT_PORTABLE_ONLY)
#include <sys/mman.h>
#endif

#include <filesystem>
#include <string>

namespace cvt_test {

class scratch_file {
public:
    scratch_file() {
#if defined(__linux__) && !defined(CVT_PORTABLE_ONLY)
        file_ = ::memfd_create("scratch", 0);
        path_ = "/proc/self/fd/" + std::to_string(file_);
#else
        path_ = (std::filesystem::temp_directory_path() / "cvt-test-XXXXXX").string();
        file_ = ::mkstemp(path_.data());
#endif
    }
    ~scratch_file() {
        ::close(file_);
        ::unlink(path_.c_str());  // a file in memory has no name to remove
    }
    scratch_file(const scratch_file&) = delete;
    scratch_file& operator=(const scratch_file&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }
    /// Replaces the contents; false if that fails.
    [[nodiscard]] bool write(const void* data, std::size_t size) const {
        return ::ftruncate(file_, 0) == 0 && ::pwrite(file_, data, size, 0) == static_cast<::ssize_t>(size);
    }

private:
    int file_;
    std::string path_;
};

}  // namespace cvt_test
