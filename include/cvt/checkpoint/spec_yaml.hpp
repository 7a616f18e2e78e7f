// Converts the YAML of Microsoft's configurations to JSON: only the lines that describe the model. Recognises other YAML.
#pragma once

#include "formats/seen_keys.hpp"
#include "json/json.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// Whether a text may be such a configuration: it is not JSON and contains "SPEC:".
inline bool is_spec_yaml(std::string_view text) noexcept {
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    return first != std::string_view::npos && text[first] != '{' && text[first] != '[' && text.find("SPEC:") != std::string_view::npos;
}

/// Removes the first line from `text`, and returns it without its comment and the spaces at its end.
inline std::string_view take_yaml_line(std::string_view& text) noexcept {
    const std::size_t end = text.find('\n'), size = end == std::string_view::npos ? text.size() : end;
    std::string_view line = detail::slice(text, 0, size);
    text.remove_prefix(end == std::string_view::npos ? size : size + 1);
    line = detail::slice(line, 0, line.find('#'));
    return detail::slice(line, 0, line.find_last_not_of(" \t\r") + 1);
}

/// The keys at the left edge of a text of which the first line is a key, "---" or an element of a list; none if it is not YAML.
inline seen_keys yaml_keys(std::string_view text) noexcept {
    seen_keys keys;
    bool begun = false;
    while (!text.empty()) {
        const std::string_view line = take_yaml_line(text);
        if (line.empty()) continue;
        const std::size_t colon = line.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-");
        const bool key =
            colon != 0 && colon != std::string_view::npos && line[colon] == ':' && (colon + 1 == line.size() || line[colon + 1] == ' ');
        if (key) keys.add(detail::slice(line, 0, colon));
        if (!begun && !key && !line.starts_with("- ") && !detail::same_text(line, "---")) return {};
        begun = true;
    }
    return keys;
}

/// Writes a value of YAML as JSON: a number, a text in quotes, True, False, or a list of these in brackets. Any other value becomes a
/// text, which the reader refuses if it uses the key. False when memory runs out.
inline bool yaml_value_to_json(std::string_view given, detail::buffer<char>& out) noexcept {
    const std::size_t begin = out.size();
    bool good = true;
    const auto put = [&](std::string_view part) noexcept { good = good && out.append(part.data(), part.size()); };
    for (std::string_view rest = given; !rest.empty() && good;) {
        const bool yes = rest.starts_with("True"), no = rest.starts_with("False");
        put(yes ? "true" : no ? "false" : rest.front() == '\'' ? "\"" : detail::slice(rest, 0, 1));
        rest.remove_prefix(yes ? 4 : no ? 5 : 1);
    }
    const result<json> value = json::parse(std::string_view{out.data() + begin, out.size() - begin});
    if (value && !value->root().is(json_kind::object)) return good;
    if (!value && value.error().code() == errc::out_of_memory) return false;
    good = good && out.resize(begin);
    put("\"");
    detail::escape_json(given, "?", put);
    put("\"");
    return good;
}

/// Writes {"MODEL": {"SPEC": {...}}} from the lines "KEY: value" that are indented deeper than "SPEC:". False when memory runs out.
inline bool spec_yaml_to_json(std::string_view text, detail::buffer<char>& out) noexcept {
    bool good = true, inside = false, first = true;
    std::size_t depth = 0;
    const auto put = [&](std::string_view part) noexcept { good = good && out.append(part.data(), part.size()); };
    put("{\"MODEL\": {\"SPEC\": {");
    while (!text.empty() && good) {
        std::string_view line = take_yaml_line(text);
        const std::size_t indent = line.find_first_not_of(' ');
        if (indent == std::string_view::npos) continue;
        line.remove_prefix(indent);
        if (inside && indent <= depth) inside = false;
        if (detail::same_text(line, "SPEC:")) {
            inside = true;
            depth = indent;
            continue;
        }
        const std::size_t colon = line.find(':');
        if (!inside || line.starts_with("- ") || colon == std::string_view::npos) continue;
        std::string_view value = detail::slice(line, colon + 1);
        value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
        put(first ? "\"" : ", \"");
        detail::escape_json(detail::slice(line, 0, colon), "?", put);
        put("\": ");
        first = false;
        good = good && yaml_value_to_json(value, out);
    }
    put("}}}");
    return good;
}

}  // namespace checkpoint
CVT_NAMESPACE_END
