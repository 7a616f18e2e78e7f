// npy_rows: writes an array of float32 row by row; the file is valid after each row.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "common/failure.hpp"
#include "platform/platform.hpp"

namespace app {

class npy_rows {
public:
    /// Opens and locks `path`, but does not change a file yet. Throws failure (wrong_usage) if it cannot be written, or another process
    /// is writing to it.
    npy_rows(std::string path, std::vector<std::size_t> row_shape);
    /// Makes it an array without rows. Throws failure (wrong_usage).
    void begin();

    /// Throws failure (some_failed), for example if the disk is full.
    void append(std::span<const float> row);
    /// Appends a row of NaN for an input that failed.
    void append_failed();

private:
    bool write_header();
    [[noreturn]] void fail(exit_code code) const;  // reports errno

    std::string path_;
    std::vector<std::size_t> row_shape_;
    std::vector<float> failed_row_;
    std::size_t rows_ = 0;
    file file_;
};

}  // namespace app
