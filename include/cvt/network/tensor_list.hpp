// The list of a CvT's tensors: official name, shape and role of each. The official state dict.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>

#include "../config.hpp"
#include "../tensor.hpp"

CVT_NAMESPACE_BEGIN
namespace network {

/// Role of a tensor in a model. Weights and biases are parameters; statistics are BatchNorm's, measured rather than trained.
enum class tensor_role : std::uint8_t { weight, bias, statistic };

/// Kinds of tensors of a stage, of a block and of the model, in the order of the official state dict.
// clang-format off
enum class tensor_id : std::uint8_t {
    cls_token, embed_weight, embed_bias, embed_norm_weight, embed_norm_bias,
    // of a block
    norm1_weight, norm1_bias,
    conv_q, bn_q_weight, bn_q_bias, bn_q_mean, bn_q_var,
    conv_k, bn_k_weight, bn_k_bias, bn_k_mean, bn_k_var,
    conv_v, bn_v_weight, bn_v_bias, bn_v_mean, bn_v_var,
    proj_q_weight, proj_q_bias, proj_k_weight, proj_k_bias, proj_v_weight, proj_v_bias,
    proj_weight, proj_bias, norm2_weight, norm2_bias, fc1_weight, fc1_bias, fc2_weight, fc2_bias,
    // of the model
    norm_weight, norm_bias, head_weight, head_bias,
    count
};
// clang-format on

constexpr tensor_id next(tensor_id id, int steps = 1) noexcept { return static_cast<tensor_id>(static_cast<int>(id) + steps); }

/// Position of a tensor: its stage, and its block in the stage. Tensors of the model belong to the last stage.
struct tensor_place {
    int stage = 0, block = 0;
};

/// One tensor of a model.
struct tensor_info {
    char name[96]{};  ///< official: "stage2.blocks.3.attn.proj_q.weight"
    std::int64_t shape[4]{};
    std::size_t rank = 0;
    tensor_role role = tensor_role::weight;
    tensor_id id = tensor_id::cls_token;
    tensor_place at;

    [[nodiscard]] std::span<const std::int64_t> extents() const noexcept { return {shape, rank}; }
    /// Number of elements: below 2^40 in a valid configuration.
    [[nodiscard]] std::int64_t count() const noexcept { return detail::count_elements(extents()); }
};

/// An axis of a tensor, whose extent the configuration gives.
enum class axis : std::uint8_t { none, one, dim, channels, patch, kernel, hidden, classes, count };

/// What a stage or the model must have if a tensor is to exist.
enum class condition : std::uint8_t { always, cls, dw_bn, qkv_bias, norm, head, count };

struct tensor_row {
    const char* name;  ///< without the stage and the block
    tensor_role role;
    axis shape[4];
    condition when = condition::always;
};

namespace rows {
using enum tensor_role;
using enum axis;

/// Indexed by tensor_id.
inline constexpr tensor_row all[]{
    {"cls_token", weight, {one, one, dim}, condition::cls},
    {"patch_embed.proj.weight", weight, {dim, channels, patch, patch}},
    {"patch_embed.proj.bias", bias, {dim}},
    {"patch_embed.norm.weight", weight, {dim}},
    {"patch_embed.norm.bias", bias, {dim}},
    {"norm1.weight", weight, {dim}},
    {"norm1.bias", bias, {dim}},
    {"attn.conv_proj_q.conv.weight", weight, {dim, one, kernel, kernel}, condition::dw_bn},
    {"attn.conv_proj_q.bn.weight", weight, {dim}, condition::dw_bn},
    {"attn.conv_proj_q.bn.bias", bias, {dim}, condition::dw_bn},
    {"attn.conv_proj_q.bn.running_mean", statistic, {dim}, condition::dw_bn},
    {"attn.conv_proj_q.bn.running_var", statistic, {dim}, condition::dw_bn},
    {"attn.conv_proj_k.conv.weight", weight, {dim, one, kernel, kernel}, condition::dw_bn},
    {"attn.conv_proj_k.bn.weight", weight, {dim}, condition::dw_bn},
    {"attn.conv_proj_k.bn.bias", bias, {dim}, condition::dw_bn},
    {"attn.conv_proj_k.bn.running_mean", statistic, {dim}, condition::dw_bn},
    {"attn.conv_proj_k.bn.running_var", statistic, {dim}, condition::dw_bn},
    {"attn.conv_proj_v.conv.weight", weight, {dim, one, kernel, kernel}, condition::dw_bn},
    {"attn.conv_proj_v.bn.weight", weight, {dim}, condition::dw_bn},
    {"attn.conv_proj_v.bn.bias", bias, {dim}, condition::dw_bn},
    {"attn.conv_proj_v.bn.running_mean", statistic, {dim}, condition::dw_bn},
    {"attn.conv_proj_v.bn.running_var", statistic, {dim}, condition::dw_bn},
    {"attn.proj_q.weight", weight, {dim, dim}},
    {"attn.proj_q.bias", bias, {dim}, condition::qkv_bias},
    {"attn.proj_k.weight", weight, {dim, dim}},
    {"attn.proj_k.bias", bias, {dim}, condition::qkv_bias},
    {"attn.proj_v.weight", weight, {dim, dim}},
    {"attn.proj_v.bias", bias, {dim}, condition::qkv_bias},
    {"attn.proj.weight", weight, {dim, dim}},
    {"attn.proj.bias", bias, {dim}},
    {"norm2.weight", weight, {dim}},
    {"norm2.bias", bias, {dim}},
    {"mlp.fc1.weight", weight, {hidden, dim}},
    {"mlp.fc1.bias", bias, {hidden}},
    {"mlp.fc2.weight", weight, {dim, hidden}},
    {"mlp.fc2.bias", bias, {dim}},
    {"norm.weight", weight, {dim}, condition::norm},
    {"norm.bias", bias, {dim}, condition::norm},
    {"head.weight", weight, {classes, dim}, condition::head},
    {"head.bias", bias, {classes}, condition::head},
};
static_assert(std::size(all) == static_cast<std::size_t>(tensor_id::count));
}  // namespace rows

/// Whether stage `s` of configuration `c` has a tensor of this kind.
constexpr bool has_tensor(const config& c, const stage_config& s, tensor_id id) noexcept {
    const bool holds[]{true, s.cls_token, s.qkv_projection == projection::dw_bn, s.qkv_bias, c.final_norm, c.num_classes > 0};
    static_assert(std::size(holds) == static_cast<std::size_t>(condition::count));
    return holds[static_cast<std::size_t>(rows::all[static_cast<std::size_t>(id)].when)];
}

/// Weights that an int8 model stores as bytes. The first conv token embedding and the head stay in float32: the embedding reads pixels,
/// and no layer after the head averages its rounding errors.
inline constexpr tensor_id int8_weights[]{tensor_id::embed_weight,  tensor_id::proj_q_weight, tensor_id::proj_k_weight,
                                          tensor_id::proj_v_weight, tensor_id::proj_weight,   tensor_id::fc1_weight,
                                          tensor_id::fc2_weight};
constexpr bool is_int8_weight(tensor_id id, tensor_place at) noexcept {
    for (const tensor_id weight : int8_weights)
        if (id == weight) return id != tensor_id::embed_weight || at.stage != 0;
    return false;
}

/// Name, shape and role of a tensor of a valid configuration.
inline tensor_info describe(const config& c, tensor_id id, tensor_place at) noexcept {
    const stage_config& s = c.stage[static_cast<std::size_t>(at.stage)];
    const tensor_row& row = rows::all[static_cast<std::size_t>(id)];
    tensor_info info;
    info.role = row.role;
    info.id = id;
    info.at = at;
    if (id >= tensor_id::norm_weight)
        std::snprintf(info.name, sizeof info.name, "%s", row.name);
    else if (id >= tensor_id::norm1_weight)
        std::snprintf(info.name, sizeof info.name, "stage%d.blocks.%d.%s", at.stage, at.block, row.name);
    else
        std::snprintf(info.name, sizeof info.name, "stage%d.%s", at.stage, row.name);
    const int channels = at.stage == 0 ? c.num_channels : c.stage[static_cast<std::size_t>(at.stage - 1)].embed_dim;
    const int extents[]{0, 1, s.embed_dim, channels, s.patch_size, s.kernel_qkv, s.hidden_dim(), c.num_classes};
    static_assert(std::size(extents) == static_cast<std::size_t>(axis::count));
    for (; info.rank < 4 && row.shape[info.rank] != axis::none; ++info.rank)
        info.shape[info.rank] = extents[static_cast<std::size_t>(row.shape[info.rank])];
    return info;
}

/// The kind and the position of a tensor.
struct tensor_key {
    tensor_id id = tensor_id::count;
    tensor_place at;
};

/// Finds a tensor by its official name; tensor_id::count for any other name. The tensors of the model are found in stage 0.
inline tensor_key find_tensor(const char* name) noexcept {
    const auto take = [&](const char* word) noexcept {  // and the number after it: "stage2."
        const std::size_t size = std::strlen(word);
        if (std::strncmp(name, word, size) != 0) return 0;
        char* end = nullptr;
        const long number = std::strtol(name + size, &end, 10);
        name = *end == '.' ? end + 1 : end;
        return static_cast<int>(number);
    };
    tensor_key found;
    found.at.stage = take("stage");
    found.at.block = take("blocks.");
    for (std::size_t i = 0; i < std::size(rows::all); ++i)
        if (std::strcmp(name, rows::all[i].name) == 0) found.id = static_cast<tensor_id>(i);
    return found;
}

/// Calls visitor(const tensor_info&) for every tensor of a model of the valid configuration `c`, without BatchNorm's step counters. The
/// order is that of the official state dict.
template <class Visitor>
void for_each_tensor(const config& c, Visitor&& visitor) noexcept {
    const auto visit = [&](tensor_id first, tensor_id end, tensor_place at) noexcept {
        for (tensor_id id = first; id != end; id = next(id))
            if (has_tensor(c, c.stage[static_cast<std::size_t>(at.stage)], id)) visitor(describe(c, id, at));
    };
    for (int i = 0; i < c.num_stages; ++i) {
        visit(tensor_id::cls_token, tensor_id::norm1_weight, {i});
        for (int j = 0; j < c.stage[static_cast<std::size_t>(i)].depth; ++j) visit(tensor_id::norm1_weight, tensor_id::norm_weight, {i, j});
    }
    visit(tensor_id::norm_weight, tensor_id::count, {c.num_stages - 1});
}

/// Number of trained parameters of a valid configuration.
inline std::int64_t parameters_of(const config& c) noexcept {
    std::int64_t total = 0;
    for_each_tensor(c, [&](const tensor_info& t) noexcept {
        if (t.role != tensor_role::statistic) total += t.count();
    });
    return total;
}

}  // namespace network
CVT_NAMESPACE_END
