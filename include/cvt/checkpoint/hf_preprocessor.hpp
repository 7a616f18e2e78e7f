// Reads and writes preprocessor_config.json of a Hugging Face folder: how images become inputs.
#pragma once

#include <algorithm>
#include <cfloat>
#include <cmath>

#include "../image/input_size.hpp"
#include "../validate.hpp"
#include "formats/other_files.hpp"
#include "json/fields.hpp"
#include "json/writer.hpp"
#include "tensor_names.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

using resize_rule = preprocessing::resize_rule;

inline void read_side(json_fields& fields, const char* name, json_value v, int& out) noexcept {
    fields.convert(name, v, out);
    if (fields && (out < 1 || out > maximum_input)) fields.mismatch(name, "1 to 65536 pixels", v);
}

/// Reads {"height": h, "width": w}; false if `v` is something else.
inline bool read_sides(json_fields& fields, const char* name, json_value v, int& height, int& width) noexcept {
    const json_value h = v.find("height"), w = v.find("width");
    if (!h || !w) return false;
    read_side(fields, name, h, height);
    read_side(fields, name, w, width);
    return true;
}

/// Checks the keys of `size` or `crop_size`: "shortest_edge" alone, or "height" and "width". Other keys, such as "longest_edge", would mean
/// another rule.
inline void check_sides(json_fields& fields, const char* name, json_value sides) noexcept {
    const bool edge = static_cast<bool>(sides.find("shortest_edge"));
    for (json_value v = sides.first(); v && fields; v = v.next()) {
        const std::string_view key = v.key();
        if (v.is(json_kind::null) ||
            (edge ? detail::same_text(key, "shortest_edge") : detail::same_text(key, "height") || detail::same_text(key, "width")))
            continue;
        char full[192];
        std::snprintf(full, sizeof full, "%s.%s", name, detail::printable{key, 60}.text);
        fields.mismatch(full, "\"shortest_edge\" alone, or \"height\" and \"width\"", v);
    }
}

inline void read_float(json_fields& fields, const char* name, json_value v, float& out) noexcept {
    double value = 0;
    fields.convert(name, v, value);
    if (value > static_cast<double>(FLT_MAX) || value < -static_cast<double>(FLT_MAX)) fields.mismatch(name, "a float32", v);
    if (fields) out = static_cast<float>(value);
}

/// Reads image_mean or image_std. A single number applies to every channel. Of a list, up to 4 values are kept and all are counted: an
/// image with another number of channels is refused later.
inline void read_per_channel(json_fields& fields, const char* key, std::array<float, 4>& out, int& count) noexcept {
    const json_value list = fields.get(key);
    if (!list) return;
    if (list.is(json_kind::number)) {
        float value = 0;
        read_float(fields, key, list, value);
        out.fill(value);
        count = 3;
        return;
    }
    if (!list.is(json_kind::array) || list.size() > 4096)
        return fields.mismatch(key, "a number, or a list of numbers, one for each channel", list);
    count = static_cast<int>(list.size());
    std::size_t i = 0;
    for (json_value v = list.first(); v && fields; v = v.next(), ++i) {
        char name[48];
        std::snprintf(name, sizeof name, "%s[%zu]", key, i);
        float value = 0;
        read_float(fields, name, v, value);
        if (i < out.size()) out[i] = value;
    }
}

/// The meaning of a `size` of one number n.
enum class size_rule : std::uint8_t {
    official,    ///< below 384 the short side becomes int(n / crop_pct) and a centre crop n x n; from 384 on a warp to n x n
    square,      ///< a warp to n x n
    short_side,  ///< the short side becomes n
    levit,       ///< the short side becomes int(256 / 224 * n)
};

/// An image processor of transformers.
struct hf_processor {
    std::string_view stem;  ///< of its class: "ViT" of ViTImageProcessor
    size_rule number;
    bool crops;  ///< has crop_size, and do_center_crop with the default true
};
inline constexpr hf_processor hf_processors[]{
    {"ConvNext", size_rule::official, false},
    {"ViT", size_rule::square, false},
    {"Siglip", size_rule::square, false},
    {"DeiT", size_rule::square, true},
    {"Beit", size_rule::square, true},
    {"CLIP", size_rule::short_side, true},
    {"Bit", size_rule::short_side, true},
    {"Levit", size_rule::levit, true},
    {"MobileNetV1", size_rule::short_side, true},
    {"MobileNetV2", size_rule::short_side, true},
};

/// The processor that a file names.
struct named_processor {
    const hf_processor* type = nullptr;  ///< null if the file names none
    std::string_view name;               ///< of the class, as in the file
    bool official_defaults = true;       ///< whether missing keys have the values of the official evaluation
};

/// Reads image_processor_type, or else feature_extractor_type. Refuses a class whose rule is not known here.
inline named_processor read_processor(json_fields& fields) noexcept {
    const char* key = "image_processor_type";
    json_value given = fields.get(key);
    if (!given) given = fields.get(key = "feature_extractor_type");
    if (!given) return {};
    if (given.is(json_kind::string)) {
        const std::string_view name = given.string();
        for (const hf_processor& p : hf_processors) {
            std::string_view rest = name;
            if (!take_front(rest, p.stem)) continue;
            if (detail::same_text(rest, "FeatureExtractor")) return {&p, name, p.number == size_rule::official};
            if (detail::same_text(rest, "ImageProcessor") || detail::same_text(rest, "ImageProcessorFast")) return {&p, name, false};
        }
    }
    fields.mismatch(key, "the class of ConvNext, ViT, Siglip, DeiT, Beit, CLIP, Bit, Levit, MobileNetV1 or MobileNetV2", given,
                    errc::unsupported);
    return {};
}

/// Refuses a file without `key` if the default of its processor differs between versions of transformers.
inline void require(json_fields& fields, const named_processor& processor, const char* key) noexcept {
    if (processor.official_defaults || fields.get(key) || !fields) return;
    fields.fail(error::format(errc::bad_config, "%s: %s is missing: the default of %s differs between versions of transformers",
                              fields.file(), key, detail::printable{processor.name, 60}.text));
}

/// Reads `size` as a resize rule, and as a crop where the rule is the official one.
inline void read_size(json_fields& fields, size_rule rule_of_number, preprocessing& p) noexcept {
    int side = 224;
    bool square = rule_of_number == size_rule::square;
    if (const json_value size = fields.get("size")) {
        if (size.is(json_kind::object)) check_sides(fields, "size", size);
        if (size.is(json_kind::number)) {
            read_side(fields, "size", size, side);
        } else if (const json_value edge = size.find("shortest_edge")) {
            read_side(fields, "size.shortest_edge", edge, side);
            square = false;
        } else if (read_sides(fields, "size", size, p.resize_height, p.resize_width)) {
            p.resize = resize_rule::warp;
            p.center_crop = false;
            p.crop_height = p.resize_height;
            p.crop_width = p.resize_width;
            return;
        } else {
            fields.mismatch("size", "an integer, {\"shortest_edge\"} or {\"height\", \"width\"}", size);
        }
    }
    p = preprocessing::for_size(side);
    if (rule_of_number == size_rule::official) return;
    p.resize = square ? resize_rule::warp : resize_rule::short_side;
    p.short_side = rule_of_number == size_rule::levit ? static_cast<int>(256.0 / 224.0 * side) : side;
    p.center_crop = false;
}

inline void read_crop_size(json_fields& fields, preprocessing& p) noexcept {
    const json_value crop = fields.get("crop_size");
    if (!crop) return;
    if (crop.is(json_kind::object)) check_sides(fields, "crop_size", crop);
    if (crop.is(json_kind::number)) {
        read_side(fields, "crop_size", crop, p.crop_height);
        p.crop_width = p.crop_height;
    } else if (!read_sides(fields, "crop_size", crop, p.crop_height, p.crop_width)) {
        fields.mismatch("crop_size", "an integer or {\"height\", \"width\"}", crop);
    }
}

/// Reads `size`, `crop_size` and `do_center_crop` as the named processor does. ConvNext's has only the crop of its rule, and ViT's and
/// Siglip's have none. A file that asks them for another crop is refused, as versions of transformers differ.
inline void read_named_sizes(json_fields& fields, const named_processor& processor, bool resize, double crop_pct,
                             preprocessing& p) noexcept {
    if (resize) require(fields, processor, "size");
    read_size(fields, processor.type->number, p);
    if (p.resize == resize_rule::short_side && processor.type->number == size_rule::official)
        p.short_side = static_cast<int>(p.crop_height / crop_pct);
    if (!resize) {
        p.resize = resize_rule::none;
        if (!processor.type->crops) p.center_crop = false;
    }
    bool crop = processor.type->crops;
    fields.read("do_center_crop", crop);
    if (processor.type->crops) {
        p.center_crop = crop;
        if (crop) require(fields, processor, "crop_size");
        if (crop) read_crop_size(fields, p);
    } else if (crop && fields.get("crop_size")) {
        const int height = p.crop_height, width = p.crop_width;
        read_crop_size(fields, p);
        if (!fields || (p.resize != resize_rule::none && output_size(p) && p.crop_height == height && p.crop_width == width)) return;
        fields.mismatch("do_center_crop", "false, or a crop_size equal to size, as the processor does not crop by itself",
                        fields.get("do_center_crop"));
    }
}

/// Reads the same keys of a file that names no processor. An integer n or {"shortest_edge": n} means the official rule. With a `crop_size`
/// the short side becomes n instead (n / crop_pct if that is given), and the crop has that size. {"height", "width"} means a warp.
inline void read_unnamed_sizes(json_fields& fields, bool resize, double crop_pct, preprocessing& p) noexcept {
    const json_value crop = fields.get("crop_size");
    read_size(fields, size_rule::official, p);
    const json_value size = fields.get("size");
    const bool warp = size && size.find("height") && size.find("width");
    if (!warp && (p.resize == resize_rule::short_side || crop)) {
        p.resize = resize_rule::short_side;
        p.short_side = static_cast<int>(p.crop_height / (crop && !fields.get("crop_pct") ? 1.0 : crop_pct));
    }
    if (crop) p.center_crop = true;
    read_crop_size(fields, p);
    if (!resize) {
        p.resize = resize_rule::none;
        p.center_crop = static_cast<bool>(crop);  // ConvNext's processor crops only what it has resized
    }
    fields.read("do_center_crop", p.center_crop);
}

/// Reads a filter by Pillow's number or by its name in any case.
inline void read_resample(json_fields& fields, resampling& out) noexcept {
    const json_value v = fields.get("resample");
    if (!v) return;
    const std::string_view given = v.is(json_kind::string) ? v.string() : std::string_view{};
    for (std::size_t i = 0; i < detail::resampling_names.size(); ++i) {
        const std::string_view name = detail::resampling_names[i];
        const auto same = [](char a, char b) noexcept { return a == (b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b); };
        if (v.integer() != static_cast<std::int64_t>(i) && !std::equal(name.begin(), name.end(), given.begin(), given.end(), same))
            continue;
        out = static_cast<resampling>(i);
        return;
    }
    fields.mismatch("resample", "0 to 5, or nearest, lanczos, bilinear, bicubic, box or hamming", v);
}

/// Reads what pixels are multiplied by.
inline void read_rescale(json_fields& fields, double& factor) noexcept {
    const double official = preprocessing{}.rescale_factor;
    bool rescale = true;
    fields.read("do_rescale", rescale);
    if (!rescale) {
        factor = 1;
        return;
    }
    fields.read("rescale_factor", factor);
    if (!(factor > 1e-30 && factor < 1e30)) fields.mismatch("rescale_factor", "1e-30 to 1e30", fields.get("rescale_factor"));
    if (std::abs(factor - official) < 1e-6 * official) factor = official;  // printed with fewer digits
}

/// Refuses steps that are not implemented, by their keys in the processors of other models.
inline void refuse_other_steps(json_fields& fields) noexcept {
    for (const char* const step : {"do_pad", "do_flip_channel_order", "do_thumbnail", "do_align_long_axis", "do_crop_margin",
                                   "do_color_quantize", "do_grayscale", "do_image_splitting", "keep_aspect_ratio", "rescale_offset"}) {
        const json_value v = fields.get(step);
        if (v.is(json_kind::boolean) && v.boolean()) fields.mismatch(step, "false", v, errc::unsupported);
    }
}

/// Reads the text of a preprocessor_config.json, called `file` in messages, as the processor of transformers that it names does. Missing
/// keys are errors if the file names another processor than ConvNextFeatureExtractor. Otherwise they have the official values (224, crop
/// 0.875, bicubic, ImageNet's mean and std). Unknown keys are ignored.
/// Errors: malformed (not JSON), bad_config (types, values, missing keys), unsupported (another processor, another step).
inline result<preprocessing> read_hf_preprocessor(std::string_view text, const char* file = "preprocessor_config.json") noexcept {
    const result<json> document = json::parse(text);
    if (!document) return not_json(file, text, document.error());
    json_fields fields(document->root(), file);
    const named_processor processor = read_processor(fields);
    refuse_other_steps(fields);
    preprocessing p;
    double crop_pct = 0.875;
    fields.read("crop_pct", crop_pct);
    if (const json_value v = fields.get("crop_pct"); v && !(crop_pct > 0.01 && crop_pct <= 1)) fields.mismatch("crop_pct", "0.01 to 1", v);
    bool resize = true;
    fields.read("do_resize", resize);
    if (fields && processor.type != nullptr)
        read_named_sizes(fields, processor, resize, crop_pct, p);
    else if (fields)
        read_unnamed_sizes(fields, resize, crop_pct, p);

    if (resize) {
        require(fields, processor, "resample");
        read_resample(fields, p.resample);
    }
    read_rescale(fields, p.rescale_factor);
    fields.read("do_normalize", p.normalize);
    if (p.normalize) {
        require(fields, processor, "image_mean");
        require(fields, processor, "image_std");
        read_per_channel(fields, "image_mean", p.mean, p.mean_count);
        read_per_channel(fields, "image_std", p.std, p.std_count);
    }
    if (!fields) return fields.failure();
    return p;
}

/// Writes the text of a preprocessor_config.json that means `p`, here and to the processor of transformers that it names. Only
/// `p.rounding` has no key there.
inline error write_hf_preprocessor(const preprocessing& p, json_writer& json) noexcept {
    const int side = p.center_crop ? p.crop_height : p.resize_height;
    const preprocessing official = preprocessing::for_size(side);
    const bool follows_rule = p.resize == official.resize && p.center_crop == official.center_crop &&
                              (p.center_crop ? p.crop_width == side && p.short_side == official.short_side : p.resize_width == side);
    const bool plain_warp = p.resize == resize_rule::warp && !p.center_crop;
    const auto sides = [&](const char* key, int height, int width) noexcept {
        json.key(key).begin_object().key("height").integer(height).key("width").integer(width).end_object();
    };
    const auto numbers = [&](const char* key, const std::array<float, 4>& values, int count) noexcept {
        json.key(key).begin_list();
        for (int i = 0; i < std::min(count, 4); ++i) json.real(values[static_cast<std::size_t>(i)]);
        json.end_list();
    };

    json.begin_object().key("do_resize").boolean(p.resize != resize_rule::none);
    // The official rule is that of ConvNext's processor; a warp without a crop is that of ViT's; CLIP's has all others.
    if (follows_rule) {
        json.key("size").begin_object().key("shortest_edge").integer(side).end_object().key("crop_pct").real(0.875);
    } else if (p.resize == resize_rule::warp) {
        sides("size", p.resize_height, p.resize_width);
    } else {
        json.key("size").begin_object().key("shortest_edge").integer(p.short_side).end_object();
    }
    if (!follows_rule && !plain_warp) {
        json.key("do_center_crop").boolean(p.center_crop);
        sides("crop_size", p.crop_height, p.crop_width);
    }
    json.key("resample").integer(static_cast<int>(p.resample));
    json.key("do_rescale").boolean(p.rescale_factor != 1).key("rescale_factor").real(p.rescale_factor);
    json.key("do_normalize").boolean(p.normalize);
    numbers("image_mean", p.mean, p.mean_count);
    numbers("image_std", p.std, p.std_count);
    json.key("image_processor_type");
    json.string(follows_rule ? "ConvNextImageProcessor" : plain_warp ? "ViTImageProcessor" : "CLIPImageProcessor").end_object();
    return json.good() ? error{} : error::out_of_memory("preprocessor_config.json", json.text().size());
}

}  // namespace checkpoint
CVT_NAMESPACE_END
