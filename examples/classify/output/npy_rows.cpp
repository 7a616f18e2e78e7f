// npy_rows.hpp: appends each row, then updates the number of rows in the header.
#include "output/npy_rows.hpp"

#include <cerrno>
#include <cstring>
#include <cvt/extra/npy.hpp>
#include <limits>

#include "output/output_lock.hpp"
#include "platform/platform.hpp"

namespace app {
namespace {

constexpr std::size_t header_bytes = 128;  // fits any number of rows, so that the data never move

}  // namespace

npy_rows::npy_rows(std::string path, std::vector<std::size_t> row_shape) : path_{std::move(path)}, row_shape_{std::move(row_shape)} {
    std::size_t elements = 1;
    for (const std::size_t extent : row_shape_) elements *= extent;
    failed_row_.assign(elements, std::numeric_limits<float>::quiet_NaN());
    file_ = file{path_, file::mode::write};
    if (!file_) {
        end_if_interrupted();  // opening a pipe waits for its reader
        fail(wrong_usage);
    }
    lock_output(file_, path_);
    if (!file_.size()) begin();  // fails for a pipe, whose header cannot be updated; files stay unchanged until begin()
}

void npy_rows::begin() {
    if ((file_.size() && !file_.truncate(0)) || !write_header()) fail(wrong_usage);
}

void npy_rows::fail(exit_code code) const { throw failure{code, path_ + " cannot be written: " + std::strerror(errno)}; }

bool npy_rows::write_header() {
    std::vector<std::size_t> shape{rows_};
    shape.insert(shape.end(), row_shape_.begin(), row_shape_.end());
    const cvt::npy_start header = cvt::npy_header(shape, header_bytes);
    return file_.write_at(0, header.bytes.data(), header.size);
}

void npy_rows::append(std::span<const float> row) {
    const std::size_t offset = header_bytes + rows_ * row.size_bytes();
    ++rows_;  // the data first, so that the header never counts a row that is not there
    if (!file_.write_at(offset, row.data(), row.size_bytes()) || !write_header()) fail(some_failed);
}

void npy_rows::append_failed() { append(failed_row_); }

}  // namespace app
