// json::parse: recursive descent over the text, which it unescapes in place.
#pragma once

#include <bit>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>
#include <utility>

#include "../../text.hpp"
#include "json.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// Used by json::parse only.
class json_parser {
public:
    explicit json_parser(json& document) noexcept : document_{document}, end_{document.text_.size()} {}

    error run() noexcept {
        if (end_ >= UINT32_MAX) return error::format(errc::unsupported, "JSON of 4 GiB or more");
        skip_space();
        if (!value(0)) return error_;
        skip_space();
        if (at_ != end_) expected("the end of the text");
        return error_;
    }

private:
    bool expected(const char* what) noexcept {
        const unsigned long long byte = at_;
        if (at_ >= end_)
            error_ = error::format(errc::malformed, "JSON line %u, byte %llu: expected %s, found the end of the text", line_, byte, what);
        else if (const auto c = static_cast<unsigned char>(peek()); c >= 0x20 && c < 0x7F)
            error_ = error::format(errc::malformed, "JSON line %u, byte %llu: expected %s, found '%c'", line_, byte, what, c);
        else
            error_ = error::format(errc::malformed, "JSON line %u, byte %llu: expected %s, found byte 0x%02X", line_, byte, what, c);
        return false;
    }
    bool refuse(errc code, const char* what) noexcept {
        error_ = error::format(code, "JSON line %u, byte %llu: %s", line_, static_cast<unsigned long long>(at_), what);
        return false;
    }
    bool no_memory() noexcept {
        error_ = error::out_of_memory("a JSON document", document_.nodes_.size() * 2 * sizeof(json::node));
        return false;
    }

    bool collided() noexcept { return refuse(errc::unsupported, "the keys are made to slow down their table"); }

    [[nodiscard]] char peek() const noexcept { return at_ < end_ ? document_.text_[at_] : '\0'; }
    bool accept(char c) noexcept {
        if (at_ >= end_ || peek() != c) return false;
        ++at_;
        return true;
    }
    void skip_space() noexcept {
        for (; at_ < end_; ++at_) {
            const char c = peek();
            if (c == '\n') ++line_;
            if (c != ' ' && c != '\t' && c != '\n' && c != '\r') return;
        }
    }
    void skip_digits() noexcept {
        while (is_digit(peek())) ++at_;
    }
    static bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

    bool add(json::node n) noexcept {
        if (document_.nodes_.size() >= json::max_nodes) return refuse(errc::unsupported, "more than 4 million values");
        n.next = static_cast<std::uint32_t>(document_.nodes_.size() + 1);
        return document_.nodes_.push_back(n) || no_memory();
    }

    bool value(int depth) noexcept {
        switch (peek()) {
            case '{': return children(json_kind::object, depth);
            case '[': return children(json_kind::array, depth);
            case '"': return string();
            case 't': return word("true", {.kind = json_kind::boolean, .is_true = true});
            case 'f': return word("false", {.kind = json_kind::boolean});
            case 'n': return word("null", {});
            default: break;
        }
        return peek() == '-' || is_digit(peek()) ? number() : expected("a value");
    }

    bool word(std::string_view text, json::node n) noexcept {
        if (end_ - at_ < text.size() || std::string_view(document_.text_.data() + at_, text.size()) != text) return expected("a value");
        at_ += text.size();
        return add(n);
    }

    bool children(json_kind kind, int depth) noexcept {
        if (depth >= json::max_depth) return refuse(errc::unsupported, "more than 64 levels of lists and objects");
        const bool object = kind == json_kind::object;
        const char close = object ? '}' : ']';
        ++at_;
        const auto self = static_cast<std::uint32_t>(document_.nodes_.size());
        if (!add({.kind = kind})) return false;
        std::uint32_t count = 0;
        skip_space();
        if (!accept(close)) {
            do {
                skip_space();
                if (object && !key(self)) return false;
                if (!value(depth + 1)) return false;
                ++count;
                skip_space();
            } while (accept(','));
            if (!accept(close)) return expected(object ? "',' or '}'" : "',' or ']'");
        }
        document_.nodes_[self].size = count;
        document_.nodes_[self].next = static_cast<std::uint32_t>(document_.nodes_.size());
        return true;
    }

    bool key(std::uint32_t object) noexcept {
        if (peek() != '"') return expected("a key in quotes");
        const auto self = static_cast<std::uint32_t>(document_.nodes_.size());
        if (!string()) return false;
        document_.nodes_[self].owner = object;
        ++keys_;
        if (document_.keys_.size() < 2 * keys_ && !grow_keys()) return false;
        const std::string_view name = document_.text(document_.nodes_[self]);
        const std::size_t slot = document_.slot_of(object, name);
        if (slot == document_.keys_.size()) return collided();
        if (document_.keys_[slot] != 0) {
            error_ = error::format(errc::malformed, "JSON line %u, byte %llu: the key \"%s\" occurs twice in one object", line_,
                                   static_cast<unsigned long long>(at_), detail::printable{name}.text);
            return false;
        }
        document_.keys_[slot] = self;
        skip_space();
        if (!accept(':')) return expected("':'");
        skip_space();
        return true;
    }

    bool grow_keys() noexcept {
        detail::buffer<std::uint32_t> old = std::move(document_.keys_);
        if (!document_.keys_.resize(old.empty() ? 64 : old.size() * 2)) return no_memory();
        std::memset(document_.keys_.data(), 0, document_.keys_.size() * sizeof(std::uint32_t));
        for (const std::uint32_t k : old) {
            if (k == 0) continue;
            const std::size_t slot = document_.slot_of(document_.nodes_[k].owner, document_.text(document_.nodes_[k]));
            if (slot == document_.keys_.size()) return collided();
            document_.keys_[slot] = k;
        }
        return true;
    }

    bool number() noexcept {
        const std::size_t begin = at_;
        accept('-');
        if (!is_digit(peek())) return expected("a digit");
        if (accept('0')) {
            if (is_digit(peek())) return refuse(errc::malformed, "a number with a leading zero");
        } else {
            skip_digits();
        }
        bool integral = true;
        if (accept('.')) {
            integral = false;
            if (!is_digit(peek())) return expected("a digit after the decimal point");
            skip_digits();
        }
        if (accept('e') || accept('E')) {
            integral = false;
            if (!accept('+')) accept('-');
            if (!is_digit(peek())) return expected("a digit of the exponent");
            skip_digits();
        }
        const char *first = document_.text_.data() + begin, *last = document_.text_.data() + at_;
        json::node n{.kind = json_kind::number};
        std::int64_t whole = 0;
        if (integral && to_int64(first, last, whole) && (whole != 0 || *first != '-')) {
            n.integral = true;
            n.bits = static_cast<std::uint64_t>(whole);
            return add(n);
        }
        double real = 0;
        if (std::from_chars(first, last, real).ec != std::errc{}) return refuse(errc::malformed, "a number out of the range of a double");
        n.bits = std::bit_cast<std::uint64_t>(real);
        return add(n);
    }

    /// Digits after an optional minus; false when they are more than 64 bits hold. Not std::from_chars, which for integers
    /// is a template: units of other compiler flags would share its body.
    static bool to_int64(const char* at, const char* end, std::int64_t& out) noexcept {
        const bool negative = *at == '-';
        const std::uint64_t max = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) + (negative ? 1 : 0);
        std::uint64_t magnitude = 0;
        for (at += negative ? 1 : 0; at != end; ++at) {
            const auto digit = static_cast<std::uint64_t>(*at - '0');
            if (magnitude > (max - digit) / 10) return false;
            magnitude = magnitude * 10 + digit;
        }
        out = static_cast<std::int64_t>(negative ? 0 - magnitude : magnitude);
        return true;
    }

    /// Reads a string and leaves it unescaped where it began: an escape is never shorter than what it stands for.
    bool string() noexcept {
        char* text = document_.text_.data();
        ++at_;
        const std::size_t begin = at_;
        std::size_t to = begin;
        while (true) {
            if (at_ >= end_) return expected("'\"'");
            const auto c = static_cast<unsigned char>(text[at_]);
            if (c == '"') break;
            if (c < 0x20) return expected("no control character in a string");
            if (c == '\\') {
                if (!escape(to)) return false;
                continue;
            }
            const std::size_t length = detail::utf8_length({text + at_, end_ - at_});
            if (length == 0) return expected("valid UTF-8");
            std::memmove(text + to, text + at_, length);
            to += length;
            at_ += length;
        }
        ++at_;
        return add({.kind = json_kind::string, .at = static_cast<std::uint32_t>(begin), .size = static_cast<std::uint32_t>(to - begin)});
    }

    bool escape(std::size_t& to) noexcept {
        static constexpr std::string_view letters = "\"\\/bfnrt", meant = "\"\\/\b\f\n\r\t";
        ++at_;
        char* text = document_.text_.data();
        if (at_ < end_)
            if (const std::size_t i = letters.find(text[at_]); i != std::string_view::npos) {
                text[to++] = meant[i];
                ++at_;
                return true;
            }
        if (!accept('u')) return expected("one of \"\\/bfnrtu after a backslash");
        std::uint32_t code = 0, low = 0;
        if (!hex4(code)) return false;
        if (code >= 0xDC00 && code < 0xE000) return refuse(errc::malformed, "a low surrogate without a high one before it");
        if (code >= 0xD800 && code < 0xDC00) {
            if (!accept('\\') || !accept('u')) return expected("the low surrogate of a pair");
            if (!hex4(low)) return false;
            if (low < 0xDC00 || low >= 0xE000) return refuse(errc::malformed, "a high surrogate without a low one after it");
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        }
        const auto put = [&](std::uint32_t byte) noexcept { text[to++] = static_cast<char>(static_cast<unsigned char>(byte)); };
        if (code < 0x80) {
            put(code);
            return true;
        }
        if (code < 0x800) {
            put(0xC0 | code >> 6);
        } else {
            if (code < 0x10000) {
                put(0xE0 | code >> 12);
            } else {
                put(0xF0 | code >> 18);
                put(0x80 | (code >> 12 & 0x3F));
            }
            put(0x80 | (code >> 6 & 0x3F));
        }
        put(0x80 | (code & 0x3F));
        return true;
    }

    bool hex4(std::uint32_t& code) noexcept {
        code = 0;
        for (const std::size_t to = at_ + 4; at_ < to; ++at_) {
            const char c = peek();
            const bool letter = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
            if (!is_digit(c) && !letter) return expected("four hexadecimal digits");
            code = code << 4 | static_cast<std::uint32_t>(letter ? (c | 0x20) - 'a' + 10 : c - '0');
        }
        return true;
    }

    json& document_;
    std::size_t at_ = 0, end_, keys_ = 0;
    unsigned line_ = 1;
    error error_;
};

inline result<json> json::parse(detail::buffer<char>&& text) noexcept {
    json document;
    document.text_ = std::move(text);
    if (error e = json_parser(document).run()) return e;
    return document;
}

inline result<json> json::parse(std::string_view text) noexcept {
    detail::buffer<char> copy;
    if (!copy.append(text.data(), text.size())) return error::out_of_memory("a JSON document", text.size());
    return parse(std::move(copy));
}

}  // namespace checkpoint
CVT_NAMESPACE_END
