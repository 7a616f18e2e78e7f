// Reads small text files, such as lists of labels, as lines.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace app {

struct text_line {
    std::size_t number;  ///< from 1
    std::string text;
};

/// Returns all lines, also empty ones, without white space at their ends (CR included) and without a byte order mark. Throws failure
/// (wrong_usage) if the file cannot be read or is not text; `option` begins the message.
std::vector<text_line> read_lines(const std::string& option, const std::string& file);

}  // namespace app
