// Asks the system and the environment about terminals.
#include "terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace app {

bool is_terminal(int stream) {
    const char* kind = std::getenv("TERM");
    return ::isatty(stream) != 0 && kind != nullptr && *kind != '\0' && std::string_view{kind} != "dumb";
}

int terminal_width(int stream) {
    winsize size{};
    return ::ioctl(stream, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

paint::paint(int stream) : colours_{is_terminal(stream)} {
    const char* refused = std::getenv("NO_COLOR");
    if (refused != nullptr && *refused != '\0') colours_ = false;
}

std::string paint::in(const char* style, const std::string& text) const {
    return colours_ && !text.empty() ? std::string{"\x1b["} + style + 'm' + text + "\x1b[0m" : text;
}

}  // namespace app
