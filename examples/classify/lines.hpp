// Lines of standard input, read as they come, and whether there is one without waiting for it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace app {

class line_reader {
public:
    static constexpr std::size_t longest = std::size_t{1} << 20;

    /// Without its LF or CR LF, nor the mark U+FEFF that a text may begin with. Of a line longer than `longest`, its beginning, which is
    /// longer than that, too. Null at the end, and at an interrupt. Throws failure when standard input cannot be read.
    std::optional<std::string> next();
    /// Whether next() would answer at once. False while the writer of a pipe takes its time.
    [[nodiscard]] bool ready();

private:
    bool fill();  // while there is no newline in waiting_
    std::string without_marks(std::string line);

    std::string waiting_;
    std::size_t scanned_ = 0;  // of waiting_, without a newline
    bool begun_ = false, ended_ = false;
};

}  // namespace app
