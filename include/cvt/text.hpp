// Text from files and from callers: UTF-8, JSON escapes, names cleaned for messages, lists, hash tables of names.
#pragma once

#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "error.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

/// FNV-1a, 64 bits.
constexpr std::uint64_t fnv1a(std::string_view text, std::uint64_t basis = 0xCBF29CE484222325U) noexcept {
    for (const char c : text) basis = (basis ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
    return basis;
}

/// Maximum number of slots of a hash table that are examined for one name. Real names need fewer than 60, even among 2 million. But a
/// hostile file can have names that all share a slot, which would cost quadratic time.
inline constexpr std::size_t max_probes = 512;

/// Returns the slot of the name with this hash in `table`, or the free slot where it can be put. Returns table.size() if max_probes
/// slots hold others. The table's size is a power of two, and 0 marks a free slot. `is_it` tells whether an entry is the name.
template <class Table, class IsIt>
std::size_t place_of(const Table& table, std::uint64_t hash, IsIt is_it) noexcept {
    const std::size_t mask = table.size() - 1;
    auto place = static_cast<std::size_t>(hash & mask);
    for (std::size_t probes = 0; probes < max_probes; ++probes, place = (place + 1) & mask)
        if (table[place] == 0 || is_it(table[place])) return place;
    return table.size();
}

/// Whether two texts are equal. std::string_view's operator may become a function that units of other compiler flags share.
inline bool same_text(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

/// Whether `a` comes before `b` in the order of their bytes, for the same reason.
inline bool precedes(std::string_view a, std::string_view b) noexcept {
    const std::size_t both = a.size() < b.size() ? a.size() : b.size();
    const int order = both == 0 ? 0 : std::memcmp(a.data(), b.data(), both);
    return order != 0 ? order < 0 : a.size() < b.size();
}

/// The bytes of `text` from `from` on, at most `count` of them. std::string_view::substr throws, in libc++ by a function that units of
/// other compiler flags share.
constexpr std::string_view slice(std::string_view text, std::size_t from, std::size_t count = std::string_view::npos) noexcept {
    if (from >= text.size()) return {};
    return {text.data() + from, count < text.size() - from ? count : text.size() - from};
}

/// Length of the well-formed UTF-8 sequence at the start of `text` (Unicode, table 3-7), in bytes. 0 for anything else: overlong
/// forms, surrogates, code points above U+10FFFF, a truncated sequence, an empty text.
constexpr std::size_t utf8_length(std::string_view text) noexcept {
    const auto byte = [&](std::size_t i) noexcept -> unsigned { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
    const unsigned first = byte(0), second = byte(1);
    if (first < 0x80) return text.empty() ? 0 : 1;
    const std::size_t length = first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
    const unsigned min = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80, max = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (second < min || second > max) return 0;
    for (std::size_t i = 2; i < length; ++i)
        if ((byte(i) & 0xC0U) != 0x80U) return 0;
    return length;
}

/// Passes `text` to put(std::string_view), piece by piece, as the content of a JSON string: quotes, backslashes and control
/// characters are escaped. `invalid` replaces each byte that is not part of valid UTF-8; if it is empty, such bytes are passed
/// unchanged.
template <class Put>
constexpr void escape_json(std::string_view text, std::string_view invalid, Put&& put) noexcept(noexcept(put(text))) {
    const char* const data = text.data();
    std::size_t begin = 0, at = 0;  // text[begin, at) needs no escape
    const auto replace = [&](std::string_view with) {
        if (at != begin) put(std::string_view{data + begin, at - begin});
        put(with);
        begin = ++at;
    };
    while (at < text.size()) {
        const auto byte = static_cast<unsigned char>(data[at]);
        const std::size_t length = utf8_length({data + at, text.size() - at});
        if (byte == '"' || byte == '\\') {
            const char escaped[]{'\\', data[at]};
            replace({escaped, sizeof escaped});
        } else if (byte < 0x20 || byte == 0x7F) {
            constexpr char digits[] = "0123456789abcdef";
            const char escaped[]{'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]};
            replace({escaped, sizeof escaped});
        } else if (length == 0 && !invalid.empty()) {
            replace(invalid);
        } else {
            at += length == 0 ? 1 : length;
        }
    }
    if (at != begin) put(std::string_view{data + begin, at - begin});
}

/// A name from a file, ready for a message and cut after `limit` bytes. A hostile file must not control a terminal. So there is a '?' in
/// place of each control character and of each byte that is not valid UTF-8.
struct printable {
    static constexpr std::size_t capacity = 160;
    char text[capacity];

    explicit printable(std::string_view raw, std::size_t limit = capacity - 4) noexcept {
        std::size_t size = 0, at = 0;
        while (at < raw.size()) {
            const std::size_t length = utf8_length({raw.data() + at, raw.size() - at});
            const auto byte = [&](std::size_t i) noexcept { return static_cast<unsigned char>(raw[at + i]); };
            // The control characters U+0080 to U+009F have two bytes.
            const bool control = length == 1 ? byte(0) < 0x20 || byte(0) == 0x7F : length == 2 && byte(0) == 0xC2 && byte(1) < 0xA0;
            const bool kept = length != 0 && !control;
            const std::size_t written = kept ? length : 1;
            if (size + written > limit) break;
            std::memcpy(text + size, kept ? raw.data() + at : "?", written);
            size += written;
            at += length == 0 ? 1 : length;
        }
        const bool cut = at < raw.size();
        std::memcpy(text + size, cut ? "..." : "", cut ? 4 : 1);
    }
};

/// Appends a part to a text in a buffer of `size` bytes, with `separator` before it unless the text is empty. Cuts what does not fit.
/// Not inlined: the lists of every size share it, which keeps the WebAssembly module small.
[[gnu::noinline]] inline void append_part(char* text, std::size_t size, const char* separator, const char* pattern,
                                          std::va_list arguments) noexcept {
    std::size_t at = std::strlen(text);
    for (const char* c = at == 0 ? "" : separator; *c != '\0' && at + 1 < size; ++c) text[at++] = *c;
    std::vsnprintf(text + at, size - at, pattern, arguments);
}

/// A text that is made of parts, for a message.
template <std::size_t Size>
struct text_list {
    char text[Size] = {};

    /// Appends a part, formatted as printf does. The first part has no separator.
    CVT_PRINTF(3, 4) void add(const char* separator, const char* pattern, ...) noexcept {
        std::va_list arguments;
        va_start(arguments, pattern);
        append_part(text, Size, separator, pattern, arguments);
        va_end(arguments);
    }
};

}  // namespace detail
CVT_NAMESPACE_END
