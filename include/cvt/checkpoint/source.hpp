// Opens a checkpoint, whatever its container and naming: the model it is, how its images are prepared, and its tensors on demand.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "../config.hpp"
#include "../error.hpp"
#include "../image/preprocessing.hpp"
#include "../load_options.hpp"
#include "../model_info.hpp"
#include "../validate.hpp"
#include "check_tensors.hpp"
#include "formats/detect_format.hpp"
#include "formats/tensor_table.hpp"
#include "hf_config.hpp"
#include "hf_preprocessor.hpp"
#include "labels.hpp"
#include "tensor_names.hpp"
#include "variants.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// A checkpoint whose every tensor has been found to fit `config`.
struct opened {
    tensor_file tensors;
    name_style style;
    cvt::config config;
    cvt::preprocessing preprocessing;
    label_list labels;  ///< one for each class, or none
    model_info info;

    /// Reads a tensor of `config` as float32, row-major. Errors: io; mismatch (a name or shape that is not `config`'s).
    error read(const char* official_name, std::span<const std::int64_t> shape, float* out) const noexcept {
        const std::ptrdiff_t i = tensors.find(style.in_file(official_name).view());
        if (i < 0) return error::format(errc::mismatch, "%s: not in the checkpoint", official_name);
        const std::span<const std::int64_t> found = tensors.entry(static_cast<std::size_t>(i)).extents();
        if (!std::equal(shape.begin(), shape.end(), found.begin(), found.end()))
            return error::format(errc::mismatch, "%s: expected %s, file has %s", official_name, shape_text(shape).text,
                                 shape_text(found).text);
        return tensors.read(static_cast<std::size_t>(i), out);
    }
};

/// The class count is the head's, and no head is no class; transformers' CvtModel has no final norm either.
inline error take_head(opened& o) noexcept {
    const tensor_entry* head = find_official(o.tensors, o.style, "head.weight");
    const tensor_entry* norm = find_official(o.tensors, o.style, "norm.weight");
    o.config.final_norm = norm != nullptr || head != nullptr;
    if (head == nullptr) {
        o.config.num_classes = 0;
        o.labels = {};
        return {};
    }
    const std::int64_t rows = head->rank == 0 ? 0 : head->shape[0];
    o.config.num_classes = rows > INT_MAX ? INT_MAX : static_cast<int>(rows);
    if (!o.labels.empty() && o.labels.size() != o.config.num_classes)
        return error::format(errc::mismatch, "config.json: id2label: expected %lld labels, one for each row of head.weight, found %d",
                             static_cast<long long>(rows), o.labels.size());
    return {};
}

/// The caller's word, then the checkpoint's, then the custom of those who use such names.
inline void choose_gelu(opened& o, const std::optional<cvt::gelu>& hidden_act, const load_options& options) noexcept {
    if (options.gelu || (options.config && options.config->gelu == gelu::erf)) {
        o.config.gelu = options.gelu.value_or(gelu::erf);
        o.info.gelu_from = "given by the caller";
    } else if (hidden_act) {
        o.config.gelu = *hidden_act;
        o.info.gelu_from = "hidden_act in config.json";
    } else {
        o.config.gelu = o.style.naming == naming::official ? gelu::quick : gelu::erf;
        o.info.gelu_from = "naming of the tensors";
    }
}

inline void choose_preprocessing(opened& o, const cvt::preprocessing* given, const published_variant* variant) noexcept {
    if (given != nullptr) {
        o.preprocessing = *given;
        o.info.size_from = "preprocessor_config.json";
    } else if (o.info.config_image_size != 0) {
        o.preprocessing = preprocessing::for_size(o.info.config_image_size);
        o.info.size_from = "image_size in config.json";
    } else {
        o.preprocessing = preprocessing::for_size(variant != nullptr ? variant->image_size : 224);
        o.info.size_from = "default";
    }
}

/// Settles everything once the tensors are in o.tensors. An empty text is a file that is not there.
inline error settle(opened& o, std::string_view config_json, std::string_view preprocessor_json, const load_options& options) noexcept {
    if (o.tensors.size() == 0) return error::format(errc::mismatch, "the checkpoint holds no tensors");
    std::optional<cvt::gelu> hidden_act;
    if (!config_json.empty()) {
        result<hf_config> parsed = read_hf_config(config_json);
        if (!parsed) return parsed.error();
        o.config = parsed->config;
        o.labels = std::move(parsed->labels);
        o.info.config_image_size = parsed->image_size;
        o.info.config_from = "config.json";
        hidden_act = parsed->gelu;
    }
    if (options.config) {
        o.config = *options.config;
        o.info.config_from = "given by the caller";
    }

    const bool has_config = options.config || !config_json.empty();
    const bool known = detect_style([&](std::string_view name) noexcept { return o.tensors.find(name) >= 0; }, o.style);
    if (!known && !has_config) {
        const std::string_view first = o.tensors.name(0);
        return error::format(errc::mismatch,
                             "not a CvT: neither stage0.patch_embed.proj.weight (official) nor its name in transformers is among the %zu "
                             "tensors (%.*s, ...)",
                             o.tensors.size(), safetensors::shown(first), first.data());
    }
    if (!has_config) {
        const result<config> recognised = recognise(o.tensors, o.style);
        if (!recognised) return recognised.error();
        o.config = *recognised;
        o.info.config_from = "recognised from tensor shapes";
    }
    o.info.naming = to_string(o.style.naming);
    if (error e = take_head(o)) return e;
    choose_gelu(o, hidden_act, options);
    if (error e = validate(o.config)) return e;
    if (error e = check_fit(o.tensors, o.style, o.config)) return e;

    const published_variant* variant = variant_of(o.config);
    if (variant != nullptr) o.info.variant = variant->name;
    if (preprocessor_json.empty()) {
        // A lone file of W24 is a 384 model; a folder that says nothing means 224, as in transformers.
        choose_preprocessing(o, nullptr, config_json.empty() ? variant : nullptr);
        return {};
    }
    const result<cvt::preprocessing> given = read_hf_preprocessor(preprocessor_json);
    if (!given) return given.error();
    choose_preprocessing(o, &*given, variant);
    return {};
}

/// Opens a Hugging Face folder (weights; config.json and preprocessor_config.json where they are) or a lone file.
/// A lone file, or a folder without config.json, must be one of the published variants or come with options.config.
/// Errors begin with the path: invalid_argument (no path), io, malformed, unsupported, bad_config, mismatch, out_of_memory.
inline result<opened> open(const char* path, const load_options& options = {}) noexcept {
    if (path == nullptr || *path == '\0') return error::format(errc::invalid_argument, "the path of the checkpoint is empty");
    opened o;
    detail::buffer<char> config_json, preprocessor_json;
    if (kind_of(path) == path_kind::folder) {
        if (error e = add_folder(path, o.tensors, o.info.container)) return e;
        if (const folder_path file(path, "config.json"); file.exists())
            if (error e = read_text(file.c_str(), config_json)) return e;
        if (const folder_path file(path, "preprocessor_config.json"); file.exists())
            if (error e = read_text(file.c_str(), preprocessor_json)) return e;
    } else if (error e = add_weights(path, o.tensors, o.info.container)) {
        return e;
    }
    if (error e = settle(o, {config_json.data(), config_json.size()}, {preprocessor_json.data(), preprocessor_json.size()}, options))
        return error::format(e.code(), "%s: %s", path, e.what());
    return o;
}

/// Opens a checkpoint in memory, which must stay there until the last read: a file of weights in any container, and the
/// texts of config.json and preprocessor_config.json or nothing.
inline result<opened> open_memory(std::span<const std::byte> weights, std::string_view config_json, std::string_view preprocessor_json,
                                  const load_options& options = {}) noexcept {
    opened o;
    if (error e = add_weights(byte_source::from_memory(weights), o.tensors, o.info.container)) return e;
    if (error e = settle(o, config_json, preprocessor_json, options)) return e;
    return o;
}

}  // namespace checkpoint
CVT_NAMESPACE_END
