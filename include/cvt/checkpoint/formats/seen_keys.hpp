// seen_keys: the first few keys of a checkpoint, for a message that says that its weights were not found.
#pragma once

#include "../../text.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// A text of up to four keys, cleaned and cut, and dots where there are more: "conv1.weight, fc.bias, ...".
struct seen_keys : detail::text_list<4 * (48 + sizeof "..., ") + sizeof "..."> {
    int count = 0;

    void add(std::string_view key) noexcept {
        constexpr int shown = 4;
        if (++count > shown + 1) return;
        text_list::add(", ", "%s", count > shown ? "..." : detail::printable{key, 48}.text);
    }
};

}  // namespace checkpoint
CVT_NAMESPACE_END
