// A strict JSON reader (RFC 8259) for the headers and configurations of checkpoints.
#pragma once

#include <optional>

#include "../../runtime/buffer.hpp"
#include "../../text.hpp"
#include "nearest_double.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

enum class json_kind : std::uint8_t { null, boolean, number, string, array, object };

/// Returns the kind with its article, for messages: "a string", "an object".
constexpr const char* to_string(json_kind k) noexcept {
    constexpr const char* names[]{"null", "a boolean", "a number", "a string", "a list", "an object"};
    return names[static_cast<int>(k)];
}

class json_value;

/// A parsed document. The parser refuses anything outside RFC 8259: comments, trailing commas, NaN, leading zeros, a byte order
/// mark. It also refuses text that is not UTF-8, lone surrogates, duplicate keys, and numbers outside the range of a double. The
/// limits are 64 levels and 4 million values; keys made to collide in a hash table are refused. Errors give line and byte.
/// @code{.cpp}
/// const cvt::result<cvt::json> document = cvt::json::parse(R"({"path": "a.jpg", "size": [224, 224]})");
/// if (!document) return report(document.error());  // names the line and the byte
/// const cvt::json_value path = document->root().find("path");
/// if (path.is(cvt::json_kind::string)) std::printf("%.*s", int(path.string().size()), path.string().data());
/// @endcode
class json {
public:
    static constexpr int max_depth = 64;
    static constexpr std::size_t max_nodes = 4'000'000;

    /// Takes ownership of the text and unescapes its strings in place.
    static result<json> parse(detail::buffer<char>&& text) noexcept;
    static result<json> parse(std::string_view text) noexcept;

    [[nodiscard]] json_value root() const noexcept;

private:
    friend class json_value;
    friend class json_parser;
    struct node {
        json_kind kind = json_kind::null;
        bool is_true = false;
        bool integral = false;
        std::uint32_t at = 0, size = 0;  // text of a string; size: children of a list or object
        std::uint32_t next = 0;          // node after this value and its children
        std::uint32_t owner = 0;         // of a key: its object
        std::uint64_t bits = 0;          // of a number: a double, or an int64 when integral
    };

    [[nodiscard]] std::string_view text(const node& n) const noexcept { return {text_.data() + n.at, n.size}; }
    [[nodiscard]] std::size_t slot_of(std::uint32_t object, std::string_view key) const noexcept {
        return detail::place_of(keys_, detail::fnv1a(key, 0xCBF29CE484222325ULL + object * 0x9E3779B97F4A7C15ULL),
                                [&](std::uint32_t k) { return nodes_[k].owner == object && text(nodes_[k]) == key; });
    }

    detail::buffer<char> text_;
    detail::buffer<node> nodes_;
    detail::buffer<std::uint32_t> keys_;  // hash table of key nodes, 0 in free slots (node 0 is the root); its size is a power of two
};

/// A value inside a document. The document must outlive it and must not move. It converts to false if there is no such
/// value: a missing key, or the child after the last.
/// @code{.cpp}
/// const cvt::result<cvt::json> document = cvt::json::parse(R"({"path": "a.jpg", "size": [224, 224]})");
/// if (!document) return report(document.error());
/// for (cvt::json_value side = document->root().find("size").first(); side; side = side.next())
///     std::printf("%g ", side.number());
/// @endcode
class json_value {
public:
    json_value() noexcept = default;

    explicit operator bool() const noexcept { return document_ != nullptr; }
    [[nodiscard]] json_kind kind() const noexcept { return node().kind; }
    [[nodiscard]] bool is(json_kind k) const noexcept { return document_ != nullptr && kind() == k; }

    [[nodiscard]] bool boolean() const noexcept { return node().is_true; }
    [[nodiscard]] double number() const noexcept {
        return node().integral ? static_cast<double>(static_cast<std::int64_t>(node().bits)) : std::bit_cast<double>(node().bits);
    }
    /// Returns the number if it is written as an integer and fits 64 bits.
    [[nodiscard]] std::optional<std::int64_t> integer() const noexcept {
        if (!node().integral) return std::nullopt;
        return static_cast<std::int64_t>(node().bits);
    }
    /// Returns the string as UTF-8. It contains NUL if the document has \u0000.
    [[nodiscard]] std::string_view string() const noexcept { return document_->text(node()); }
    /// Whether this is a string, and equal to `text`.
    [[nodiscard]] bool is_text(std::string_view text) const noexcept { return is(json_kind::string) && detail::same_text(string(), text); }

    /// Returns the number of elements of a list or members of an object.
    [[nodiscard]] std::size_t size() const noexcept { return node().size; }
    /// Returns the member `key` of an object.
    [[nodiscard]] json_value find(std::string_view key) const noexcept {
        if (!is(json_kind::object) || document_->keys_.empty()) return {};
        const std::size_t slot = document_->slot_of(at_, key);
        const std::uint32_t found = slot < document_->keys_.size() ? document_->keys_[slot] : 0;
        return found == 0 ? json_value{} : json_value{document_, found + 1, node().next, true};
    }
    /// Iterates over a list or object: `for (v = list.first(); v; v = v.next())`.
    [[nodiscard]] json_value first() const noexcept {
        const bool object = kind() == json_kind::object;
        return size() == 0 ? json_value{} : json_value{document_, at_ + (object ? 2U : 1U), node().next, object};
    }
    [[nodiscard]] json_value next() const noexcept {
        const std::uint32_t after = node().next;
        return after >= end_ ? json_value{} : json_value{document_, after + (member_ ? 1U : 0U), end_, member_};
    }
    /// Returns the key of this value, a member of an object.
    [[nodiscard]] std::string_view key() const noexcept { return document_->text(document_->nodes_[at_ - 1]); }

private:
    friend class json;
    json_value(const json* document, std::uint32_t at, std::uint32_t end, bool member) noexcept
        : document_{document}, at_{at}, end_{end}, member_{member} {}
    [[nodiscard]] const json::node& node() const noexcept { return document_->nodes_[at_]; }

    const json* document_ = nullptr;
    std::uint32_t at_ = 0, end_ = 0;  // this node; the node after the parent's last child
    bool member_ = false;             // the parent is an object: a key precedes each value
};

inline json_value json::root() const noexcept { return {this, 0, nodes_[0].next, false}; }

/// A recursive descent parser that unescapes strings in place. Only json::parse uses it.
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
    CVT_PRINTF(3, 4) bool fail(errc code, const char* pattern, ...) noexcept {
        char text[300];
        std::va_list arguments;
        va_start(arguments, pattern);
        std::vsnprintf(text, sizeof text, pattern, arguments);
        va_end(arguments);
        error_ = error::format(code, "JSON line %u, byte %zu: %s", line_, at_, text);
        return false;
    }
    bool expected(const char* what) noexcept {
        if (at_ >= end_) return fail(errc::malformed, "expected %s, found the end of the text", what);
        const auto c = static_cast<unsigned char>(peek());
        return fail(errc::malformed, c >= 0x20 && c < 0x7F ? "expected %s, found '%c'" : "expected %s, found byte 0x%02X", what, c);
    }
    bool no_memory() noexcept {
        error_ = error::out_of_memory("a JSON document", document_.nodes_.size() * 2 * sizeof(json::node));
        return false;
    }

    [[nodiscard]] char peek() const noexcept { return at_ < end_ ? document_.text_[at_] : '\0'; }
    bool accept(char c) noexcept {
        if (peek() != c) return false;
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
    static bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
    /// Consumes one or more digits.
    bool digits(const char* what) noexcept {
        if (!is_digit(peek())) return expected(what);
        while (is_digit(peek())) ++at_;
        return true;
    }

    bool add(json::node n) noexcept {
        if (document_.nodes_.size() >= json::max_nodes) return fail(errc::unsupported, "more than 4 million values");
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
        if (depth >= json::max_depth) return fail(errc::unsupported, "more than 64 levels of lists and objects");
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
        if (!insert(self)) return false;
        skip_space();
        if (!accept(':')) return expected("':'");
        skip_space();
        return true;
    }

    bool grow_keys() noexcept {
        detail::buffer<std::uint32_t> old = std::move(document_.keys_);
        if (!document_.keys_.resize(old.empty() ? 64 : old.size() * 2)) return no_memory();
        std::memset(document_.keys_.data(), 0, document_.keys_.size() * sizeof(std::uint32_t));
        for (const std::uint32_t k : old)
            if (k != 0 && !insert(k)) return false;
        return true;
    }

    bool insert(std::uint32_t k) noexcept {
        const std::string_view name = document_.text(document_.nodes_[k]);
        const std::size_t slot = document_.slot_of(document_.nodes_[k].owner, name);
        if (slot == document_.keys_.size()) return fail(errc::unsupported, "too many hash collisions among the keys");
        if (document_.keys_[slot] != 0)
            return fail(errc::malformed, "the key \"%s\" occurs twice in one object", detail::printable{name}.text);
        document_.keys_[slot] = k;
        return true;
    }

    bool number() noexcept {
        const std::size_t begin = at_;
        accept('-');
        if (accept('0')) {
            if (is_digit(peek())) return fail(errc::malformed, "a number with a leading zero");
        } else if (!digits("a digit")) {
            return false;
        }
        const std::size_t whole_end = at_;
        if (accept('.') && !digits("a digit after the decimal point")) return false;
        if (accept('e') || accept('E')) {
            if (!accept('+')) accept('-');
            if (!digits("a digit of the exponent")) return false;
        }
        const char *first = document_.text_.data() + begin, *last = document_.text_.data() + at_;
        json::node n{.kind = json_kind::number};
        std::int64_t whole = 0;
        double real = 0;
        n.integral = at_ == whole_end && to_int64(first, last, whole) && (whole != 0 || *first != '-');
        if (!n.integral && !nearest_double(first, last, real)) return fail(errc::malformed, "a number out of the range of a double");
        n.bits = n.integral ? static_cast<std::uint64_t>(whole) : std::bit_cast<std::uint64_t>(real);
        return add(n);
    }

    /// Converts digits after an optional minus; false if they do not fit 64 bits. Not std::from_chars: for integers it is a
    /// template, whose body units compiled with other flags would share.
    static bool to_int64(const char* at, const char* end, std::int64_t& out) noexcept {
        const bool negative = *at == '-';
        const std::uint64_t max = std::uint64_t{INT64_MAX} + (negative ? 1 : 0);
        std::uint64_t magnitude = 0;
        for (at += negative ? 1 : 0; at != end; ++at) {
            const auto digit = static_cast<std::uint64_t>(*at - '0');
            if (magnitude > (max - digit) / 10) return false;
            magnitude = magnitude * 10 + digit;
        }
        out = static_cast<std::int64_t>(negative ? 0 - magnitude : magnitude);
        return true;
    }

    /// Reads a string and unescapes it in place: an escape is never shorter than the bytes it stands for.
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
        if (const std::size_t i = letters.find(peek()); i != std::string_view::npos) {
            text[to++] = meant[i];
            ++at_;
            return true;
        }
        if (!accept('u')) return expected("one of \"\\/bfnrtu after a backslash");
        std::uint32_t code = 0, low = 0;
        if (!hex4(code)) return false;
        if (code >= 0xDC00 && code < 0xE000) return fail(errc::malformed, "a low surrogate without a high one before it");
        if (code >= 0xD800 && code < 0xDC00) {
            if (!accept('\\') || !accept('u')) return expected("the low surrogate of a pair");
            if (!hex4(low)) return false;
            if (low < 0xDC00 || low >= 0xE000) return fail(errc::malformed, "a high surrogate without a low one after it");
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        }
        // UTF-8: in a sequence of n > 1 bytes the first byte begins with n ones.
        const int length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
        const std::uint32_t mark = length == 1 ? 0 : 0xF0U << (4 - length) & 0xFFU;
        text[to++] = static_cast<char>(mark | code >> 6 * (length - 1));
        for (int left = length - 2; left >= 0; --left) text[to++] = static_cast<char>(0x80U | (code >> 6 * left & 0x3FU));
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
