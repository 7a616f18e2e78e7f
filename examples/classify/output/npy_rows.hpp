// npy_rows: an array of float32 rows written as they come; the file is complete after every row.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "common/failure.hpp"
#include "platform/platform.hpp"

namespace app {

class npy_rows {
public:
    /// Opens `path`; a file stays as it is. Throws failure (wrong_usage) when it cannot be written, or somebody else writes to it.
    npy_rows(std::string path, std::vector<std::size_t> row_shape);
    /// Makes it an array of no rows, before the work begins. Throws failure (wrong_usage).
    void begin();

    /// Throws failure (some_failed), for example when the disk is full.
    void append(std::span<const float> row);
    /// A row of NaN: the input failed.
    void append_failed();

private:
    bool write_header();
    [[noreturn]] void fail(exit_code code) const;  // of a write, by errno

    std::string path_;
    std::vector<std::size_t> row_shape_;
    std::vector<float> failed_row_;
    std::size_t rows_ = 0;
    file file_;
};

}  // namespace app
