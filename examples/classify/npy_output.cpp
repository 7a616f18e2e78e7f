// Streams rows into a .npy file whose header always says how many there are.
#include "npy_output.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <limits>

#include "failure.hpp"

namespace app {
namespace {

constexpr std::size_t header_bytes = 128;  // room for any number of rows, so that the data stays where it is

bool write_at(int file, const void* data, std::size_t count, std::size_t offset) {
    const char* from = static_cast<const char*>(data);
    while (count > 0) {
        const ssize_t written = ::pwrite(file, from, count, static_cast<off_t>(offset));
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        from += written;
        offset += static_cast<std::size_t>(written);
        count -= static_cast<std::size_t>(written);
    }
    return true;
}

}  // namespace

npy_output::npy_output(std::string path, std::vector<std::size_t> row_shape) : path_{std::move(path)}, row_shape_{std::move(row_shape)} {
    std::size_t elements = 1;
    for (const std::size_t extent : row_shape_) elements *= extent;
    failed_row_.assign(elements, std::numeric_limits<float>::quiet_NaN());
    file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file_ >= 0 && write_header()) return;
    const failure problem{wrong_usage, path_ + " cannot be written: " + std::strerror(errno)};  // a pipe is one: the header changes
    if (file_ >= 0) ::close(file_);
    throw problem;
}

npy_output::~npy_output() { ::close(file_); }

bool npy_output::write_header() {
    std::string text = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(rows_) + ',';
    for (const std::size_t extent : row_shape_) text += ' ' + std::to_string(extent) + ',';
    text.pop_back();
    text += "), }";
    text.resize(header_bytes - 10 - 1, ' ');
    const char start[]{'\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0, static_cast<char>(header_bytes - 10), 0};
    const std::string header = std::string(start, sizeof start) + text + '\n';
    return write_at(file_, header.data(), header.size(), 0);
}

void npy_output::append(std::span<const float> row) {
    const std::size_t offset = header_bytes + rows_ * row.size_bytes();
    ++rows_;  // the data first: a header never promises more than there is
    if (!write_at(file_, row.data(), row.size_bytes(), offset) || !write_header())
        throw failure{some_failed, path_ + " cannot be written: " + std::strerror(errno)};
}

void npy_output::append_failed() { append(failed_row_); }

}  // namespace app
