// A strict JSON reader (RFC 8259) for the headers and configurations of checkpoints: nothing repaired, nothing guessed.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "../../error.hpp"
#include "../../runtime/buffer.hpp"
#include "../../text.hpp"
#include "hash_table.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

enum class json_kind : std::uint8_t { null, boolean, number, string, array, object };

/// "a string", "an object" ...: for messages.
constexpr const char* to_string(json_kind k) noexcept {
    switch (k) {
        case json_kind::null: return "null";
        case json_kind::boolean: return "a boolean";
        case json_kind::number: return "a number";
        case json_kind::string: return "a string";
        case json_kind::array: return "a list";
        case json_kind::object: break;
    }
    return "an object";
}

class json;

/// A value inside a document, which must outlive it and stay where it is. False where there is none: a key that is
/// missing, the step after the last child.
class json_value {
public:
    json_value() noexcept = default;

    explicit operator bool() const noexcept { return document_ != nullptr; }
    [[nodiscard]] json_kind kind() const noexcept;
    [[nodiscard]] bool is(json_kind k) const noexcept { return document_ != nullptr && kind() == k; }

    [[nodiscard]] bool boolean() const noexcept;
    [[nodiscard]] double number() const noexcept;
    /// The number when it is written as an integer and fits 64 bits.
    [[nodiscard]] std::optional<std::int64_t> integer() const noexcept;
    /// UTF-8; may hold NUL where the document says \u0000.
    [[nodiscard]] std::string_view string() const noexcept;

    /// Number of elements of a list, of members of an object.
    [[nodiscard]] std::size_t size() const noexcept;
    /// The member `key` of an object.
    [[nodiscard]] json_value find(std::string_view key) const noexcept;
    /// First child of a list or object, and from there to the next one.
    [[nodiscard]] json_value first() const noexcept;
    [[nodiscard]] json_value next() const noexcept;
    /// Of a child of an object.
    [[nodiscard]] std::string_view key() const noexcept;

private:
    friend class json;
    json_value(const json* document, std::uint32_t at, std::uint32_t end, bool member) noexcept
        : document_{document}, at_{at}, end_{end}, member_{member} {}

    const json* document_ = nullptr;
    std::uint32_t at_ = 0, end_ = 0;  // this node; the node after the parent's last
    bool member_ = false;             // the parent is an object: a key lies before each value
};

/// A parsed document. Refused, with line and byte: anything outside RFC 8259 (comments, trailing commas, NaN, leading
/// zeros, a byte order mark), text that is not UTF-8, lone surrogates, duplicate keys, numbers no double can hold,
/// more than 64 levels, more than 4 million values, keys that are made to collide in a hash table.
class json {
public:
    static constexpr int max_depth = 64;
    static constexpr std::size_t max_nodes = 4'000'000;

    /// Takes the text over: strings are unescaped inside it.
    static result<json> parse(detail::buffer<char>&& text) noexcept;
    static result<json> parse(std::string_view text) noexcept;

    [[nodiscard]] json_value root() const noexcept { return {this, 0, nodes_[0].next, false}; }

private:
    friend class json_value;
    friend class json_parser;
    struct node {
        json_kind kind = json_kind::null;
        bool is_true = false;
        bool integral = false;
        std::uint32_t at = 0, size = 0;  // text of a string; size: children of a list or object
        std::uint32_t next = 0;          // node after this value and all it holds
        std::uint32_t owner = 0;         // of a key: its object
        std::uint64_t bits = 0;          // of a number: a double, or an int64 when integral
    };

    [[nodiscard]] std::string_view text(const node& n) const noexcept { return {text_.data() + n.at, n.size}; }
    [[nodiscard]] std::size_t slot_of(std::uint32_t object, std::string_view key) const noexcept;

    detail::buffer<char> text_;
    detail::buffer<node> nodes_;
    detail::buffer<std::uint32_t> keys_;  // hash table of key nodes, 0 where free (node 0 is the root); a power of two
};

inline std::size_t json::slot_of(std::uint32_t object, std::string_view key) const noexcept {
    return place_of(keys_, detail::fnv1a(key, 0xCBF29CE484222325ULL + object * 0x9E3779B97F4A7C15ULL),
                    [&](std::uint32_t k) { return nodes_[k].owner == object && text(nodes_[k]) == key; });
}

inline json_kind json_value::kind() const noexcept { return document_->nodes_[at_].kind; }
inline bool json_value::boolean() const noexcept { return document_->nodes_[at_].is_true; }
inline std::string_view json_value::string() const noexcept { return document_->text(document_->nodes_[at_]); }
inline std::size_t json_value::size() const noexcept { return document_->nodes_[at_].size; }
inline std::string_view json_value::key() const noexcept { return document_->text(document_->nodes_[at_ - 1]); }

inline double json_value::number() const noexcept {
    const json::node& n = document_->nodes_[at_];
    return n.integral ? static_cast<double>(static_cast<std::int64_t>(n.bits)) : std::bit_cast<double>(n.bits);
}

inline std::optional<std::int64_t> json_value::integer() const noexcept {
    const json::node& n = document_->nodes_[at_];
    if (n.kind != json_kind::number || !n.integral) return std::nullopt;
    return static_cast<std::int64_t>(n.bits);
}

inline json_value json_value::find(std::string_view key) const noexcept {
    if (!is(json_kind::object) || document_->keys_.empty()) return {};
    const std::size_t slot = document_->slot_of(at_, key);
    const std::uint32_t found = slot < document_->keys_.size() ? document_->keys_[slot] : 0;
    if (found == 0) return {};
    return {document_, found + 1, document_->nodes_[at_].next, true};
}

inline json_value json_value::first() const noexcept {
    if (size() == 0) return {};
    const bool object = kind() == json_kind::object;
    return {document_, at_ + (object ? 2U : 1U), document_->nodes_[at_].next, object};
}

inline json_value json_value::next() const noexcept {
    const std::uint32_t after = document_->nodes_[at_].next;
    if (after >= end_) return {};
    return {document_, after + (member_ ? 1U : 0U), end_, member_};
}

}  // namespace checkpoint
CVT_NAMESPACE_END

#include "parser.hpp"  // the body of json::parse
