// Recognises the published variants of CvT by the shapes of their tensors.
#pragma once

#include "check_tensors.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// Returns the number of input channels that the weight of the first embedding shows; validate() reports what is out of range.
inline int channels_of(const tensor_entry& first) noexcept {
    if (first.rank != 4) return 3;
    return first.shape[1] > 4096 ? 4097 : static_cast<int>(first.shape[1]);
}

struct published_variant {
    const char* name;
    const config* value;
    int image_size;  ///< where nothing else gives one
};
inline constexpr published_variant published_variants[]{{"CvT-13", &cvt_13, 224}, {"CvT-21", &cvt_21, 224}, {"CvT-W24", &cvt_w24, 384}};

/// Returns the published variant with the stages of `c`, or null. Channels, classes, activation and final norm may differ.
inline const published_variant* variant_of(const config& c) noexcept {
    for (const published_variant& v : published_variants)
        if (std::equal(c.stages().begin(), c.stages().end(), v.value->stages().begin(), v.value->stages().end())) return &v;
    return nullptr;
}

/// Returns the stages that the shapes of tensors show: not their num_heads, strides and paddings; avg counts as linear.
inline config seen_stages(const tensor_table& tensors, const name_style& style) noexcept {
    config seen;
    int& count = seen.num_stages;
    char name[96];
    const auto find = [&](const char* part) noexcept {
        std::snprintf(name, sizeof name, "stage%d.%s", count, part);
        return find_official(tensors, style, name);
    };
    for (count = 0; count < config::max_stages; ++count) {
        stage_config& s = seen.stage[static_cast<std::size_t>(count)];
        const tensor_entry* e = find("patch_embed.proj.weight");
        if (e == nullptr || e->rank != 4 || e->shape[0] < 1 || e->shape[0] > 65536 || e->shape[3] > 65536) break;
        s.embed_dim = static_cast<int>(e->shape[0]);
        s.patch_size = static_cast<int>(e->shape[3]);
        s.cls_token = find("cls_token") != nullptr;
        s.depth = 0;
        do std::snprintf(name, sizeof name, "stage%d.blocks.%d.norm1.weight", count, s.depth);
        while (find_official(tensors, style, name) != nullptr && ++s.depth < 1024);
        s.qkv_bias = find("blocks.0.attn.proj_q.bias") != nullptr;
        e = find("blocks.0.attn.conv_proj_q.conv.weight");
        s.qkv_projection = e != nullptr ? projection::dw_bn : projection::linear;
        if (e != nullptr && e->rank == 4 && e->shape[3] <= 65536) s.kernel_qkv = static_cast<int>(e->shape[3]);
        e = find("blocks.0.mlp.fc1.weight");
        if (e != nullptr && e->rank == 2) s.mlp_ratio = static_cast<double>(e->shape[0]) / s.embed_dim;
    }
    return seen;
}

/// Returns the published variant of the tensors, with their number of input channels. Heads, strides and paddings do not show in shapes,
/// so that any other model is an error. Errors: bad_config, with the widths and depths that were found.
inline result<config> recognise(const tensor_table& tensors, const name_style& style) noexcept {
    const config seen = seen_stages(tensors, style);
    const std::span<const stage_config> stages = seen.stages();
    for (const published_variant& v : published_variants) {
        const auto as_published = [](const stage_config& a, const stage_config& b) noexcept {
            return a.embed_dim == b.embed_dim && a.depth == b.depth && a.patch_size == b.patch_size && a.cls_token == b.cls_token;
        };
        if (!std::equal(stages.begin(), stages.end(), v.value->stages().begin(), v.value->stages().end(), as_published)) continue;
        config c = *v.value;
        c.num_channels = channels_of(*find_official(tensors, style, "stage0.patch_embed.proj.weight"));
        return c;
    }
    detail::text_list<128> widths, depths;
    for (const stage_config& s : stages) {
        widths.add(", ", "%d", s.embed_dim);
        depths.add(", ", "%d", s.depth);
    }
    return error::format(errc::bad_config,
                         "tensors: expected the shapes of CvT-13, CvT-21 or CvT-W24, found widths %s and depths %s: any other model needs "
                         "its configuration, "
                         "from a config.json or from the caller",
                         widths.text, depths.text);
}

}  // namespace checkpoint
CVT_NAMESPACE_END
