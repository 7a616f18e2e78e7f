// seen_keys: the first few keys of a checkpoint, for a message that says that its weights were not found.
#pragma once

#include <cstdio>

#include "../../text.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// A text of up to four keys, cleaned and cut, and dots where there are more: "conv1.weight, fc.bias, ...".
struct seen_keys {
    char text[4 * (48 + sizeof "..., ") + sizeof "..."] = "";
    int count = 0;

    void add(std::string_view key) noexcept {
        constexpr int shown = 4;
        if (++count > shown + 1) return;
        const std::size_t at = std::strlen(text);
        std::snprintf(text + at, sizeof text - at, "%s%s", at == 0 ? "" : ", ", count > shown ? "..." : detail::printable{key, 48}.text);
    }
};

}  // namespace checkpoint
CVT_NAMESPACE_END
