// Writes config.json and preprocessor_config.json as transformers writes and reads them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <string_view>

#include "../config.hpp"
#include "../error.hpp"
#include "../image/preprocessing.hpp"
#include "../runtime/buffer.hpp"
#include "hf_config.hpp"
#include "hf_preprocessor.hpp"
#include "json/writer.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// `c` with defaults in every field that its projections do not use.
inline config without_unused(config c) noexcept {
    for (int i = 0; i < c.num_stages; ++i) {
        stage_config& s = c.stage[static_cast<std::size_t>(i)];
        const stage_config unused;
        if (s.qkv_projection == projection::dw_bn) continue;
        s.padding_q = unused.padding_q;
        s.stride_q = unused.stride_q;
        if (s.qkv_projection == projection::avg) continue;
        s.kernel_qkv = unused.kernel_qkv;
        s.padding_kv = unused.padding_kv;
        s.stride_kv = unused.stride_kv;
    }
    return c;
}

/// id2label, and label2id, in which the last of equal labels wins, as in a Python dict. Without labels num_labels says
/// how many classes there are.
inline error write_labels(json_writer& json, int classes, std::span<const char* const> labels) noexcept {
    if (labels.empty()) {
        if (classes > 0) json.key("num_labels").integer(classes);
        return {};
    }
    detail::buffer<std::uint32_t> order;
    if (!order.resize(labels.size())) return error::out_of_memory("labels", labels.size() * sizeof(std::uint32_t));
    for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
    json.key("id2label").begin_object();
    for (const std::uint32_t i : order) {
        char id[16];
        std::snprintf(id, sizeof id, "%u", static_cast<unsigned>(i));
        json.key(id).string(labels[i]);
    }
    json.end_object().key("label2id").begin_object();
    std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
        const int difference = std::strcmp(labels[a], labels[b]);
        return difference != 0 ? difference < 0 : a < b;
    });
    for (std::size_t i = 0; i < order.size(); ++i)
        if (i + 1 == order.size() || std::strcmp(labels[order[i]], labels[order[i + 1]]) != 0) json.key(labels[order[i]]).integer(order[i]);
    json.end_object();
    return {};
}

/// Writes the text of a config.json for transformers' CvtConfig, with our `hidden_act` (transformers computes with the
/// exact GELU whatever it says). `labels`: UTF-8, one for each class, or none. `image_size`: 0 for none. What was
/// written has been read back and is `c`. Errors: invalid_argument (labels), out_of_memory.
inline error write_hf_config(const config& given, int image_size, std::span<const char* const> labels, const char* torch_dtype,
                             json_writer& json) noexcept {
    const config c = without_unused(given);
    if (!labels.empty() && labels.size() != static_cast<std::size_t>(c.num_classes))
        return error::format(errc::invalid_argument, "labels: expected %d, one for each class, found %zu", c.num_classes, labels.size());
    const auto list = [&](const char* key, auto&& write) noexcept {
        json.key(key).begin_list();
        for (const stage_config& s : c.stages()) write(s);
        json.end_list();
    };
    const auto integers = [&](const char* key, int stage_config::*member) noexcept {
        list(key, [&](const stage_config& s) { json.integer(s.*member); });
    };
    const auto booleans = [&](const char* key, bool stage_config::*member) noexcept {
        list(key, [&](const stage_config& s) { json.boolean(s.*member); });
    };
    const auto rates = [&](const char* key, double last) noexcept {  // of training; one a stage, or transformers would miss them
        list(key, [&](const stage_config& s) { json.real(&s == &c.stages().back() ? last : 0.0); });
    };

    json.begin_object().key("architectures").begin_list();
    json.string(c.num_classes > 0 ? "CvtForImageClassification" : "CvtModel").end_list();
    json.key("model_type").string("cvt").key("num_channels").integer(c.num_channels);
    integers("patch_sizes", &stage_config::patch_size);
    integers("patch_stride", &stage_config::patch_stride);
    integers("patch_padding", &stage_config::patch_padding);
    integers("embed_dim", &stage_config::embed_dim);
    integers("num_heads", &stage_config::num_heads);
    integers("depth", &stage_config::depth);
    list("mlp_ratio", [&](const stage_config& s) { json.real(s.mlp_ratio); });
    rates("attention_drop_rate", 0.0);
    rates("drop_rate", 0.0);
    rates("drop_path_rate", 0.1);
    booleans("qkv_bias", &stage_config::qkv_bias);
    booleans("cls_token", &stage_config::cls_token);
    list("qkv_projection_method", [&](const stage_config& s) { json.string(to_string(s.qkv_projection)); });
    integers("kernel_qkv", &stage_config::kernel_qkv);
    integers("padding_kv", &stage_config::padding_kv);
    integers("stride_kv", &stage_config::stride_kv);
    integers("padding_q", &stage_config::padding_q);
    integers("stride_q", &stage_config::stride_q);
    json.key("hidden_act").string(c.gelu == gelu::quick ? "quick_gelu" : "gelu");
    if (image_size > 0) json.key("image_size").integer(image_size);
    json.key("torch_dtype").string(torch_dtype);
    if (error e = write_labels(json, c.num_classes, labels)) return e;
    json.end_object();
    if (!json.good()) return error::out_of_memory("config.json", json.text().size());

    // Only labels can be unreadable: text that is not UTF-8. The rest is a promise of this library to itself.
    const result<hf_config> back = read_hf_config(json.text());
    if (!back && back.error().code() == errc::out_of_memory) return back.error();
    if (!back) return error::format(errc::invalid_argument, "labels: the config.json with them cannot be read: %s", back.error().what());
    config same = back->config;
    same.num_classes = c.num_classes;
    same.final_norm = c.final_norm;
    same.gelu = back->gelu.value_or(gelu::quick);
    if (!(same == c)) return error::format(errc::bad_config, "config.json cannot express this configuration");
    return {};
}

/// Writes the text of a preprocessor_config.json: read back, and by transformers' processor of that name, it does what
/// `p` does. Only `p.rounding` has no key there.
inline error write_hf_preprocessor(const preprocessing& p, json_writer& json) noexcept {
    using rule = preprocessing::resize_rule;
    const int side = p.center_crop ? p.crop_height : p.resize_height;
    const preprocessing official = preprocessing::for_size(side);
    const bool follows_rule = p.resize == official.resize && p.center_crop == official.center_crop &&
                              (p.center_crop ? p.crop_width == side && p.short_side == official.short_side : p.resize_width == side);
    const bool plain_warp = p.resize == rule::warp && !p.center_crop;
    const auto sides = [&](const char* key, int height, int width) noexcept {
        json.key(key).begin_object().key("height").integer(height).key("width").integer(width).end_object();
    };
    const auto numbers = [&](const char* key, const std::array<float, 4>& values, int count) noexcept {
        json.key(key).begin_list();
        for (int i = 0; i < std::min(count, 4); ++i) json.real(values[static_cast<std::size_t>(i)]);
        json.end_list();
    };

    json.begin_object().key("do_resize").boolean(p.resize != rule::none);
    // The official rule is that of ConvNext's processor (crop below 384, warp from there), a plain warp is ViT's, the rest CLIP's.
    if (follows_rule) {
        json.key("size").begin_object().key("shortest_edge").integer(side).end_object().key("crop_pct").real(0.875);
    } else if (p.resize == rule::warp) {
        sides("size", p.resize_height, p.resize_width);
    } else {
        json.key("size").begin_object().key("shortest_edge").integer(p.short_side).end_object();
    }
    if (!follows_rule && !plain_warp) {
        json.key("do_center_crop").boolean(p.center_crop);
        sides("crop_size", p.crop_height, p.crop_width);
    }
    json.key("resample").integer(3).key("do_rescale").boolean(true).key("rescale_factor").real(1.0 / 255);
    json.key("do_normalize").boolean(p.normalize);
    numbers("image_mean", p.mean, p.mean_count);
    numbers("image_std", p.std, p.std_count);
    json.key("image_processor_type");
    json.string(follows_rule ? "ConvNextImageProcessor" : plain_warp ? "ViTImageProcessor" : "CLIPImageProcessor").end_object();
    return json.good() ? error{} : error::out_of_memory("preprocessor_config.json", json.text().size());
}

}  // namespace checkpoint
CVT_NAMESPACE_END
