// Small text files that people and scripts write: lists of labels, read whole.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace app {

struct text_line {
    std::size_t number;  ///< from 1
    std::string text;
};

/// All lines, empty ones too, without the blanks at their ends (so without CR) and the mark U+FEFF that a text may begin with. Throws
/// failure (wrong_usage), which begins with the name of the option, when the file cannot be read or is no text.
std::vector<text_line> read_lines(const std::string& option, const std::string& file);

}  // namespace app
