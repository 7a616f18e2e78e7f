// line_reader: lines of standard input, as they come.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "platform/platform.hpp"

namespace app {

struct line {
    std::string text;
    bool cut;  ///< the line is longer than line_reader::longest, and `text` is its beginning
};

class line_reader {
public:
    static constexpr std::size_t longest = std::size_t{1} << 20;

    explicit line_reader(read_control& control) : control_{control} {}
    /// The next line without its LF or CR LF and without a byte order mark at the beginning of the text. Null at the end, and after an
    /// interrupt or a cancellation. Throws failure if standard input cannot be read.
    std::optional<line> next();

private:
    bool fill();
    line take(std::size_t size);

    read_control& control_;
    std::string waiting_;
    std::size_t scanned_ = 0;  // bytes of waiting_ without a newline
    bool begun_ = false, ended_ = false;
};

}  // namespace app
