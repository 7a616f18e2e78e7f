// Finds the head of a model in a checkpoint: by its name, or by its shape under another name.
#pragma once

#include <climits>

#include "checkpoint_source.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// Whether tensor `i`, stem + "weight", is a head's weight (classes, width) with a bias (classes) beside it.
inline bool is_head(const tensor_table& tensors, std::size_t i, std::string_view stem, int width) noexcept {
    const tensor_entry& weight = tensors.entry(i);
    if (weight.rank != 2 || weight.shape[1] != width) return false;
    const std::ptrdiff_t bias = tensors.find(file_name{}.append(stem).append("bias").view());
    return bias >= 0 && tensors.entry(static_cast<std::size_t>(bias)).rank == 1 &&
           tensors.entry(static_cast<std::size_t>(bias)).shape[0] == weight.shape[0];
}

/// Whether the linear layer at `stem` is not the whole head: other tensors share its parent, as in Sequential(LayerNorm, Linear), or
/// another matrix takes its outputs. A parent that contains the encoder as well is not the head's own.
inline bool is_part_of_head(const tensor_table& tensors, const name_style& style, std::string_view stem, std::int64_t classes) noexcept {
    const std::string_view dictionary = style.dictionary();
    const std::string_view parent = detail::slice(stem, 0, detail::slice(stem, 0, stem.size() - 1).rfind('.') + 1);
    const bool own = parent.size() > dictionary.size() && !style.prefix.starts_with(parent);
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        const std::string_view name = tensors.name(i);
        if (!name.starts_with(dictionary) || name.starts_with(stem) || style.in_stage(name)) continue;
        const tensor_entry& entry = tensors.entry(i);
        if ((own && name.starts_with(parent)) || (entry.rank == 2 && entry.shape[1] == classes && name.ends_with(".weight"))) return true;
    }
    return false;
}

/// Finds a head by another name: the only weight (classes, width) with a bias (classes) whose name begins with `scope`. It must be in the
/// dictionary of the model and outside its stages. Empty if there is none, more than one, or one that is only part of the head.
inline std::string_view find_head(const tensor_table& tensors, const name_style& style, std::string_view scope, int width) noexcept {
    const std::string_view dictionary = style.dictionary(), ending = "weight";
    std::string_view found;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        const std::string_view name = tensors.name(i);
        if (!name.ends_with(".weight") || !name.starts_with(scope) || name.find('/', dictionary.size()) != std::string_view::npos ||
            style.in_stage(name))
            continue;
        const std::string_view stem = detail::slice(name, 0, name.size() - ending.size());
        if (!is_head(tensors, i, stem, width)) continue;
        if (!found.empty() || is_part_of_head(tensors, style, stem, tensors.entry(i).shape[0])) return {};
        found = stem;
    }
    return found;
}

/// Finds a head that is a dictionary of its own beside that of the model, such as "classifier" beside "encoder": the only one with a
/// weight (classes, width) and a bias (classes). Empty if there is none or more than one.
inline std::string_view find_head_beside(const tensor_table& tensors, const name_style& style, int width) noexcept {
    std::string_view parent = style.dictionary();
    if (parent.empty()) return {};
    parent.remove_suffix(1);
    parent = detail::slice(parent, 0, parent.rfind('/') + 1);
    const std::string_view ending = "/weight";
    std::string_view found;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        const std::string_view name = tensors.name(i);
        if (!name.starts_with(parent) || !name.ends_with(ending) || name.starts_with(style.dictionary())) continue;
        const std::string_view stem = detail::slice(name, 0, name.size() - ending.size() + 1);
        if (stem.find('/', parent.size()) != stem.size() - 1 || !is_head(tensors, i, stem, width)) continue;
        if (!found.empty()) return {};
        found = stem;
    }
    return found;
}

/// Sets num_classes to the number of rows of head.weight, 0 without a head. transformers' CvtModel also lacks the final norm.
inline void resolve_head(checkpoint_source& s) noexcept {
    const bool norm = find_official(s.tensors, s.style, "norm.weight") != nullptr;
    const bool has_stages = s.config.num_stages > 0 && s.config.num_stages <= config::max_stages;  // not validated yet
    if (norm && has_stages && find_official(s.tensors, s.style, "head.weight") == nullptr) {
        const int width = s.config.last_stage().embed_dim;
        s.style.head = find_head(s.tensors, s.style, s.style.prefix, width);
        if (s.style.head.empty()) s.style.head = find_head(s.tensors, s.style, s.style.dictionary(), width);
        const bool inside = !s.style.head.empty();
        if (!inside) s.style.head = find_head_beside(s.tensors, s.style, width);
        const std::string_view name = detail::slice(s.style.head, inside ? s.style.dictionary().size() : 0);
        if (!name.empty()) s.warnings.add("head.weight is missing: %sweight is used as the head", printable{name}.text);
    }
    const tensor_entry* head = find_official(s.tensors, s.style, "head.weight");
    s.config.final_norm = head != nullptr || norm;
    const std::int64_t rows = head == nullptr || head->rank == 0 ? 0 : head->shape[0];
    s.config.num_classes = rows > INT_MAX ? INT_MAX : static_cast<int>(rows);
}

}  // namespace checkpoint
CVT_NAMESPACE_END
