// text.hpp: escapes text (JSON with the library's function) and reads numbers.
#include "common/text.hpp"

#include <algorithm>
#include <charconv>
#include <cstdarg>
#include <cstdio>
#include <cvt/extra/json.hpp>

namespace app {
namespace {

std::string hex(const char* pattern, unsigned char byte) {
    char text[8];
    std::snprintf(text, sizeof text, pattern, byte);
    return text;
}

}  // namespace

std::string json_string(std::string_view bytes) {
    std::string out = "\"";
    cvt::escape_json(bytes, [&out](std::string_view part) { out += part; });
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

std::string padded(std::string_view utf8, std::size_t width) {
    const auto columns = static_cast<std::size_t>(
        std::count_if(utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
    return std::string{utf8} + std::string(width - std::min(width, columns), ' ');
}

std::string text(const char* pattern, ...) {
    char line[1024];
    std::va_list arguments;
    va_start(arguments, pattern);
    std::vsnprintf(line, sizeof line, pattern, arguments);
    va_end(arguments);
    return line;
}

std::string with_commas(std::int64_t value) {
    const std::string digits = std::to_string(value);
    std::string out;
    for (std::size_t i = 0; i < digits.size(); ++i) {
        if (i > 0 && (digits.size() - i) % 3 == 0) out += ',';
        out += digits[i];
    }
    return out;
}

std::optional<std::uint64_t> whole_number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional{value} : std::nullopt;
}

}  // namespace app
