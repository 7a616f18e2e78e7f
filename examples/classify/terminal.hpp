// What a stream can show: colours on terminals that want them, the width of a line.
#pragma once

#include <string>

namespace app {

/// Whether the stream (STDOUT_FILENO, STDERR_FILENO) is a terminal that understands escape sequences.
bool is_terminal(int stream);

/// Characters in a line of the terminal; 80 where that is unknown.
int terminal_width(int stream);

/// Paints text for one stream. The text stays as it is where the stream is no terminal, and where NO_COLOR is set
/// (https://no-color.org).
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
