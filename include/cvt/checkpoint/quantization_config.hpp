// quantization_config in a config.json: how compressed-tensors describes int8 weights. Checks what a file says, and writes it.
#pragma once

#include "../config.hpp"
#include "json/fields.hpp"
#include "json/writer.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// An object inside quantization_config, with its path for messages.
class quantization_section {
public:
    /// "outer.key"
    struct path {
        char text[160];
        path(const char* outer, const char* key) noexcept { std::snprintf(text, sizeof text, "%.110s.%.48s", outer, key); }
    };

    quantization_section(json_fields& fields, json_value object, const char* at) noexcept : fields_{fields}, object_{object}, path_{at} {}

    /// Returns the member, or an empty value if it is missing or null.
    [[nodiscard]] json_value operator[](const char* key) const noexcept {
        const json_value v = object_.find(key);
        return v.is(json_kind::null) ? json_value{} : v;
    }
    /// Errors: unsupported, unless `accepted`, a predicate, is true of the member.
    void expect(const char* key, const char* expected, auto accepted) const noexcept {
        if (const json_value v = (*this)[key]; !accepted(v)) fields_.mismatch(path{path_, key}.text, expected, v, errc::unsupported);
    }
    /// Calls use(section) with the member `key`. A missing one is skipped. Errors: unsupported (not an object).
    void visit(const char* key, auto use) const noexcept {
        const json_value v = (*this)[key];
        expect(key, "an object", [](json_value found) { return !found || found.is(json_kind::object); });
        if (v.is(json_kind::object)) use(quantization_section{fields_, v, path{path_, key}.text});
    }
    /// Calls use(section) with each member. Errors: unsupported (not an object).
    void visit_each(auto use) const noexcept {
        for (json_value v = object_.first(); v; v = v.next()) {
            const path name{path_, detail::printable{v.key(), 40}.text};
            if (v.is(json_kind::object))
                use(quantization_section{fields_, v, name.text});
            else
                fields_.mismatch(name.text, "an object", v, errc::unsupported);
        }
    }

private:
    json_fields& fields_;
    json_value object_;
    const char* path_;
};

inline bool is_absent_or_empty(json_value v) noexcept {
    return !v || ((v.is(json_kind::object) || v.is(json_kind::array)) && v.size() == 0);
}

/// Integers of 8 bits, of weights or of inputs. The defaults are those of compressed-tensors.
inline void check_integers(const quantization_section& s) noexcept {
    s.expect("num_bits", "8", [](json_value v) { return !v || v.integer() == 8; });
    s.expect("type", "\"int\"", [](json_value v) { return !v || v.is_text("int"); });
    s.expect("block_structure", "null", is_absent_or_empty);
    s.expect("actorder", "null", is_absent_or_empty);
}

/// A scale for each output channel. Without a strategy, a group_size of -1 means the same.
inline void check_weight_scheme(const quantization_section& weights) noexcept {
    const json_value group_size = weights["group_size"];
    const bool whole_rows = group_size && group_size.integer() == -1;
    check_integers(weights);
    weights.expect("symmetric", "true", [](json_value v) { return !v || (v.is(json_kind::boolean) && v.boolean()); });
    weights.expect("strategy", "\"channel\"", [&](json_value v) { return v.is_text("channel") || (!v && whole_rows); });
    weights.expect("group_size", "null or -1", [&](json_value v) { return !v || whole_rows; });
    weights.expect("dynamic", "false", [](json_value v) { return !v || (v.is(json_kind::boolean) && !v.boolean()); });
}

/// Inputs are quantised for each token while the model runs, as cvt does. They may be symmetric: asymmetric ones lose less.
inline void check_input_scheme(const quantization_section& inputs) noexcept {
    check_integers(inputs);
    inputs.expect("symmetric", "true or false", [](json_value v) { return !v || v.is(json_kind::boolean); });
    inputs.expect("dynamic", "true", [](json_value v) { return v.is(json_kind::boolean) && v.boolean(); });
    inputs.expect("strategy", "\"token\"", [](json_value v) { return v.is_text("token"); });
    inputs.expect("group_size", "null", [](json_value v) { return !v; });
}

/// Refuses weights and inputs that the library does not compute. The tensors decide which layers are int8, so `targets` and `ignore` are
/// not read, and neither are the keys about the calibration (observer, version). config_groups and input_activations may be missing:
/// the bytes and scales describe the weights.
/// Errors: bad_config (not an object); unsupported, with the key and its value.
inline void check_quantization(json_fields& fields) noexcept {
    const json_value object = fields.get("quantization_config");
    if (!object) return;
    if (!object.is(json_kind::object)) return fields.mismatch("quantization_config", "an object", object);
    const quantization_section q{fields, object, "quantization_config"};
    const auto format = [](json_value v) { return v.is_text("int-quantized"); };
    q.expect("quant_method", "\"compressed-tensors\"", [](json_value v) { return v.is_text("compressed-tensors"); });
    q.expect("format", "\"int-quantized\"", format);
    // Early versions wrote "frozen" for compressed weights.
    q.expect("quantization_status", "\"compressed\"", [](json_value v) { return !v || v.is_text("compressed") || v.is_text("frozen"); });
    q.expect("kv_cache_scheme", "null", is_absent_or_empty);
    q.expect("transform_config", "null", [](json_value v) {
        const json_value groups = v.find("config_groups");
        return is_absent_or_empty(v) || (groups && is_absent_or_empty(groups));
    });
    q.expect("sparsity_config", "null", [](json_value v) { return is_absent_or_empty(v) || v.find("format").is_text("dense"); });
    q.visit("config_groups", [&](const quantization_section& groups) {
        groups.visit_each([&](const quantization_section& group) {
            group.expect("format", "\"int-quantized\"", [&](json_value v) { return !v || format(v); });
            group.expect("weights", "an object", [](json_value v) { return v.is(json_kind::object); });
            group.visit("weights", check_weight_scheme);
            group.visit("input_activations", check_input_scheme);
            group.expect("output_activations", "null", is_absent_or_empty);
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
