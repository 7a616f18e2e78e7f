// Opens a checkpoint, whatever its format and naming: the model that it is, how its images are prepared, its tensors on demand.
#pragma once

#include "../load_options.hpp"
#include "../model_info.hpp"
#include "../weight_source.hpp"
#include "check_tensors.hpp"
#include "formats/read_files.hpp"
#include "hf_config.hpp"
#include "hf_preprocessor.hpp"
#include "self_test.hpp"
#include "variants.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// A checkpoint in which every tensor of `config` has been found, with its shape. Only its tables are in memory.
struct checkpoint_source {
    tensor_table tensors;  ///< under their names in the file
    name_style style;
    cvt::config config;
    tensor_index index;  ///< where the tensors of `config` are
    cvt::preprocessing preprocessing;
    detail::label_list labels;  ///< one for each class, or none
    model_info info;
    detail::buffer<char> self_test;  ///< the text of its record, unchecked; empty where the file brings none

    /// Reads a tensor of `config` as float32, row-major. Errors: io; mismatch (a name or shape that is not `config`'s).
    error read(const char* official_name, std::span<const std::int64_t> shape, float* out) const noexcept {
        const std::ptrdiff_t i = index.find(official_name);
        if (i < 0) return error::format(errc::mismatch, "%s: not in the checkpoint", official_name);
        // `out` has room for `shape`, whoever asks.
        const std::span<const std::int64_t> found = tensors.entry(static_cast<std::size_t>(i)).extents();
        if (!std::equal(shape.begin(), shape.end(), found.begin(), found.end()))
            return error::format(errc::mismatch, "%s: expected %s, file has %s", official_name, shape_text(shape).text,
                                 shape_text(found).text);
        return tensors.read(static_cast<std::size_t>(i), out);
    }

    /// Its tensors for whoever builds or writes a model; this object must outlive it and stay where it is.
    [[nodiscard]] weight_source weights() const noexcept { return detail::source_of(*this); }

    /// The BatchNorm step counter with that official name; 0 where the checkpoint has none. Errors: io.
    error read_step_counter(const char* official_name, std::int64_t& out) const noexcept {
        out = 0;
        const tensor_entry* entry = find_official(tensors, style, official_name);
        if (entry == nullptr || entry->type != dtype::i64 || entry->elements() != 1) return {};
        return tensors.source(entry->shard).read(entry->offset, sizeof out, &out);
    }
};

/// num_classes is the number of rows of head.weight, 0 without a head. transformers' CvtModel also lacks the final norm.
inline error resolve_head(checkpoint_source& s) noexcept {
    const tensor_entry* head = find_official(s.tensors, s.style, "head.weight");
    s.config.final_norm = head != nullptr || find_official(s.tensors, s.style, "norm.weight") != nullptr;
    if (head == nullptr) {
        s.config.num_classes = 0;
        s.labels = {};
        return {};
    }
    const std::int64_t rows = head->rank == 0 ? 0 : head->shape[0];
    s.config.num_classes = rows > INT_MAX ? INT_MAX : static_cast<int>(rows);
    if (!s.labels.empty() && s.labels.size() != s.config.num_classes)
        return error::format(errc::mismatch, "config.json: id2label: expected %lld labels, one for each row of head.weight, found %d",
                             static_cast<long long>(rows), s.labels.size());
    return {};
}

/// Precedence: load_options, then config.json's hidden_act, then the convention of the naming (official: quick,
/// transformers: erf).
inline void resolve_gelu(checkpoint_source& s, const std::optional<cvt::gelu>& hidden_act, const load_options& options) noexcept {
    if (options.gelu || (options.config && options.config->gelu == gelu::erf)) {
        s.config.gelu = options.gelu.value_or(gelu::erf);
        s.info.gelu_from = "given by the caller";
    } else if (hidden_act) {
        s.config.gelu = *hidden_act;
        s.info.gelu_from = "hidden_act in config.json";
    } else {
        s.config.gelu = s.style.naming == naming::official ? gelu::quick : gelu::erf;
        s.info.gelu_from = "naming of the tensors";
    }
}

/// Precedence: preprocessor_config.json, then config.json's image_size, then the size of the published variant in a lone file
/// (one of W24 is a 384 model), then 224, which is also what a folder without either means, as in transformers.
inline error resolve_preprocessing(checkpoint_source& s, const checkpoint_files& files, const published_variant* variant) noexcept {
    if (!files.preprocessor_json.empty()) {
        const result<cvt::preprocessing> given = read_hf_preprocessor({files.preprocessor_json.data(), files.preprocessor_json.size()});
        if (!given) return given.error();
        s.preprocessing = *given;
        s.info.size_from = "preprocessor_config.json";
    } else if (s.info.config_image_size != 0) {
        s.preprocessing = preprocessing::for_size(s.info.config_image_size);
        s.info.size_from = "image_size in config.json";
    } else {
        const bool lone = files.config_json.empty();
        s.preprocessing = preprocessing::for_size(lone && variant != nullptr ? variant->image_size : 224);
        s.info.size_from = "default";
    }
    return {};
}

/// Decides what the files are: the configuration, its tensors, labels, preprocessing, and where each of them comes from.
/// Errors: malformed, unsupported, bad_config (the JSON texts, a model that is not recognised); mismatch; out_of_memory.
inline result<checkpoint_source> resolve(checkpoint_files&& files, const load_options& options = {}) noexcept {
    checkpoint_source s;
    s.tensors = std::move(files.tensors);
    s.self_test = std::move(files.metadata.text);
    s.info.container = files.container;
    if (s.tensors.size() == 0) return error::format(errc::mismatch, "the checkpoint holds no tensors");
    std::optional<cvt::gelu> hidden_act;
    if (!files.config_json.empty()) {
        result<hf_config> parsed = read_hf_config({files.config_json.data(), files.config_json.size()});
        if (!parsed) return parsed.error();
        s.config = parsed->config;
        s.labels = std::move(parsed->labels);
        s.info.config_image_size = parsed->image_size;
        s.info.config_from = "config.json";
        hidden_act = parsed->gelu;
    }
    if (options.config) {
        s.config = *options.config;
        s.info.config_from = "given by the caller";
    }

    const bool has_config = options.config || !files.config_json.empty();
    const bool known = detect_style([&](std::string_view name) noexcept { return s.tensors.find(name) >= 0; }, s.style);
    if (!known && !has_config)
        return error::format(errc::mismatch,
                             "not a CvT: neither stage0.patch_embed.proj.weight (official) nor its name in transformers is among the %zu "
                             "tensors (%s, ...)",
                             s.tensors.size(), printable{s.tensors.name(0)}.text);
    if (!has_config) {
        const result<config> recognised = recognise(s.tensors, s.style);
        if (!recognised) return recognised.error();
        s.config = *recognised;
        s.info.config_from = "recognised from tensor shapes";
    }
    s.info.naming = to_string(s.style.naming);
    if (error e = resolve_head(s)) return e;
    resolve_gelu(s, hidden_act, options);
    if (error e = validate(s.config)) return e;
    if (error e = check_tensors(s.tensors, s.style, s.config, s.index)) return e;

    const published_variant* variant = variant_of(s.config);
    if (variant != nullptr) s.info.variant = variant->name;
    if (error e = resolve_preprocessing(s, files, variant)) return e;
    return s;
}

/// The files of a checkpoint with a CvT's metadata asked for, nothing read yet.
inline checkpoint_files unread_files() noexcept {
    checkpoint_files files;
    files.metadata.key = self_test_key;
    files.metadata.max_size = self_test::max_text;
    return files;
}

/// Opens a Hugging Face folder (weights; config.json and preprocessor_config.json where they are) or a lone file.
/// A lone file, or a folder without config.json, must be one of the published variants or come with options.config.
/// Errors begin with the path: invalid_argument (no path), io, malformed, unsupported, bad_config, mismatch, out_of_memory.
inline result<checkpoint_source> open(const char* path, const load_options& options = {}) noexcept {
    if (path == nullptr || *path == '\0') return error::format(errc::invalid_argument, "the path of the checkpoint is empty");
    checkpoint_files files = unread_files();
    if (error e = read_files(path, files)) return e;
    result<checkpoint_source> resolved = resolve(std::move(files), options);
    if (!resolved) return error::format(resolved.error().code(), "%s: %s", path, resolved.error().what());
    return resolved;
}

/// Opens a checkpoint in memory: a file of weights in any format, which must stay there until the last read, and the texts
/// of config.json and preprocessor_config.json or nothing.
inline result<checkpoint_source> open_memory(std::span<const std::byte> weights, std::string_view config_json,
                                             std::string_view preprocessor_json, const load_options& options = {}) noexcept {
    checkpoint_files files = unread_files();
    if (error e = read_weights(byte_source::from_memory(weights), files)) return e;
    if (!files.config_json.append(config_json.data(), config_json.size()) ||
        !files.preprocessor_json.append(preprocessor_json.data(), preprocessor_json.size()))
        return error::out_of_memory("a checkpoint's JSON texts", config_json.size() + preprocessor_json.size());
    return resolve(std::move(files), options);
}

}  // namespace checkpoint
CVT_NAMESPACE_END
