// Escaping for the three output formats.
#include "escape.hpp"

#include <cstdio>

namespace app {
namespace {

std::string hex(const char* pattern, unsigned char byte) {
    char text[8];
    std::snprintf(text, sizeof text, pattern, byte);
    return text;
}

// Bytes of the well-formed UTF-8 sequence that `text` begins with (Unicode, table 3-7), 0 when it begins with none.
std::size_t sequence_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
    const auto continues = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
    const unsigned first = byte(0), second = byte(1);
    if (first < 0x80) return 1;
    if (first >= 0xC2 && first <= 0xDF) return continues(1) ? 2 : 0;
    if (first >= 0xE0 && first <= 0xEF) {
        const bool overlong = first == 0xE0 && second < 0xA0, surrogate = first == 0xED && second > 0x9F;
        return continues(1) && continues(2) && !overlong && !surrogate ? 3 : 0;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        const bool overlong = first == 0xF0 && second < 0x90, beyond = first == 0xF4 && second > 0x8F;
        return continues(1) && continues(2) && continues(3) && !overlong && !beyond ? 4 : 0;
    }
    return 0;
}

}  // namespace

std::string json_string(std::string_view bytes) {
    std::string out = "\"";
    while (!bytes.empty()) {
        const std::size_t length = sequence_length(bytes);
        const auto first = static_cast<unsigned char>(bytes.front());
        if (length == 0)
            out += "\xEF\xBF\xBD";
        else if (first == '"' || first == '\\')
            out.append("\\").push_back(bytes.front());
        else if (first < 0x20 || first == 0x7F)
            out += hex("\\u%04x", first);
        else
            out += bytes.substr(0, length);
        bytes.remove_prefix(length == 0 ? 1 : length);
    }
    return out += '"';
}

std::string csv_field(std::string_view bytes) {
    if (bytes.find_first_of("\",\r\n") == std::string_view::npos) return std::string{bytes};
    std::string out = "\"";
    for (const char c : bytes) out.append(c == '"' ? 2 : 1, c);
    return out += '"';
}

std::string terminal_text(std::string_view bytes) {
    std::string out;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const auto byte = static_cast<unsigned char>(bytes[i]), next = static_cast<unsigned char>(i + 1 < bytes.size() ? bytes[i + 1] : 0);
        if (byte == 0xC2 && next >= 0x80 && next < 0xA0) {  // U+0080 to U+009F, control characters too
            out += hex("\\x%02x", byte) + hex("\\x%02x", next);
            ++i;
        } else if (byte < 0x20 || byte == 0x7F) {
            out += hex("\\x%02x", byte);
        } else {
            out += bytes[i];
        }
    }
    return out;
}

}  // namespace app
