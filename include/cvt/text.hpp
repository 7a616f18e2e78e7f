// Text from files and from callers: UTF-8, what JSON escapes, names cleaned for messages, and the hash of names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "version.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

/// FNV-1a, 64 bits.
constexpr std::uint64_t fnv1a(std::string_view text, std::uint64_t basis = 0xCBF29CE484222325U) noexcept {
    for (const char c : text) basis = (basis ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
    return basis;
}

/// Bytes of the well-formed UTF-8 sequence at the start of `text` (Unicode, table 3-7), 0 if there is none: overlong forms,
/// surrogates, code points above U+10FFFF, a sequence cut short, an empty text.
constexpr std::size_t utf8_length(std::string_view text) noexcept {
    const auto byte = [&](std::size_t i) noexcept -> unsigned { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
    const auto continues = [&](std::size_t i) noexcept { return (byte(i) & 0xC0U) == 0x80U; };
    if (text.empty()) return 0;
    const unsigned first = byte(0), second = byte(1);
    if (first < 0x80) return 1;
    if (first >= 0xC2 && first < 0xE0) return continues(1) ? 2 : 0;
    if (first >= 0xE0 && first < 0xF0) {
        const bool overlong = first == 0xE0 && second < 0xA0, surrogate = first == 0xED && second >= 0xA0;
        return continues(1) && continues(2) && !overlong && !surrogate ? 3 : 0;
    }
    if (first >= 0xF0 && first < 0xF5) {
        const bool overlong = first == 0xF0 && second < 0x90, too_large = first == 0xF4 && second >= 0x90;
        return continues(1) && continues(2) && continues(3) && !overlong && !too_large ? 4 : 0;
    }
    return 0;
}

/// Passes `text` to put(std::string_view), piece by piece, as it stands between the quotes of a JSON string: quotes,
/// backslashes and control characters escaped. `invalid` takes the place of each byte that is not part of valid UTF-8; where
/// it is empty, such bytes are passed on as they are.
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

/// A name from a file, ready for a message: cut after 156 bytes, and '?' in place of each control character and each byte that
/// is not valid UTF-8, since a terminal must not obey a hostile file.
struct printable {
    static constexpr std::size_t capacity = 160;
    char text[capacity];

    explicit printable(std::string_view raw) noexcept {
        std::size_t size = 0, at = 0;
        while (at < raw.size()) {
            const std::size_t length = utf8_length({raw.data() + at, raw.size() - at}), bytes = length == 0 ? 1 : length;
            if (size + bytes > capacity - 4) break;
            const auto first = static_cast<unsigned char>(raw[at]);
            const bool control = length == 1 && (first < 0x20 || first == 0x7F);
            if (length == 0 || control)
                text[size] = '?';
            else
                std::memcpy(text + size, raw.data() + at, bytes);
            size += bytes;
            at += bytes;
        }
        const bool cut = at < raw.size();
        std::memcpy(text + size, cut ? "..." : "", cut ? 4 : 1);
    }
};

}  // namespace detail
CVT_NAMESPACE_END
