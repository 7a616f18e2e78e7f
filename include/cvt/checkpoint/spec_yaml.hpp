// Converts the YAML of Microsoft's configurations to JSON: only the lines that describe the model.
#pragma once

#include "json/json.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// Whether a text may be such a configuration: it is not JSON and contains "SPEC:".
inline bool is_spec_yaml(std::string_view text) noexcept {
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    return first != std::string_view::npos && text[first] != '{' && text[first] != '[' && text.find("SPEC:") != std::string_view::npos;
}

/// Writes {"MODEL": {"SPEC": {...}}} from the lines "KEY: value" that are indented deeper than "SPEC:". Values are copied, except that
/// True, False and single quotes become JSON's. A value may be a number, a text in quotes, True, False or a list in brackets. Any other
/// becomes {}, which the reader refuses if it uses the key. False when memory runs out.
inline bool spec_yaml_to_json(std::string_view text, detail::buffer<char>& out) noexcept {
    bool good = true, inside = false, first = true;
    std::size_t depth = 0;
    const auto put = [&](std::string_view part) noexcept { good = good && out.append(part.data(), part.size()); };
    put("{\"MODEL\": {\"SPEC\": {");
    while (!text.empty() && good) {
        const std::size_t end = text.find('\n'), size = end == std::string_view::npos ? text.size() : end;
        std::string_view line = detail::slice(text, 0, size);
        text.remove_prefix(end == std::string_view::npos ? size : size + 1);
        line = detail::slice(line, 0, line.find('#'));
        const std::size_t indent = line.find_first_not_of(' ');
        if (indent == std::string_view::npos || line[indent] == '\r') continue;
        line = detail::slice(line, indent, line.find_last_not_of(" \r\t") - indent + 1);
        if (inside && indent <= depth) inside = false;
        if (line == "SPEC:") {
            inside = true;
            depth = indent;
            continue;
        }
        const std::size_t colon = line.find(':');
        if (!inside || line.starts_with("- ") || colon == std::string_view::npos) continue;
        std::string_view given = detail::slice(line, colon + 1);
        given.remove_prefix(std::min(given.find_first_not_of(' '), given.size()));
        const bool known = given.starts_with("True") || given.starts_with("False") || given.find_first_of("['-0123456789") == 0;
        if (!known) given = "{}";
        put(first ? "\"" : ", \"");
        put(detail::slice(line, 0, colon));
        put("\": ");
        first = false;
        for (std::string_view value = given; !value.empty() && good;) {
            if (value.starts_with("True") || value.starts_with("False")) {
                put(value.starts_with("True") ? "true" : "false");
                value.remove_prefix(value.starts_with("True") ? 4 : 5);
                continue;
            }
            put(value.front() == '\'' ? std::string_view{"\""} : detail::slice(value, 0, 1));
            value.remove_prefix(1);
        }
    }
    put("}}}");
    return good;
}

}  // namespace checkpoint
CVT_NAMESPACE_END
