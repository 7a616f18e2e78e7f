// The strict JSON reader of checkpoints, and what writers of JSON need, for hosts and command lines that also exchange JSON.
#pragma once

#include "../checkpoint/json/json.hpp"

CVT_NAMESPACE_BEGIN

using checkpoint::json;
using checkpoint::json_kind;
using checkpoint::json_value;
using checkpoint::to_string;

/// Passes `text` to put(std::string_view), piece by piece, as the inside of a JSON string. Each byte that is not part of valid UTF-8
/// becomes U+FFFD.
template <class Put>
constexpr void escape_json(std::string_view text, Put&& put) noexcept(noexcept(put(text))) {
    detail::escape_json(text, "\xEF\xBF\xBD", put);
}

/// Whether a text is valid UTF-8, as every string in JSON must be.
constexpr bool is_utf8(std::string_view text) noexcept {
    while (!text.empty()) {
        const std::size_t length = detail::utf8_length(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

CVT_NAMESPACE_END
