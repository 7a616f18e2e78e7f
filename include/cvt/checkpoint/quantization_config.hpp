// quantization_config in a config.json: how compressed-tensors describes int8 weights. Checks what a file says, and writes it.
#pragma once

#include "../config.hpp"
#include "json/fields.hpp"
#include "json/writer.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// A value in quantization_config, with its path for messages: "quantization_config.format".
struct quantization_value {
    json_fields& fields;
    json_value value;
    char path[160];

    /// `outer`: the path of the object that contains the value, or "".
    quantization_value(json_fields& f, json_value v, const char* outer, const char* key) noexcept : fields{f}, value{v} {
        std::snprintf(path, sizeof path, "%.110s%s%.48s", outer, *outer == '\0' ? "" : ".", key);
    }
    /// Returns a member, which is empty if it is missing or null.
    [[nodiscard]] quantization_value operator[](const char* key) const noexcept {
        const json_value v = value.find(key);
        return {fields, v.is(json_kind::null) ? json_value{} : v, path, key};
    }
    /// Errors: unsupported, unless `accepted`, a predicate, is true of the value.
    void expect(const char* expected, auto accepted) const noexcept {
        if (!accepted(value)) fields.mismatch(path, expected, value, errc::unsupported);
    }
    /// Calls use(*this) unless the value is missing. Errors: unsupported (not an object).
    void visit(auto use) const noexcept {
        expect("an object", [](json_value v) { return !v || v.is(json_kind::object); });
        if (value.is(json_kind::object)) use(*this);
    }
    /// Visits every member.
    void visit_each(auto use) const noexcept {
        for (json_value v = value.first(); v; v = v.next())
            quantization_value{fields, v, path, detail::printable{v.key(), 40}.text}.visit(use);
    }
};

inline bool is_absent_or_empty(json_value v) noexcept {
    return !v || ((v.is(json_kind::object) || v.is(json_kind::array)) && v.size() == 0);
}

/// Integers of 8 bits, of weights or of inputs. The defaults are those of compressed-tensors.
inline void check_integers(const quantization_value& s) noexcept {
    s["num_bits"].expect("8", [](json_value v) { return !v || v.integer() == 8; });
    s["type"].expect("\"int\"", [](json_value v) { return !v || v.is_text("int"); });
    s["block_structure"].expect("null", is_absent_or_empty);
    s["actorder"].expect("null", is_absent_or_empty);
}

/// A scale for each output channel. Without a strategy, a group_size of -1 means the same.
inline void check_weight_scheme(const quantization_value& weights) noexcept {
    const json_value group_size = weights["group_size"].value;
    const bool whole_rows = group_size && group_size.integer() == -1;
    check_integers(weights);
    weights["symmetric"].expect("true", [](json_value v) { return !v || (v.is(json_kind::boolean) && v.boolean()); });
    weights["strategy"].expect("\"channel\"", [&](json_value v) { return v.is_text("channel") || (!v && whole_rows); });
    weights["group_size"].expect("null or -1", [&](json_value v) { return !v || whole_rows; });
    weights["dynamic"].expect("false", [](json_value v) { return !v || (v.is(json_kind::boolean) && !v.boolean()); });
}

/// Inputs are quantised for each token while the model runs, as cvt does. They may be symmetric: asymmetric ones lose less.
inline void check_input_scheme(const quantization_value& inputs) noexcept {
    check_integers(inputs);
    inputs["symmetric"].expect("true or false", [](json_value v) { return !v || v.is(json_kind::boolean); });
    inputs["dynamic"].expect("true", [](json_value v) { return v.is(json_kind::boolean) && v.boolean(); });
    inputs["strategy"].expect("\"token\"", [](json_value v) { return v.is_text("token"); });
    inputs["group_size"].expect("null", [](json_value v) { return !v; });
}

/// Refuses weights and inputs that the library does not compute. The tensors decide which layers are int8, so `targets` and `ignore` are
/// not read, and neither are the keys about the calibration (observer, version). config_groups and input_activations may be missing:
/// the bytes and scales describe the weights.
/// Errors: bad_config (not an object); unsupported, with the key and its value.
inline void check_quantization(json_fields& fields) noexcept {
    const json_value object = fields.get("quantization_config");
    if (!object) return;
    if (!object.is(json_kind::object)) return fields.mismatch("quantization_config", "an object", object);
    const quantization_value q{fields, object, "", "quantization_config"};
    const auto format = [](json_value v) { return v.is_text("int-quantized"); };
    q["quant_method"].expect("\"compressed-tensors\"", [](json_value v) { return v.is_text("compressed-tensors"); });
    q["format"].expect("\"int-quantized\"", format);
    // Early versions wrote "frozen" for compressed weights.
    q["quantization_status"].expect("\"compressed\"", [](json_value v) { return !v || v.is_text("compressed") || v.is_text("frozen"); });
    q["kv_cache_scheme"].expect("null", is_absent_or_empty);
    q["transform_config"].expect("null", [](json_value v) {
        const json_value groups = v.find("config_groups");
        return is_absent_or_empty(v) || (groups && is_absent_or_empty(groups));
    });
    q["sparsity_config"].expect("null", [](json_value v) { return is_absent_or_empty(v) || v.find("format").is_text("dense"); });
    q["config_groups"].visit([&](const quantization_value& groups) {
        groups.visit_each([&](const quantization_value& group) {
            group["format"].expect("\"int-quantized\"", [&](json_value v) { return !v || format(v); });
            group["weights"].expect("an object", [](json_value v) { return v.is(json_kind::object); });
            group["weights"].visit(check_weight_scheme);
            group["input_activations"].visit(check_input_scheme);
            group["output_activations"].expect("null", is_absent_or_empty);
        });
    });
}

/// Writes the description of an int8 file that a reader of compressed-tensors needs: bytes with a scale for each output channel. Inputs
/// are quantised for each token while the model runs.
inline void write_quantization(const config& c, json_writer& json) noexcept {
    json.key("quantization_config").begin_object();
    json.key("quant_method").string("compressed-tensors").key("format").string("int-quantized");
    json.key("quantization_status").string("compressed").key("config_groups").begin_object().key("group_0").begin_object();
    json.key("targets").begin_list().string("Linear").string("re:.*convolution_embeddings.projection$").end_list();
    json.key("weights").begin_object().key("num_bits").integer(8).key("type").string("int").key("symmetric").boolean(true);
    json.key("strategy").string("channel").key("dynamic").boolean(false).end_object();
    json.key("input_activations").begin_object().key("num_bits").integer(8).key("type").string("int").key("symmetric").boolean(false);
    json.key("strategy").string("token").key("dynamic").boolean(true).end_object().end_object().end_object();
    json.key("ignore").begin_list().string("re:.*stages.0.embedding.convolution_embeddings.projection$");
    if (c.num_classes > 0) json.string("classifier");
    json.end_list().end_object();
}

}  // namespace checkpoint
CVT_NAMESPACE_END
