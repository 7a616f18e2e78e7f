// Reads and writes config.json of a Hugging Face folder: the configuration of the model and its labels. Reads Microsoft's form too.
#pragma once

#include <algorithm>

#include "../labels.hpp"
#include "../runtime/sort.hpp"
#include "../scoring.hpp"
#include "../validate.hpp"
#include "formats/other_files.hpp"
#include "formats/tensor_table.hpp"
#include "json/fields.hpp"
#include "json/writer.hpp"
#include "quantization_config.hpp"
#include "spec_yaml.hpp"
#include "stage_keys.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// The contents of a config.json.
struct hf_config {
    cvt::config config;                     ///< num_classes: the number of labels, or 1000; the head of the checkpoint decides
    std::optional<cvt::gelu> gelu;          ///< of hidden_act, if present
    int image_size = 0;                     ///< 0 if absent
    detail::label_list labels;              ///< of id2label; empty if absent
    std::optional<cvt::scoring> scores;     ///< of problem_type, if present
    bool labels_from_one = false;           ///< the ids of id2label begin with 1
    bool has_channels = false;              ///< the file gives num_channels; otherwise the checkpoint decides
    key_set assumed = 0;                    ///< the keys that the file lacks, so that `config` has their defaults
    detail::printable name{"config.json"};  ///< of the file, for messages
};

inline void read_value(json_fields& fields, const char* name, json_value v, auto& out) noexcept { fields.convert(name, v, out); }
inline void read_value(json_fields& fields, const char*, json_value v, projection& out) noexcept {
    fields.choose<projection>("qkv_projection_method", v, {"dw_bn", "avg", "linear"}, "dw_bn, avg or linear", out);
}

/// Reads the list of a key of stage_keys.hpp. A key that no stage uses is not checked.
template <class T>
void read_stages(json_fields& fields, config& c, const char* key, T stage_config::*member, bool has_default, projection last) noexcept {
    if (!counts(c, last)) return;
    const json_value list = fields.get(key);
    if (!list && !has_default && c.num_stages != 3)
        fields.fail(error::format(errc::bad_config, "%s: %s is missing: it has a default for 3 stages only, and depth says %d",
                                  fields.file(), key, c.num_stages));
    if (!list || !fields) return;
    if (!list.is(json_kind::array)) return fields.mismatch(key, "a list with one value for each stage", list);
    if (list.size() != c.stages().size()) {
        const bool given = fields.get("depth") || fields.get("DEPTH");
        return fields.fail(error::format(errc::bad_config, "%s: %s: expected %d values, one for each stage%s, found %zu", fields.file(),
                                         key, c.num_stages, given ? " in depth" : " (depth is missing, so that 3 stages are assumed)",
                                         list.size()));
    }
    std::size_t i = 0;
    for (json_value v = list.first(); v && fields; v = v.next(), ++i) {
        char name[64];
        std::snprintf(name, sizeof name, "%s[%zu]", key, i);
        read_value(fields, name, v, c.stage[i].*member);
    }
}

/// Reads {"0": "tench", "1": ...}. The ids must be 0 to n - 1 or 1 to n, in any order.
inline void read_labels(json_fields& fields, detail::label_list& labels, bool& from_one) noexcept {
    const json_value map = fields.get("id2label");
    if (!map) return;
    if (!map.is(json_kind::object)) return fields.mismatch("id2label", "an object", map);
    from_one = map.size() > 0 && !map.find("0");
    for (std::size_t i = 0; i < map.size(); ++i) {
        char id[24];
        std::snprintf(id, sizeof id, "%zu", i + (from_one && map.find("1") ? 1 : 0));
        const json_value label = map.find(id);
        if (!label)
            return fields.fail(error::format(errc::bad_config, "%s: id2label: expected the ids 0 to %zu, %zu is missing", fields.file(),
                                             map.size() - 1, i));
        if (!label.is(json_kind::string)) return fields.mismatch("id2label", "texts", label);
        if (!labels.add(label.string())) return fields.fail(error::out_of_memory("labels", map.size() * 32));
    }
}

/// The values of problem_type, in the order of scoring.
inline constexpr std::initializer_list<const char*> problem_types{"single_label_classification", "multi_label_classification",
                                                                  "regression"};

/// Reads Microsoft's form, {"MODEL": {"SPEC": {"DIM_EMBED": ...}}}. Its keys are in capitals, and those that a stage uses have no
/// defaults.
inline error read_spec(json_value root, json_value spec, const char* file, hf_config& out) noexcept {
    json_fields fields(spec, file);
    config& c = out.config;
    const json_value depth = fields.get("DEPTH");
    if (!depth.is(json_kind::array) || depth.size() < 1 || depth.size() > config::max_stages) {
        fields.mismatch("MODEL.SPEC.DEPTH", "a list of 1 to 8 numbers, one for each stage", depth);
    } else {
        c.num_stages = static_cast<int>(depth.size());
    }
    const auto read = [&](const char* key, auto member, bool, projection last) noexcept {
        const spec_key name(key);
        if (fields && counts(c, last) && !fields.get(name.text)) fields.mismatch(name.text, "a list with one value for each stage", {});
        read_stages(fields, c, name.text, member, true, last);
    };
    read("qkv_projection_method", &stage_config::qkv_projection, true, projection::linear);
    visit_stage_keys(read);
    json_value size = root.find("TEST").find("IMAGE_SIZE");
    if (!size) size = root.find("TRAIN").find("IMAGE_SIZE");
    if (size.is(json_kind::array)) size = size.first();
    if (size && fields) fields.convert("IMAGE_SIZE", size, out.image_size);
    if (fields && size && (out.image_size < 1 || out.image_size > maximum_input)) fields.mismatch("IMAGE_SIZE", "1 to 65536", size);
    return fields.failure();
}

/// Whether an object has a key of CvtConfig, or a model_type.
inline bool describes_cvt(json_value root) noexcept {
    return root.find("model_type").is(json_kind::string) ||
           std::any_of(stage_keys.begin(), stage_keys.end(), [&](stage_key key) noexcept { return bool{root.find(key.name)}; });
}

/// Returns the error for a text that is not JSON.
inline error not_config(const char* file, std::string_view text, const error& why) noexcept {
    const seen_keys keys = yaml_keys(text);
    const std::string_view name{file};
    const bool yaml = keys.count > 0 || ((name.ends_with(".yaml") || name.ends_with(".yml")) && kind_of_text(text) == nullptr);
    if (!yaml || why.code() == errc::out_of_memory) return not_json(file, text, why);
    return error::format(errc::bad_config, "%s: expected Microsoft's MODEL.SPEC in YAML, or a config.json, found YAML with %s%s", file,
                         keys.count > 0 ? "the keys " : "no keys", keys.text);
}

/// Reads the text of a config.json of transformers' CvtConfig, called `file` in messages. If any key of CvtConfig is present, missing
/// keys have its defaults (CvT-13). Unknown keys are ignored. So is layer_norm_eps: transformers writes 1e-12 there and computes with
/// 1e-5. `hidden_act` ("quick_gelu" or "gelu") is our addition. Microsoft's configurations are read as JSON and as the YAML in which
/// they are published. Errors: malformed (not JSON), bad_config (types, lengths, values; not a CvT), unsupported (another kind of model).
inline result<hf_config> read_hf_config(std::string_view text, const char* file = "config.json", bool ignore_labels = false) noexcept {
    if (is_spec_yaml(text)) {
        detail::buffer<char> as_json;
        if (!spec_yaml_to_json(text, as_json)) return error::out_of_memory(file, text.size());
        return read_hf_config({as_json.data(), as_json.size()}, file, ignore_labels);  // which begins with a brace
    }
    const result<json> document = json::parse(text);
    if (!document) return not_config(file, text, document.error());
    json_fields fields(document->root(), file);
    hf_config out;
    out.name = detail::printable{file};
    config& c = out.config;

    if (const json_value spec = document->root().find("MODEL").find("SPEC"); spec.is(json_kind::object)) {
        if (error e = read_spec(document->root(), spec, file, out)) return e;
        if (error e = validate(c)) return error::format(e.code(), "%s: %s", file, e.what());
        return out;
    }
    if (fields && !describes_cvt(document->root())) {
        seen_keys keys;
        for (json_value v = document->root().first(); v; v = v.next()) keys.add(v.key());
        return error::format(errc::bad_config,
                             "%s: does not describe a CvT: expected model_type \"cvt\", or keys such as embed_dim, num_heads and depth, or "
                             "Microsoft's MODEL.SPEC, found %s%s",
                             file, keys.count > 0 ? "the keys " : "no keys", keys.text);
    }
    if (const json_value type = fields.get("model_type"); type && !type.is_text("cvt"))
        fields.mismatch("model_type", "\"cvt\"", type, errc::unsupported);
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
    out.has_channels = static_cast<bool>(fields.get("num_channels"));
    const auto read = [&](const char* key, auto member, bool has_default, projection last) noexcept {
        read_stages(fields, c, key, member, has_default, last);
    };
    read("qkv_projection_method", &stage_config::qkv_projection, true, projection::linear);  // decides which keys are used
    read("depth", &stage_config::depth, false, projection::linear);
    visit_stage_keys(read);

    fields.choose<gelu>("hidden_act", fields.get("hidden_act"), {"quick_gelu", "gelu"}, "\"quick_gelu\" or \"gelu\"", out.gelu);
    fields.choose<scoring>("problem_type", fields.get("problem_type"), problem_types,
                           "single_label_classification, multi_label_classification or regression", out.scores);
    fields.read("image_size", out.image_size);
    if (fields.get("image_size") && (out.image_size < 1 || out.image_size > maximum_input))
        fields.mismatch("image_size", "1 to 65536", fields.get("image_size"));
    check_quantization(fields);
    if (!ignore_labels) read_labels(fields, out.labels, out.labels_from_one);
    if (!fields) return fields.failure();
    if (!out.labels.empty()) c.num_classes = out.labels.size();
    out.assumed = keys_with(all_keys, [&](stage_key key) noexcept { return !fields.get(key.name) && counts(c, key.last); });
    if (error e = validate(c)) {
        const auto is_named = [&](stage_key key) noexcept { return std::strstr(e.what(), key.name) != nullptr; };
        const key_set suspects = keys_with(out.assumed, is_named);
        return error::format(e.code(), "%s: %s%s%s", file, e.what(),
                             suspects == 0 ? "" : "; missing, so that CvT-13's values are assumed: ", list_keys(suspects, c).text);
    }
    return out;
}

/// Returns `c` with defaults in the fields that its projections do not use.
inline config without_unused(config c) noexcept {
    visit_attention_keys([&](const char*, auto member, bool, projection last) noexcept {
        for (stage_config& s : c.stage)
            if (s.qkv_projection > last) s.*member = stage_config{}.*member;
    });
    return c;
}

/// Writes id2label and label2id. Equal labels have the id of the last one in label2id, as in a Python dict. Without labels, writes the
/// number of classes as num_labels, and no classes as empty objects: transformers then replaces the head by the identity.
inline error write_labels(json_writer& json, int classes, std::span<const char* const> labels) noexcept {
    if (labels.empty()) {
        if (classes > 0) json.key("num_labels").integer(classes);
        if (classes == 0) json.key("id2label").begin_object().end_object().key("label2id").begin_object().end_object();
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
    detail::sort(order, [&](std::uint32_t a, std::uint32_t b) {
        const int difference = std::strcmp(labels[a], labels[b]);
        return difference != 0 ? difference < 0 : a < b;
    });
    for (std::size_t i = 0; i < order.size(); ++i)
        if (i + 1 == order.size() || std::strcmp(labels[order[i]], labels[order[i + 1]]) != 0) json.key(labels[order[i]]).integer(order[i]);
    json.end_object();
    return {};
}

/// Writes the text of a config.json for transformers' CvtConfig, with our `hidden_act` (transformers always computes with the exact
/// GELU). `labels`: UTF-8, one for each class, or none. `image_size`: 0 for none. `weights`: the element type in the
/// file: f32, f16 or i8. The text is read back and compared with `given`.
/// Errors: invalid_argument (labels), bad_config (a configuration that config.json cannot express), out_of_memory.
inline error write_hf_config(const config& given, int image_size, std::span<const char* const> labels, dtype weights, json_writer& json,
                             scoring scores = scoring::softmax) noexcept {
    const config c = without_unused(given);
    if (!labels.empty() && labels.size() != static_cast<std::size_t>(c.num_classes))
        return error::format(errc::invalid_argument, "labels: expected %d, one for each class, found %zu", c.num_classes, labels.size());
    const auto write = [&](const char* key, auto member, bool, projection) noexcept { write_stages(json.key(key), c, member); };
    const auto write_rates = [&](const char* key, double last) noexcept {  // of training; transformers expects one for each stage
        json.key(key).begin_list();
        for (const stage_config& s : c.stages()) json.real(&s == &c.stages().back() ? last : 0.0);
        json.end_list();
    };

    json.begin_object().key("architectures").begin_list();
    // CvtModel lacks the final norm.
    json.string(c.num_classes > 0 || c.final_norm ? "CvtForImageClassification" : "CvtModel").end_list();
    json.key("model_type").string("cvt").key("num_channels").integer(c.num_channels);
    visit_patch_keys(write);
    visit_width_keys(write);
    write_rates("attention_drop_rate", 0.0);
    write_rates("drop_rate", 0.0);
    write_rates("drop_path_rate", 0.1);
    visit_attention_keys(write);
    json.key("hidden_act").string(c.gelu == gelu::quick ? "quick_gelu" : "gelu");
    if (image_size > 0) json.key("image_size").integer(image_size);
    if (scores != scoring::softmax) json.key("problem_type").string(problem_types.begin()[scores == scoring::sigmoid ? 1 : 2]);
    json.key("torch_dtype").string(weights == dtype::f16 ? "float16" : "float32");
    if (weights == dtype::i8) write_quantization(c, json);
    if (error e = write_labels(json, c.num_classes, labels)) return e;
    json.end_object();
    if (!json.good()) return error::out_of_memory("config.json", json.text().size());

    // Only labels can be unreadable, if they are not UTF-8. The other checks guard against errors in this file.
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

}  // namespace checkpoint
CVT_NAMESPACE_END
