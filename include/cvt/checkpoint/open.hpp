// Opens a checkpoint of any format and naming: its configuration and preprocessing at once, its tensors on demand.
#pragma once

#include "find_head.hpp"
#include "self_test.hpp"
#include "settings.hpp"
#include "weight_sets.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// What is known before the weights are examined.
struct given_config : hf_config {
    bool known = false;  ///< from a config.json or the caller; false: to be recognised from shapes

    /// Takes the configuration of a file that the caller gives, and what else is in it. Errors: out_of_memory.
    error take(const hf_config& file, bool ignore_labels) noexcept {
        known = true;
        config = file.config;
        has_channels = file.has_channels;
        assumed = file.assumed;
        name = file.name;
        if (file.gelu) gelu = file.gelu;
        if (file.scores) scores = file.scores;
        if (file.image_size != 0) image_size = file.image_size;
        if (file.labels.empty() || ignore_labels) return {};
        labels = {};
        labels_from_one = file.labels_from_one;
        for (int i = 0; i < file.labels.size(); ++i)
            if (!labels.add(file.labels[i]))
                return error::out_of_memory("labels", static_cast<unsigned long long>(file.labels.size()) * 32);
        return {};
    }
};

/// Adds to a refusal the keys that the config.json lacks and whose assumed values are not those of the tensors.
inline error with_assumed(const error& refusal, const checkpoint_source& s, const given_config& given) noexcept {
    if (given.assumed == 0 || refusal.code() != errc::mismatch) return refusal;
    const config seen = seen_stages(s.tensors, s.style);
    if (seen.num_stages == 0) return refusal;
    detail::text_list<240> culprits;
    visit_keys(given.assumed, [&](const char* key, auto member, projection last) noexcept {
        if (is_unseen(key, s.config) || !counts(seen, last)) return;
        bool same = seen.num_stages == s.config.num_stages;
        for (std::size_t i = 0; same && i < seen.stages().size(); ++i) same = seen.stage[i].*member == s.config.stage[i].*member;
        if (same) return;
        // Without convolutions a projection may be linear or avg.
        constexpr bool unsure = std::is_same_v<decltype(member), projection stage_config::*>;
        culprits.add(", ", "%s (assumed %s, found %s)", key, stage_values(s.config, member).text(),
                     unsure ? "no convolutions" : stage_values(seen, member).text());
    });
    if (culprits.text[0] == '\0') return refusal;
    return error::format(refusal.code(), "%s lacks %s | %s", given.name.text, culprits.text, refusal.what());
}

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
    resolve_gelu(s, given.gelu, options);
    const int guesses = s.warnings.count;
    if (error e = validate(s.config)) return e;
    if (error e = check_tensors(s.tensors, s.style, s.config, s.index, s.warnings)) return with_assumed(e, s, given);
    if (s.config.num_classes == 0 && s.warnings.count > guesses)
        s.warnings.add("no tensor was recognised as the head: the model gives embeddings only");
    if (any_unseen(given.assumed, s.config) && variant_of(s.config) == nullptr)
        s.warnings.add("%s lacks keys, for which CvT-13's values are assumed: %s", given.name.text, printable{s.info.assumed, 120}.text);
    return {};
}

/// Resolves the only set of weights that is a whole CvT. Models without a head are candidates only if there is none with a head.
/// Errors: those of the set, or of the nearest; mismatch (several candidates).
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

    set_names whole, headless;
    std::size_t nearest = 0, max_found = 0;
    error refusal;
    for (std::size_t i = 0; i < sets.size(); ++i) {
        const error e = resolve_set(s, sets[i], given, options);
        if (!e) {
            char size[64];
            std::snprintf(size, sizeof size, " (%zu tensors, %lld parameters)", s.index.tensor_of.size(),
                          static_cast<long long>(network::parameters_of(s.config)));
            (s.config.num_classes > 0 ? whole : headless).add(sets[i], size);
        } else if (i == 0 || s.index.tensor_of.size() > max_found) {
            max_found = s.index.tensor_of.size();
            nearest = i;
            refusal = e;
        }
    }
    const set_names& candidates = whole.count > 0 ? whole : headless;
    if (candidates.count == 0)
        return error::format(refusal.code(), "none of %zu sets of weights is a whole model; the nearest, %s: %s", sets.size(),
                             printable{key_of(sets[nearest]), 80}.text, refusal.what());
    if (candidates.count > 1)
        return error::format(errc::mismatch, "%zu sets of weights are %s: %s: choose one with weights_key (classify: --weights-key)",
                             candidates.count, whole.count > 0 ? "whole models" : "models without a head", candidates.text);
    if (error e = resolve_set(s, *candidates.last, given, options)) return e;
    if (whole.count > 0 && headless.count > 0)
        s.warnings.add("weights without a head are not used: %.80s; choose them with weights_key", headless.text);
    return {};
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
        given = {*std::move(parsed), true};
        s.info.config_from = files.lone ? "config.json beside the file" : "config.json";
    }
    if (options.config_file != nullptr) {
        if (error e = given.take(*options.config_file, options.ignore_labels)) return e;
        s.info.config_from = "given by the caller";
    }
    if (options.config) {
        given.config = *options.config;
        given.known = true;
        given.has_channels = given.config.num_channels != 0;
        given.assumed = 0;
        s.info.config_from = "given by the caller";
    }
    std::snprintf(s.info.assumed, sizeof s.info.assumed, "%s", list_keys(given.assumed, given.config).text);
    s.info.config_image_size = given.image_size;
    if (error e = resolve_weights(s, given, options)) return e;
    s.labels = std::move(given.labels);
    const bool own_labels = options.config_file != nullptr && !options.config_file->labels.empty();
    if (error e = resolve_labels(s, given.labels_from_one, own_labels ? given.name.text : "config.json")) return e;
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
/// such a folder. Weights without a config.json must be a published variant or come with options.config or options.config_file.
/// Errors begin with the path: invalid_argument (no path), io, malformed, unsupported, bad_config, mismatch, out_of_memory.
inline result<checkpoint_source> open(const char* path, const load_options& options = {}) noexcept {
    if (path == nullptr || *path == '\0') return error::format(errc::invalid_argument, "the path of the checkpoint is empty");
    checkpoint_files files = unread_files();
    if (error e = read_files(path, options.config || options.config_file != nullptr, files)) return e;
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
