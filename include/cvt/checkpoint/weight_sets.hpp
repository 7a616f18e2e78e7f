// The sets of weights in a checkpoint: how each is found, named and chosen by the caller.
#pragma once

#include "formats/seen_keys.hpp"
#include "formats/tensor_table.hpp"
#include "tensor_names.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// More than any training script writes.
inline constexpr std::size_t max_weight_sets = 64;

/// Finds every set of tensors with the names of a CvT, under any prefix. Errors: unsupported (too many sets); out_of_memory.
inline error find_weight_sets(const tensor_table& tensors, detail::buffer<name_style>& sets) noexcept {
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        name_style style;
        if (!begins_cvt(tensors.name(i), style)) continue;
        if (sets.size() >= max_weight_sets)
            return error::format(errc::unsupported, "the checkpoint holds more than %zu sets of weights", max_weight_sets);
        if (!sets.push_back(style)) return error::out_of_memory("the list of weights", sets.size() * 2 * sizeof style);
    }
    return {};
}

/// Returns the name of a set in messages and in weights_key: its prefix without the last separator, or "." without a prefix.
inline std::string_view key_of(const name_style& style) noexcept {
    return style.prefix.empty() ? std::string_view{"."} : detail::slice(style.prefix, 0, style.prefix.size() - 1);
}

/// Whether `key` is the name of a set, or the first parts of it.
inline bool is_called(const name_style& style, std::string_view key) noexcept {
    std::string_view name = key_of(style);
    return take_front(name, key) && (name.empty() || name.front() == '.' || name.front() == '/');
}

/// The names of several sets in one text, "model, model_ema", their number and the last of them.
struct set_names : detail::text_list<240> {
    std::size_t count = 0;
    const name_style* last = nullptr;

    void add(const name_style& style, const char* more = "") noexcept {
        text_list::add(", ", "%s%s", printable{key_of(style), 80}.text, more);
        ++count;
        last = &style;
    }
};

/// Returns the first names of a table.
inline seen_keys first_names(const tensor_table& tensors) noexcept {
    seen_keys seen;
    for (std::size_t i = 0; i < tensors.size() && i < 8; ++i) seen.add(tensors.name(i));
    return seen;
}

/// Keeps the sets that `key` names. Errors: invalid_argument (none), with the names of all sets, or with the names of tensors, `seen`.
inline error choose_weight_sets(detail::buffer<name_style>& sets, std::string_view key, const seen_keys& seen) noexcept {
    while (key.size() > 1 && (key.ends_with('/') || key.ends_with('.'))) key.remove_suffix(1);
    std::size_t kept = 0;
    set_names all;
    for (const name_style& style : sets) {
        all.add(style);
        if (is_called(style, key)) sets[kept++] = style;
    }
    if (kept == 0)
        return error::format(errc::invalid_argument, "weights_key: no weights of a CvT are called %s; the checkpoint has %s%s",
                             printable{key, 80}.text, sets.empty() ? "none among its tensors: " : "", sets.empty() ? seen.text : all.text);
    (void)sets.resize(kept);
    return {};
}

}  // namespace checkpoint
CVT_NAMESPACE_END
