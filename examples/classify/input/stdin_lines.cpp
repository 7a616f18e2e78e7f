// stdin_lines.hpp: bypasses stdio, whose reads wait for more bytes than are available.
#include "input/stdin_lines.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "common/failure.hpp"

namespace app {

// Reads more of the input into waiting_. Returns false at the end and after an interrupt.
bool line_reader::fill() {
    char block[16384];
    const std::ptrdiff_t got = read_input(block, sizeof block, control_);
    if (got < 0 && errno != EINTR) throw failure{some_failed, std::string{"standard input cannot be read: "} + std::strerror(errno)};
    std::string_view more{block, got > 0 ? static_cast<std::size_t>(got) : 0};
    if (waiting_.size() > longest) more.remove_prefix(std::min(more.find('\n'), more.size()));  // the rest of a line that is cut
    waiting_.append(more);
    ended_ = got == 0;
    return got > 0;
}

// Drops what editors on Windows add.
line line_reader::take(std::size_t size) {
    line taken{waiting_.substr(0, std::min(size, longest)), size > longest};
    waiting_.erase(0, size + 1);
    scanned_ = 0;
    if (taken.text.ends_with('\r')) taken.text.pop_back();
    if (!std::exchange(begun_, true) && taken.text.starts_with("\xEF\xBB\xBF")) taken.text.erase(0, 3);
    return taken;
}

std::optional<line> line_reader::next() {
    for (;;) {
        const std::size_t end = waiting_.find('\n', scanned_);
        if (end != std::string::npos) return take(end);
        scanned_ = waiting_.size();
        if (!ended_ && fill()) continue;
        if (!ended_ || waiting_.empty()) return std::nullopt;
        return take(waiting_.size());  // the last line may lack its newline
    }
}

}  // namespace app
