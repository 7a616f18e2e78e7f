// Lines of standard input, read as they come.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "system.hpp"

namespace app {

struct line {
    std::string text;
    bool cut;  ///< longer than line_reader::longest: this is its beginning
};

class line_reader {
public:
    static constexpr std::size_t longest = std::size_t{1} << 20;

    explicit line_reader(pastime meanwhile) : meanwhile_{std::move(meanwhile)} {}
    /// Without its LF or CR LF, nor the mark U+FEFF that a text may begin with. Null at the end, at an interrupt and when the waiting is
    /// over. Throws failure when standard input cannot be read.
    std::optional<line> next();

private:
    bool fill();  // while there is no newline in waiting_
    line take(std::size_t size);

    pastime meanwhile_;
    std::string waiting_;
    std::size_t scanned_ = 0;  // of waiting_, without a newline
    bool begun_ = false, ended_ = false;
};

}  // namespace app
