// Opens a checkpoint of any format and naming: its configuration and preprocessing at once, its tensors on demand.
#pragma once

#include "../load_options.hpp"
#include "../model_info.hpp"
#include "../weight_source.hpp"
#include "check_tensors.hpp"
#include "formats/read_files.hpp"
#include "hf_config.hpp"
#include "hf_preprocessor.hpp"
#include "hf_spectrogram.hpp"
#include "self_test.hpp"
#include "variants.hpp"
#include "weight_sets.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// A checkpoint in which every tensor of `config` was found with its shape. Only the tables are in memory.
/// @code{.cpp}
/// cvt::result<cvt::checkpoint_source> file = cvt::open_checkpoint("run7/");
/// if (!file) return report(file.error());
/// std::printf("%s with %d classes\n", file->info.variant, file->config.num_classes);
/// @endcode
struct checkpoint_source {
    tensor_table tensors;  ///< under their names in the file
    name_style style;
    cvt::config config;
    tensor_index index;  ///< of the tensors of `config`
    cvt::preprocessing preprocessing;
    std::optional<cvt::spectrogram> spectrogram;  ///< of a model for sounds
    detail::label_list labels;                    ///< one for each class, or none
    model_info info;
    warning_list warnings;           ///< guesses, and tensors left out
    detail::buffer<char> self_test;  ///< its text, unchecked; empty if the file has none

    /// Reads a tensor of `config` as float32, row-major. Errors: io; mismatch (a name or shape that is not `config`'s).
    error read(const char* official_name, std::span<const std::int64_t> shape, float* out) const noexcept {
        const std::ptrdiff_t i = index.find(official_name);
        if (i < 0) return error::format(errc::mismatch, "%s: not in the checkpoint", official_name);
        // `out` has room for `shape` only.
        const std::span<const std::int64_t> found = tensors.entry(static_cast<std::size_t>(i)).extents();
        if (!std::equal(shape.begin(), shape.end(), found.begin(), found.end()))
            return error::format(errc::mismatch, "%s: expected %s, file has %s", official_name, shape_text(shape).text,
                                 shape_text(found).text);
        if (error e = tensors.read(static_cast<std::size_t>(i), out)) return e;
        return tensors.entry(static_cast<std::size_t>(i)).type == dtype::i8 ? scale_rows(static_cast<std::size_t>(i), out) : error{};
    }

    /// Multiplies the rows of tensor `i`, whose elements are bytes, by their scales.
    error scale_rows(std::size_t i, float* values) const noexcept {
        const std::ptrdiff_t scales = find_beside(tensors, i, scale_suffix);  // check_tensors() found that they fit
        const tensor_entry& entry = tensors.entry(i);
        const auto rows = static_cast<std::size_t>(entry.shape[0]),
                   cols = static_cast<std::size_t>(count_elements(entry.extents().subspan(1)));
        detail::buffer<float> scale;
        if (!scale.resize(rows)) return error::out_of_memory("scales", rows * sizeof(float));
        if (error e = tensors.read(static_cast<std::size_t>(scales), scale.data())) return e;
        for (std::size_t r = 0; r < rows; ++r)
            for (std::size_t j = 0; j < cols; ++j) values[r * cols + j] *= scale.data()[r];
        return {};
    }

    /// Returns the tensors for building or writing a model. This object must outlive the result and must not be moved.
    [[nodiscard]] weight_source weights() const noexcept { return detail::source_of(*this); }

    /// Reads the BatchNorm step counter with that official name; 0 if the checkpoint has none. Errors: io.
    error read_step_counter(const char* official_name, std::int64_t& out) const noexcept {
        out = 0;
        const tensor_entry* entry = find_official(tensors, style, official_name);
        if (entry == nullptr || entry->type != dtype::i64 || entry->elements() != 1) return {};
        return tensors.source(entry->shard).read(entry->offset, sizeof out, &out);
    }
};

/// Whether tensor `i`, stem + "weight", is a head's weight (classes, width) with a bias (classes) beside it.
inline bool is_head(const tensor_table& tensors, std::size_t i, std::string_view stem, int width) noexcept {
    const tensor_entry& weight = tensors.entry(i);
    if (weight.rank != 2 || weight.shape[1] != width) return false;
    const std::ptrdiff_t bias = tensors.find(file_name{}.append(stem).append("bias").view());
    return bias >= 0 && tensors.entry(static_cast<std::size_t>(bias)).rank == 1 &&
           tensors.entry(static_cast<std::size_t>(bias)).shape[0] == weight.shape[0];
}

/// Whether the linear layer at `stem` is not the whole head: other tensors share its parent, as in Sequential(LayerNorm, Linear), or
/// another matrix takes its outputs. A parent that contains the encoder as well is not the head's own.
inline bool is_part_of_head(const tensor_table& tensors, const name_style& style, std::string_view stem, std::int64_t classes) noexcept {
    const std::string_view dictionary = style.dictionary();
    const std::size_t dot = stem.substr(0, stem.size() - 1).rfind('.');
    const std::string_view parent = dot == std::string_view::npos ? std::string_view{} : stem.substr(0, dot + 1);
    const bool own = parent.size() > dictionary.size() && !style.prefix.starts_with(parent);
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        const std::string_view name = tensors.name(i);
        if (!name.starts_with(dictionary) || name.starts_with(stem) || style.in_stage(name)) continue;
        const tensor_entry& entry = tensors.entry(i);
        if ((own && name.starts_with(parent)) || (entry.rank == 2 && entry.shape[1] == classes && name.ends_with(".weight"))) return true;
    }
    return false;
}

/// Finds a head by another name: the only weight (classes, width) with a bias (classes) whose name begins with `scope`. It must be in the
/// dictionary of the model and outside its stages. Empty if there is none, more than one, or one that is only part of the head.
inline std::string_view find_head(const tensor_table& tensors, const name_style& style, std::string_view scope, int width) noexcept {
    const std::string_view dictionary = style.dictionary(), ending = "weight";
    std::string_view found;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        const std::string_view name = tensors.name(i);
        if (!name.ends_with(".weight") || !name.starts_with(scope) || name.find('/', dictionary.size()) != std::string_view::npos ||
            style.in_stage(name))
            continue;
        const std::string_view stem = detail::slice(name, 0, name.size() - ending.size());
        if (!is_head(tensors, i, stem, width)) continue;
        if (!found.empty() || is_part_of_head(tensors, style, stem, tensors.entry(i).shape[0])) return {};
        found = stem;
    }
    return found;
}

/// Finds a head that is a dictionary of its own beside that of the model, such as "classifier" beside "encoder": the only one with a
/// weight (classes, width) and a bias (classes). Empty if there is none or more than one.
inline std::string_view find_head_beside(const tensor_table& tensors, const name_style& style, int width) noexcept {
    std::string_view parent = style.dictionary();
    if (parent.empty()) return {};
    parent.remove_suffix(1);
    parent = detail::slice(parent, 0, parent.rfind('/') + 1);
    const std::string_view ending = "/weight";
    std::string_view found;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        const std::string_view name = tensors.name(i);
        if (!name.starts_with(parent) || !name.ends_with(ending) || name.starts_with(style.dictionary())) continue;
        const std::string_view stem = detail::slice(name, 0, name.size() - ending.size() + 1);
        if (stem.find('/', parent.size()) != stem.size() - 1 || !is_head(tensors, i, stem, width)) continue;
        if (!found.empty()) return {};
        found = stem;
    }
    return found;
}

/// Sets num_classes to the number of rows of head.weight, 0 without a head. transformers' CvtModel also lacks the final norm.
inline void resolve_head(checkpoint_source& s) noexcept {
    const bool norm = find_official(s.tensors, s.style, "norm.weight") != nullptr;
    const bool has_stages = s.config.num_stages > 0 && s.config.num_stages <= config::max_stages;  // not validated yet
    if (norm && has_stages && find_official(s.tensors, s.style, "head.weight") == nullptr) {
        const int width = s.config.last_stage().embed_dim;
        s.style.head = find_head(s.tensors, s.style, s.style.prefix, width);
        if (s.style.head.empty()) s.style.head = find_head(s.tensors, s.style, s.style.dictionary(), width);
        const bool inside = !s.style.head.empty();
        if (!inside) s.style.head = find_head_beside(s.tensors, s.style, width);
        const std::string_view name = detail::slice(s.style.head, inside ? s.style.dictionary().size() : 0);
        if (!name.empty()) s.warnings.add("head.weight is missing: %sweight is used as the head", printable{name}.text);
    }
    const tensor_entry* head = find_official(s.tensors, s.style, "head.weight");
    s.config.final_norm = head != nullptr || norm;
    const std::int64_t rows = head == nullptr || head->rank == 0 ? 0 : head->shape[0];
    s.config.num_classes = rows > INT_MAX ? INT_MAX : static_cast<int>(rows);
}

/// Fits the labels to the classes. Labels with ids from 1 on name the classes from 0 on if there are as many. If there is one class more,
/// they name all but the first. Any other number of labels belongs to another head: a fine-tuned model often keeps those of ImageNet.
/// They are replaced by the names that transformers makes up.
inline error resolve_labels(checkpoint_source& s, bool from_one) noexcept {
    const int classes = s.config.num_classes, found = s.labels.size();
    if (classes == 0) s.labels = {};
    if (s.labels.empty()) return {};
    if (found == classes) {
        if (from_one) s.warnings.add("config.json: id2label begins with id 1: label 1 is used for class 0, and so on");
        return {};
    }
    if (from_one && found + 1 == classes) {
        detail::label_list shifted;
        bool good = shifted.add("LABEL_0");
        for (int i = 0; i < found && good; ++i) good = shifted.add(s.labels[i]);
        s.labels = std::move(shifted);
        s.warnings.add("config.json: id2label names the classes from 1 on: class 0 has no label");
        return good ? error{} : error::out_of_memory("labels", static_cast<unsigned long long>(classes) * 32);
    }
    s.warnings.add(
        "config.json: id2label has %d labels but the head has %d classes; the labels are ignored and the classes are called LABEL_0, ...",
        found, classes);
    s.labels = {};
    for (int i = 0; i < classes; ++i) {
        char label[24];
        const int size = std::snprintf(label, sizeof label, "LABEL_%d", i);
        if (!s.labels.add({label, static_cast<std::size_t>(size)}))
            return error::out_of_memory("labels", static_cast<unsigned long long>(classes) * 32);
    }
    return {};
}

/// Whether the weights are those of ProtoCLR: CvT-13 for spectrograms, whose official names show one channel and no head. One of its
/// four files keeps a head in a dictionary beside that of the model.
inline bool is_protoclr(const checkpoint_source& s) noexcept {
    const published_variant* variant = variant_of(s.config);
    const bool no_head = s.config.num_classes == 0 || (!s.style.head.empty() && !s.style.head.starts_with(s.style.dictionary()));
    return s.style.naming == naming::official && s.config.num_channels == 1 && no_head && variant != nullptr && variant->value == &cvt_13;
}

/// Chooses the activation. Precedence: load_options, then config.json's hidden_act, then what ProtoCLR was trained with, then the
/// convention of the naming (official: quick, transformers: erf). The convention is that of photos: for another number of channels, a
/// warning says that it is a guess.
inline void resolve_gelu(checkpoint_source& s, const std::optional<cvt::gelu>& hidden_act, const load_options& options) noexcept {
    if (options.gelu || (options.config && options.config->gelu == gelu::erf)) {
        s.config.gelu = options.gelu.value_or(gelu::erf);
        s.info.gelu_from = "given by the caller";
    } else if (hidden_act) {
        s.config.gelu = *hidden_act;
        s.info.gelu_from = "hidden_act in config.json";
    } else if (is_protoclr(s)) {
        s.config.gelu = gelu::erf;
        s.info.gelu_from = "that of ProtoCLR";
    } else {
        s.config.gelu = s.style.naming == naming::official ? gelu::quick : gelu::erf;
        s.info.gelu_from = "naming of the tensors";
        if (s.style.naming == naming::official && s.config.num_channels != 3)
            s.warnings.add("the activation is a guess, %s GELU: the model has %d input channel%s and no hidden_act in a config.json",
                           to_string(s.config.gelu), s.config.num_channels, s.config.num_channels == 1 ? "" : "s");
    }
}

/// Makes spectrograms the inputs of the model. Errors: mismatch (a model of more than one channel).
inline error use_spectrogram(checkpoint_source& s, const spectrogram& rules, const char* from) noexcept {
    if (s.config.num_channels != 1)
        return error::format(errc::mismatch, "spectrograms have 1 channel, the model takes %d", s.config.num_channels);
    s.spectrogram = rules;
    s.preprocessing = preprocessing{};  // of no image: only the size is used
    s.preprocessing.resize = preprocessing::resize_rule::warp;
    s.preprocessing.center_crop = false;
    s.preprocessing.resize_height = s.preprocessing.crop_height = rules.mels;
    s.preprocessing.resize_width = s.preprocessing.crop_width = rules.frames();
    s.info.size_from = from;
    return {};
}

/// Chooses the preprocessing. Precedence: load_options, then preprocessor_config.json, then ProtoCLR's size, then config.json's image_size,
/// then for a single file the size of the published variant (384 for W24), then 224, as in transformers.
inline error resolve_preprocessing(checkpoint_source& s, const checkpoint_files& files, const published_variant* variant,
                                   const load_options& options) noexcept {
    const std::string_view text{files.preprocessor_json.data(), files.preprocessor_json.size()};
    if (options.spectrogram) {
        if (error e = validate(*options.spectrogram)) return e;
        return use_spectrogram(s, *options.spectrogram, "given by the caller");
    } else if (options.preprocessing) {
        s.preprocessing = *options.preprocessing;
        s.info.size_from = "given by the caller";
    } else if (!text.empty() && is_for_sounds(text)) {
        const result<cvt::spectrogram> given = read_hf_spectrogram(text);
        if (!given) return given.error();
        return use_spectrogram(s, *given, files.lone ? "preprocessor_config.json beside the file" : "preprocessor_config.json");
    } else if (!text.empty()) {
        const result<cvt::preprocessing> given = read_hf_preprocessor(text);
        if (!given) return given.error();
        s.preprocessing = *given;
        s.info.size_from = files.lone ? "preprocessor_config.json beside the file" : "preprocessor_config.json";
    } else if (is_protoclr(s)) {
        return use_spectrogram(s, protoclr, "that of ProtoCLR");
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

/// What is known before the weights are examined.
struct given_config {
    cvt::config config;
    bool known = false;         ///< from config.json or the caller; false: to be recognised from shapes
    bool has_channels = false;  ///< num_channels is known, too; otherwise it is the tensors'
    std::optional<cvt::gelu> hidden_act;
    bool labels_from_one = false;
    std::optional<cvt::scoring> scores;
};

/// Resolves one set of weights as a model. Errors: bad_config (a model that is not recognised), mismatch.
inline error resolve_set(checkpoint_source& s, const name_style& style, const given_config& given, const load_options& options) noexcept {
    s.style = style;
    s.config = given.config;
    s.index = {};
    s.warnings = {};
    if (!given.known) {
        const result<config> recognised = recognise(s.tensors, s.style);
        if (!recognised) return recognised.error();
        s.config = *recognised;
        s.info.config_from = "recognised from tensor shapes";
    }
    if (given.known && !given.has_channels)
        if (const tensor_entry* first = find_official(s.tensors, s.style, "stage0.patch_embed.proj.weight"))
            s.config.num_channels = channels_of(*first);
    resolve_head(s);
    resolve_gelu(s, given.hidden_act, options);
    const int guesses = s.warnings.count;
    if (error e = validate(s.config)) return e;
    if (error e = check_tensors(s.tensors, s.style, s.config, s.index, s.warnings)) return e;
    if (s.config.num_classes == 0 && s.warnings.count > guesses)
        s.warnings.add("no tensor was recognised as the head: the model gives embeddings only");
    return {};
}

/// Resolves the only set of weights that is a whole CvT. Errors: those of the set, or of the nearest; mismatch (several are whole).
inline error resolve_weights(checkpoint_source& s, const given_config& given, const load_options& options) noexcept {
    detail::buffer<name_style> sets;
    if (error e = find_weight_sets(s.tensors, sets)) return e;
    const seen_keys seen = first_names(s.tensors);
    if (options.weights_key != nullptr)
        if (error e = choose_weight_sets(sets, options.weights_key, seen)) return e;
    // For a flat file, the comparison with a known configuration is the better message.
    if (sets.empty() && (!given.known || s.tensors.name(0).find('/') != std::string_view::npos))
        return error::format(errc::mismatch,
                             "not a CvT: neither stage0.patch_embed.proj.weight (official) nor its name in transformers is among the %zu "
                             "tensors (%s)",
                             s.tensors.size(), seen.text);
    if (sets.size() < 2) return resolve_set(s, sets.empty() ? name_style{} : sets[0], given, options);

    set_names whole;
    std::size_t count = 0, chosen = 0, nearest = 0, max_found = 0;
    error refusal;
    for (std::size_t i = 0; i < sets.size(); ++i) {
        const error e = resolve_set(s, sets[i], given, options);
        if (!e) {
            char size[64];
            std::snprintf(size, sizeof size, " (%zu tensors, %lld parameters)", s.index.tensor_of.size(),
                          static_cast<long long>(network::parameters_of(s.config)));
            whole.add(sets[i], size);
            chosen = i;
            ++count;
        } else if (i == 0 || s.index.tensor_of.size() > max_found) {
            max_found = s.index.tensor_of.size();
            nearest = i;
            refusal = e;
        }
    }
    if (count == 1) return resolve_set(s, sets[chosen], given, options);
    if (count > 1)
        return error::format(errc::mismatch,
                             "%zu sets of weights are whole models: %s: choose one with weights_key (classify: --weights-key)", count,
                             whole.text);
    return error::format(refusal.code(), "none of %zu sets of weights is a whole model; the nearest, %s: %s", sets.size(),
                         printable{key_of(sets[nearest]), 80}.text, refusal.what());
}

/// Resolves the configuration, tensors, labels and preprocessing of a checkpoint, and notes the origin of each.
/// Errors: malformed, unsupported, bad_config (the JSON texts, a model that is not recognised); mismatch; invalid_argument
/// (weights_key); out_of_memory.
inline result<checkpoint_source> resolve(checkpoint_files&& files, const load_options& options = {}) noexcept {
    checkpoint_source s;
    s.tensors = std::move(files.tensors);
    s.self_test = std::move(files.metadata.text);
    s.info.container = files.container;
    if (s.tensors.size() == 0) return error::format(errc::mismatch, "the checkpoint holds no tensors");
    given_config given;
    if (!files.config_json.empty()) {
        result<hf_config> parsed =
            read_hf_config({files.config_json.data(), files.config_json.size()}, "config.json", options.ignore_labels);
        if (!parsed) return parsed.error();
        given = {parsed->config, true, parsed->has_channels, parsed->gelu, parsed->labels_from_one, parsed->scores};
        s.labels = std::move(parsed->labels);
        s.info.config_image_size = parsed->image_size;
        s.info.config_from = files.lone ? "config.json beside the file" : "config.json";
    }
    if (options.config) {
        given.config = *options.config;
        given.known = true;
        given.has_channels = given.config.num_channels != 0;
        s.info.config_from = "given by the caller";
    }
    if (error e = resolve_weights(s, given, options)) return e;
    if (error e = resolve_labels(s, given.labels_from_one)) return e;
    // The softmax of a single class is always 1.
    s.info.scores = options.scores.value_or(given.scores.value_or(scoring::softmax));
    if (s.config.num_classes == 1 && s.info.scores == scoring::softmax) s.info.scores = scoring::sigmoid;
    s.info.int8_weights = s.index.int8_weights > 0;
    s.info.naming = to_string(s.style.naming);
    const std::string_view dictionary = s.style.dictionary();
    std::snprintf(s.info.beside, sizeof s.info.beside, "%s", s.tensors.beside());
    std::snprintf(s.info.weights_path, sizeof s.info.weights_path, "%s",
                  printable{detail::slice(dictionary, 0, dictionary.size() - (dictionary.empty() ? 0 : 1))}.text);
    std::snprintf(s.info.stripped, sizeof s.info.stripped, "%s", printable{detail::slice(s.style.prefix, dictionary.size())}.text);

    const published_variant* variant = variant_of(s.config);
    if (variant != nullptr) s.info.variant = is_protoclr(s) ? "ProtoCLR" : variant->name;
    if (error e = resolve_preprocessing(s, files, variant, options)) return e;
    return s;
}

/// Returns the files of a checkpoint before anything is read, with the metadata of a CvT requested.
inline checkpoint_files unread_files() noexcept {
    checkpoint_files files;
    files.metadata.key = self_test_key;
    files.metadata.max_size = self_test::max_text;
    return files;
}

/// Opens a Hugging Face folder (weights, and config.json and preprocessor_config.json if present) or a single file, which may be inside
/// such a folder. Weights without a config.json must be a published variant or come with options.config.
/// Errors begin with the path: invalid_argument (no path), io, malformed, unsupported, bad_config, mismatch, out_of_memory.
inline result<checkpoint_source> open(const char* path, const load_options& options = {}) noexcept {
    if (path == nullptr || *path == '\0') return error::format(errc::invalid_argument, "the path of the checkpoint is empty");
    checkpoint_files files = unread_files();
    if (error e = read_files(path, options.config.has_value(), files)) return e;
    result<checkpoint_source> resolved = resolve(std::move(files), options);
    if (!resolved) return error::format(resolved.error().code(), "%s: %s", path, resolved.error().what());
    return resolved;
}

/// Opens a checkpoint in memory. `weights`: a file in any format, which must outlive the last read. `config_json`, `preprocessor_json`:
/// the texts of config.json and preprocessor_config.json, or empty.
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
