// The strict JSON reader of checkpoints, for hosts and command lines that also exchange JSON.
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

CVT_NAMESPACE_END
