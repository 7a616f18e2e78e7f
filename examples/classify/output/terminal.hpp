// paint: colours and bold text on terminals.
#pragma once

#include <string>

namespace app {

/// Paints text for one stream. Leaves it unchanged if the stream is not a terminal, or if NO_COLOR is set (https://no-color.org).
class paint {
public:
    explicit paint(int stream);
    [[nodiscard]] std::string bold(const std::string& text) const { return in("1", text); }
    [[nodiscard]] std::string faint(const std::string& text) const { return in("2", text); }
    [[nodiscard]] std::string good(const std::string& text) const { return in("32", text); }
    [[nodiscard]] std::string bad(const std::string& text) const { return in("31", text); }

private:
    [[nodiscard]] std::string in(const char* style, const std::string& text) const;
    bool colours_;
};

}  // namespace app
