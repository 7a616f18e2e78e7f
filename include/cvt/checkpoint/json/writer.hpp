// Writes JSON text (RFC 8259) with commas, indentation and escapes; numbers read back as the same values.
#pragma once

#include <charconv>
#include <concepts>

#include "../../runtime/buffer.hpp"
#include "../../text.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// Appends values to a text. When memory runs out, it drops the rest and good() returns false.
class json_writer {
public:
    enum class layout : std::uint8_t { one_line, indented };
    explicit json_writer(layout l) noexcept : indented_{l == layout::indented} {}

    [[nodiscard]] bool good() const noexcept { return good_; }
    [[nodiscard]] std::string_view text() const noexcept { return {text_.data(), text_.size()}; }

    json_writer& begin_object() noexcept {
        separate();
        ++depth_;
        return raw("{");
    }
    json_writer& end_object() noexcept {
        --depth_;
        if (!text_.empty() && text_[text_.size() - 1] != '{') new_line();
        return raw("}");
    }
    json_writer& begin_list() noexcept { return separate().raw("["); }
    json_writer& end_list() noexcept { return raw("]"); }
    json_writer& key(std::string_view name) noexcept {
        if (follows_value()) raw(",");
        new_line();
        return quoted(name).raw(indented_ ? ": " : ":");
    }

    /// Passes on bytes that are not valid UTF-8 unchanged.
    json_writer& string(std::string_view value) noexcept { return separate().quoted(value); }
    json_writer& boolean(bool value) noexcept { return separate().raw(value ? "true" : "false"); }
    json_writer& null() noexcept { return separate().raw("null"); }
    json_writer& integer(std::integral auto value) noexcept {
        char digits[24];  // not std::to_chars: for integers it is a template, whose body units compiled with other flags would share
        const int size = std::is_signed_v<decltype(value)>
                             ? std::snprintf(digits, sizeof digits, "%lld", static_cast<long long>(value))
                             : std::snprintf(digits, sizeof digits, "%llu", static_cast<unsigned long long>(value));
        return separate().raw({digits, static_cast<std::size_t>(size)});
    }
    /// Writes the shortest decimal that reads back as the same value of its type. `value` must be finite.
    json_writer& real(std::floating_point auto value) noexcept {
        char digits[40];
        const std::string_view shown{digits, static_cast<std::size_t>(std::to_chars(digits, digits + sizeof digits, value).ptr - digits)};
        separate().raw(shown);
        return shown.find_first_of(".e") == std::string_view::npos ? raw(".0") : *this;
    }

private:
    json_writer& raw(std::string_view text) noexcept {
        good_ = good_ && text_.append(text.data(), text.size());
        return *this;
    }
    // The last character tells whether a value precedes the next one: no value ends in one of these.
    [[nodiscard]] bool follows_value() const noexcept {
        return !text_.empty() && std::string_view{"{[: "}.find(text_[text_.size() - 1]) == std::string_view::npos;
    }
    json_writer& separate() noexcept { return follows_value() ? raw(indented_ ? ", " : ",") : *this; }
    void new_line() noexcept {
        if (!indented_) return;
        raw("\n");
        for (int i = 0; i < depth_; ++i) raw("  ");
    }
    json_writer& quoted(std::string_view value) noexcept {
        raw("\"");
        detail::escape_json(value, {}, [this](std::string_view part) noexcept { raw(part); });
        return raw("\"");
    }

    detail::buffer<char> text_;
    int depth_ = 0;
    bool indented_, good_ = true;
};

}  // namespace checkpoint
CVT_NAMESPACE_END
