// Reads and writes preprocessor_config.json of a Hugging Face folder: how images become inputs.
#pragma once

#include <cfloat>

#include "../image/preprocessing.hpp"
#include "../validate.hpp"
#include "json/fields.hpp"
#include "json/writer.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

inline void read_side(json_fields& fields, const char* name, json_value v, int& out) noexcept {
    fields.convert(name, v, out);
    if (fields && (out < 1 || out > maximum_input)) fields.mismatch(name, "1 to 65536 pixels", v);
}

/// {"height": h, "width": w}; false when `v` is something else.
inline bool read_sides(json_fields& fields, const char* name, json_value v, int& height, int& width) noexcept {
    const json_value h = v.find("height"), w = v.find("width");
    if (!h || !w) return false;
    read_side(fields, name, h, height);
    read_side(fields, name, w, width);
    return true;
}

/// image_mean or image_std: kept for up to 4 channels, counted for more; an image of another number is refused when it comes.
inline void read_per_channel(json_fields& fields, const char* key, std::array<float, 4>& out, int& count) noexcept {
    const json_value list = fields.get(key);
    if (!list) return;
    if (!list.is(json_kind::array) || list.size() > 4096) return fields.mismatch(key, "a list of numbers, one for each channel", list);
    count = static_cast<int>(list.size());
    std::size_t i = 0;
    for (json_value v = list.first(); v && fields; v = v.next(), ++i) {
        char name[48];
        std::snprintf(name, sizeof name, "%s[%zu]", key, i);
        double value = 0;
        fields.convert(name, v, value);
        if (value > static_cast<double>(FLT_MAX) || value < -static_cast<double>(FLT_MAX)) fields.mismatch(name, "a float32", v);
        if (fields && i < out.size()) out[i] = static_cast<float>(value);
    }
}

/// `size` and what depends on it. An integer n or {"shortest_edge": n} is the official rule with `crop_pct` in place of
/// 0.875: crop below 384, warp from there on. With a `crop_size` beside it the short side becomes n (n / crop_pct where
/// that is stated), whatever n is, and the crop has that size. {"height", "width"} warps.
inline void read_sizes(json_fields& fields, preprocessing& p) noexcept {
    using rule = preprocessing::resize_rule;
    int side = 224;
    bool warp = false;
    if (const json_value size = fields.get("size")) {
        if (size.is(json_kind::number)) {
            read_side(fields, "size", size, side);
        } else if (const json_value edge = size.find("shortest_edge")) {
            read_side(fields, "size.shortest_edge", edge, side);
        } else if (read_sides(fields, "size", size, p.resize_height, p.resize_width)) {
            warp = true;
        } else {
            fields.mismatch("size", "an integer, {\"shortest_edge\"} or {\"height\", \"width\"}", size);
        }
    }
    double crop_pct = 0.875;
    fields.read("crop_pct", crop_pct);
    if (const json_value v = fields.get("crop_pct"); v && !(crop_pct > 0.01 && crop_pct <= 1)) fields.mismatch("crop_pct", "0.01 to 1", v);
    if (!fields) return;

    const json_value crop = fields.get("crop_size");
    if (warp) {
        p.resize = rule::warp;
        p.center_crop = false;
        p.crop_height = p.resize_height;
        p.crop_width = p.resize_width;
    } else {
        const double scale = crop && !fields.get("crop_pct") ? 1.0 : crop_pct;
        p = preprocessing::for_size(side);
        if (p.resize == rule::short_side || crop) {
            p.resize = rule::short_side;
            p.short_side = static_cast<int>(side / scale);
        }
    }
    if (crop) {
        p.center_crop = true;
        if (crop.is(json_kind::number)) {
            read_side(fields, "crop_size", crop, p.crop_height);
            p.crop_width = p.crop_height;
        } else if (!read_sides(fields, "crop_size", crop, p.crop_height, p.crop_width)) {
            fields.mismatch("crop_size", "an integer or {\"height\", \"width\"}", crop);
        }
    }
}

/// Reads the text of a preprocessor_config.json, called `file` in messages. Missing keys have the official values (224,
/// crop 0.875, bicubic, ImageNet's mean and std), unknown ones are ignored. What would need another resize than
/// Pillow's bicubic or another range than 0 to 1 is an error, never ignored.
/// Errors: malformed (no JSON), bad_config (types and values), unsupported.
inline result<preprocessing> read_hf_preprocessor(std::string_view text, const char* file = "preprocessor_config.json") noexcept {
    const result<json> document = json::parse(text);
    if (!document) return error::format(document.error().code(), "%s: %s", file, document.error().what());
    json_fields fields(document->root(), file);
    preprocessing p;
    read_sizes(fields, p);

    bool resize = true, rescale = true;
    fields.read("do_resize", resize);
    if (!resize) {
        p.resize = preprocessing::resize_rule::none;
        p.center_crop = static_cast<bool>(fields.get("crop_size"));  // transformers' ConvNext processor crops what it resized only
    }
    fields.read("do_center_crop", p.center_crop);

    int resample = 3;
    fields.read("resample", resample);
    if (resize && resample != 3) {
        fields.mismatch("resample", "3 (bicubic)", fields.get("resample"));
        return error::format(errc::unsupported, "%s", fields.failure().what());
    }
    fields.read("do_rescale", rescale);
    if (!rescale) fields.mismatch("do_rescale", "true", fields.get("do_rescale"));
    double factor = 1.0 / 255;
    fields.read("rescale_factor", factor);
    if (factor < 0.9999 / 255 || factor > 1.0001 / 255) fields.mismatch("rescale_factor", "1/255", fields.get("rescale_factor"));

    fields.read("do_normalize", p.normalize);
    if (p.normalize) {
        read_per_channel(fields, "image_mean", p.mean, p.mean_count);
        read_per_channel(fields, "image_std", p.std, p.std_count);
    }
    if (!fields) return fields.failure();
    return p;
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
