// config.json of a Hugging Face folder: the model's configuration and the names of its classes.
#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string_view>

#include "../error.hpp"
#include "../labels.hpp"
#include "../validate.hpp"
#include "json/fields.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// What a config.json says.
struct hf_config {
    cvt::config config;             ///< num_classes: the number of labels, or 1000; the checkpoint's head decides
    std::optional<cvt::gelu> gelu;  ///< hidden_act, where it is there
    int image_size = 0;             ///< 0 where it is not there
    detail::label_list labels;      ///< of id2label; empty where it is not there
};

/// Reads the keys that hold one value for each stage.
class stage_lists {
public:
    stage_lists(json_fields& fields, config& c) noexcept : fields_{fields}, config_{c} {}

    /// Reads list `key` with assign(stage, element) unless no stage `uses` it: then it may have any form and length.
    template <class T, class Uses, class Assign>
    void read(const char* key, bool same_default_everywhere, Uses&& uses, Assign&& assign) noexcept {
        bool used = false;
        for (const stage_config& s : config_.stages()) used = used || uses(s);
        if (!used || !fields_) return;
        const json_value list = fields_.get(key);
        if (!list) {
            if (!same_default_everywhere && config_.num_stages != 3)
                fields_.fail(error::format(errc::bad_config, "%s: %s is missing: it has a default for 3 stages only, and depth says %d",
                                           fields_.file(), key, config_.num_stages));
            return;
        }
        if (!list.is(json_kind::array)) return fields_.mismatch(key, "a list with one value for each stage", list);
        if (list.size() != static_cast<std::size_t>(config_.num_stages))
            return fields_.fail(error::format(errc::bad_config, "%s: %s: expected %d values, one for each stage in depth, found %zu",
                                              fields_.file(), key, config_.num_stages, list.size()));
        std::size_t i = 0;
        for (json_value v = list.first(); v && fields_; v = v.next(), ++i) {
            char name[64];
            std::snprintf(name, sizeof name, "%s[%zu]", key, i);
            T value{};
            fields_.convert(name, v, value);
            assign(config_.stage[i], value);
        }
    }
    template <class T>
    void read(const char* key, bool same_default_everywhere, T stage_config::*member) noexcept {
        read<T>(
            key, same_default_everywhere, [](const stage_config&) { return true; }, [&](stage_config& s, T v) { s.*member = v; });
    }

private:
    json_fields& fields_;
    config& config_;
};

inline void read_projection(json_fields& fields, stage_config& s, json_value name) noexcept {
    for (const projection p : {projection::dw_bn, projection::avg, projection::linear}) {
        if (!name.is(json_kind::string) || name.string() != to_string(p)) continue;
        s.qkv_projection = p;
        return;
    }
    fields.mismatch("qkv_projection_method", "dw_bn, avg or linear", name);
}

/// {"0": "tench", "1": ...}: the ids must be 0 to n - 1, in any order.
inline void read_labels(json_fields& fields, detail::label_list& labels) noexcept {
    const json_value map = fields.get("id2label");
    if (!map) return;
    if (!map.is(json_kind::object)) return fields.mismatch("id2label", "an object", map);
    for (std::size_t i = 0; i < map.size(); ++i) {
        char id[24];
        const auto end = std::to_chars(id, id + sizeof id, i);
        const json_value label = map.find({id, static_cast<std::size_t>(end.ptr - id)});
        if (!label)
            return fields.fail(error::format(errc::bad_config, "%s: id2label: expected the ids 0 to %zu, %zu is missing", fields.file(),
                                             map.size() - 1, i));
        if (!label.is(json_kind::string)) return fields.mismatch("id2label", "texts", label);
        if (!labels.add(label.string())) return fields.fail(error::out_of_memory("labels", map.size() * 32));
    }
}

/// Reads the text of a config.json of transformers' CvtConfig, called `file` in messages. Missing keys have the
/// defaults of CvtConfig (CvT-13), unknown ones are ignored, and so is layer_norm_eps: transformers writes 1e-12 there
/// and computes with 1e-5. `hidden_act` ("quick_gelu" or "gelu") is our addition.
/// Errors: malformed (no JSON), bad_config (types, lengths, values), unsupported (another kind of model).
inline result<hf_config> read_hf_config(std::string_view text, const char* file = "config.json") noexcept {
    const result<json> document = json::parse(text);
    if (!document) return error::format(document.error().code(), "%s: %s", file, document.error().what());
    json_fields fields(document->root(), file);
    hf_config out;
    config& c = out.config;

    if (const json_value type = fields.get("model_type"); type && !(type.is(json_kind::string) && type.string() == "cvt")) {
        fields.mismatch("model_type", "\"cvt\"", type);
        return error::format(errc::unsupported, "%s", fields.failure().what());
    }
    if (const json_value depth = fields.get("depth")) {
        if (!depth.is(json_kind::array))
            fields.mismatch("depth", "a list with one value for each stage", depth);
        else if (depth.size() < 1 || depth.size() > config::max_stages)
            fields.fail(error::format(errc::bad_config, "%s: depth: expected 1 to %d values, one for each stage, found %zu", file,
                                      config::max_stages, depth.size()));
        else
            c.num_stages = static_cast<int>(depth.size());
    }
    if (c.num_stages == 3) c = cvt_13;

    fields.read("num_channels", c.num_channels);
    stage_lists lists(fields, c);
    const auto always = [](const stage_config&) { return true; };
    lists.read<json_value>("qkv_projection_method", true, always, [&](stage_config& s, json_value v) { read_projection(fields, s, v); });
    lists.read("depth", false, &stage_config::depth);
    lists.read("embed_dim", false, &stage_config::embed_dim);
    lists.read("num_heads", false, &stage_config::num_heads);
    lists.read("patch_sizes", false, &stage_config::patch_size);
    lists.read("patch_stride", false, &stage_config::patch_stride);
    lists.read("patch_padding", false, &stage_config::patch_padding);
    lists.read("cls_token", false, &stage_config::cls_token);
    lists.read("mlp_ratio", true, &stage_config::mlp_ratio);
    lists.read("qkv_bias", true, &stage_config::qkv_bias);
    const auto projects_keys = [](const stage_config& s) { return s.qkv_projection != projection::linear; };
    const auto projects_queries = [](const stage_config& s) { return s.qkv_projection == projection::dw_bn; };
    lists.read<int>("kernel_qkv", true, projects_keys, [](stage_config& s, int v) { s.kernel_qkv = v; });
    lists.read<int>("padding_kv", true, projects_keys, [](stage_config& s, int v) { s.padding_kv = v; });
    lists.read<int>("stride_kv", true, projects_keys, [](stage_config& s, int v) { s.stride_kv = v; });
    lists.read<int>("padding_q", true, projects_queries, [](stage_config& s, int v) { s.padding_q = v; });
    lists.read<int>("stride_q", true, projects_queries, [](stage_config& s, int v) { s.stride_q = v; });

    if (const json_value act = fields.get("hidden_act")) {
        const std::string_view name = act.is(json_kind::string) ? act.string() : std::string_view{};
        if (name == "quick_gelu")
            out.gelu = gelu::quick;
        else if (name == "gelu")
            out.gelu = gelu::erf;
        else
            fields.mismatch("hidden_act", "\"quick_gelu\" or \"gelu\"", act);
    }
    fields.read("image_size", out.image_size);
    if (fields.get("image_size") && (out.image_size < 1 || out.image_size > maximum_input))
        fields.mismatch("image_size", "1 to 65536", fields.get("image_size"));
    read_labels(fields, out.labels);
    if (!fields) return fields.failure();
    if (!out.labels.empty()) c.num_classes = out.labels.size();
    if (error e = validate(c)) return error::format(e.code(), "%s: %s", file, e.what());
    return out;
}

}  // namespace checkpoint
CVT_NAMESPACE_END
