// terminal.hpp: decides by the terminal and NO_COLOR.
#include "output/terminal.hpp"

#include <cstdlib>

#include "platform/platform.hpp"

namespace app {

paint::paint(int stream) : colours_{understands_escapes(stream)} {
    const char* no_color = std::getenv("NO_COLOR");
    if (no_color != nullptr && *no_color != '\0') colours_ = false;
}

std::string paint::in(const char* style, const std::string& text) const {
    return colours_ && !text.empty() ? std::string{"\x1b["} + style + 'm' + text + "\x1b[0m" : text;
}

}  // namespace app
