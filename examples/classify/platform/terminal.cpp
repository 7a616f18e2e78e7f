// Asks the system and the environment about colours.
#include "platform/terminal.hpp"

#include <cstdlib>

#include "platform/platform.hpp"

namespace app {

paint::paint(int stream) : colours_{understands_escapes(stream)} {
    const char* refused = std::getenv("NO_COLOR");
    if (refused != nullptr && *refused != '\0') colours_ = false;
}

std::string paint::in(const char* style, const std::string& text) const {
    return colours_ && !text.empty() ? std::string{"\x1b["} + style + 'm' + text + "\x1b[0m" : text;
}

}  // namespace app
