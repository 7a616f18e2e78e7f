// Reads standard input past stdio, whose buffer does not say what it holds.
#include "lines.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "failure.hpp"
#include "system.hpp"

namespace app {

// False at the end and at an interrupt.
bool line_reader::fill() {
    char block[16384];
    const std::ptrdiff_t got = read_input(block, sizeof block);
    if (got < 0 && errno != EINTR) throw failure{some_failed, std::string{"standard input cannot be read: "} + std::strerror(errno)};
    std::string_view more{block, got > 0 ? static_cast<std::size_t>(got) : 0};
    if (waiting_.size() > longest)
        more.remove_prefix(std::min(more.find('\n'), more.size()));  // the rest of a line that is too long anyway
    waiting_.append(more);
    ended_ = got == 0;
    return got > 0;
}

// What editors on Windows add is no part of a name.
std::string line_reader::without_marks(std::string line) {
    if (line.ends_with('\r')) line.pop_back();
    if (!std::exchange(begun_, true) && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
    return line;
}

std::optional<std::string> line_reader::next() {
    for (;;) {
        const std::size_t end = waiting_.find('\n', scanned_);
        if (end != std::string::npos) {
            std::string line = waiting_.substr(0, end);
            waiting_.erase(0, end + 1);
            scanned_ = 0;
            return without_marks(std::move(line));
        }
        scanned_ = waiting_.size();
        if (!ended_ && fill()) continue;
        if (!ended_ || waiting_.empty()) return std::nullopt;
        scanned_ = 0;
        return without_marks(std::exchange(waiting_, {}));  // the last line may lack its newline
    }
}

bool line_reader::ready() {
    while (!ended_ && waiting_.find('\n', scanned_) == std::string::npos) {
        if (!input_waits()) return false;
        scanned_ = waiting_.size();
        if (!fill()) return ended_;
    }
    return true;
}

}  // namespace app
