// Chooses the labels, the activation and the preprocessing of an opened checkpoint, and notes the origin of each.
#pragma once

#include "../load_options.hpp"
#include "checkpoint_source.hpp"
#include "formats/read_files.hpp"
#include "hf_config.hpp"
#include "hf_preprocessor.hpp"
#include "hf_spectrogram.hpp"
#include "variants.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// Fits the labels to the classes. Labels with ids from 1 on name the classes from 0 on if there are as many. If there is one class more,
/// they name all but the first. Any other number of labels belongs to another head: a fine-tuned model often keeps those of ImageNet.
/// They are replaced by the names that transformers makes up. `file`: name of the file with the labels, for messages.
inline error resolve_labels(checkpoint_source& s, bool from_one, const char* file) noexcept {
    const int classes = s.config.num_classes, found = s.labels.size();
    if (classes == 0) s.labels = {};
    if (s.labels.empty()) return {};
    if (found == classes) {
        if (from_one) s.warnings.add("%s: id2label begins with id 1: label 1 is used for class 0, and so on", file);
        return {};
    }
    const bool all_but_first = from_one && found + 1 == classes;
    if (all_but_first)
        s.warnings.add("%s: id2label names the classes from 1 on: class 0 has no label", file);
    else
        s.warnings.add(
            "%s: id2label has %d labels but the head has %d classes; the labels are ignored and the classes are called LABEL_0, ...", file,
            found, classes);
    const detail::label_list given = std::exchange(s.labels, {});
    for (int i = 0; i < classes; ++i) {
        char label[24];
        std::snprintf(label, sizeof label, "LABEL_%d", i);
        if (!s.labels.add(all_but_first && i > 0 ? given[i - 1] : label))
            return error::out_of_memory("labels", static_cast<unsigned long long>(classes) * 32);
    }
    return {};
}

/// Whether the weights are those of ProtoCLR: CvT-13 with official tensor names, one channel and no head. One of its
/// four files keeps a head in a dictionary beside that of the model.
inline bool is_protoclr(const checkpoint_source& s) noexcept {
    const published_variant* variant = variant_of(s.config);
    const bool no_head = s.config.num_classes == 0 || (!s.style.head.empty() && !s.style.head.starts_with(s.style.dictionary()));
    return s.style.naming == naming::official && s.config.num_channels == 1 && no_head && variant != nullptr && variant->value == &cvt_13;
}

/// Chooses the activation. Precedence: load_options, then hidden_act in a config.json, then what ProtoCLR was trained with, then the
/// convention of the naming (official: quick, transformers: erf). The convention is that of photos: for another number of channels, a
/// warning says that it is a guess.
inline void resolve_gelu(checkpoint_source& s, const std::optional<cvt::gelu>& hidden_act, const load_options& options) noexcept {
    s.info.gelu_guessed = false;
    if (options.gelu || (options.config && options.config->gelu == gelu::erf)) {
        s.config.gelu = options.gelu.value_or(gelu::erf);
        s.info.gelu_from = "given by the caller";
    } else if (hidden_act) {
        s.config.gelu = *hidden_act;
        const bool by_caller = options.config_file != nullptr && options.config_file->gelu;
        s.info.gelu_from = by_caller ? "given by the caller" : "hidden_act in config.json";
    } else if (is_protoclr(s)) {
        s.config.gelu = gelu::erf;
        s.info.gelu_from = "that of ProtoCLR";
    } else {
        s.config.gelu = s.style.naming == naming::official ? gelu::quick : gelu::erf;
        s.info.gelu_from = "naming of the tensors";
        s.info.gelu_guessed = true;
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
    s.preprocessing = preprocessing{};  // applied to no image: only the size is used
    s.preprocessing.resize = preprocessing::resize_rule::warp;
    s.preprocessing.center_crop = false;
    s.preprocessing.resize_height = s.preprocessing.crop_height = rules.mels;
    s.preprocessing.resize_width = s.preprocessing.crop_width = rules.frames();
    s.info.size_from = from;
    return {};
}

/// Reads the rules of preprocessor_config.json, for pictures or for sounds. Errors: malformed, bad_config, unsupported; mismatch (sounds
/// for a model of more than one channel).
inline error use_preprocessor_json(checkpoint_source& s, std::string_view text, bool lone) noexcept {
    s.has_preprocessor_json = true;
    const char* const from = lone ? "preprocessor_config.json beside the file" : "preprocessor_config.json";
    if (is_for_sounds(text)) {
        const result<cvt::spectrogram> sounds = read_hf_spectrogram(text);
        return sounds ? use_spectrogram(s, *sounds, from) : sounds.error();
    }
    const result<cvt::preprocessing> pictures = read_hf_preprocessor(text);
    if (!pictures) return pictures.error();
    s.preprocessing = *pictures;
    s.info.size_from = from;
    return {};
}

/// Chooses the preprocessing. Precedence: load_options, then preprocessor_config.json, then ProtoCLR's size, then config.json's image_size,
/// then for a single file the size of the published variant (384 for W24), then 224, as in transformers.
inline error resolve_preprocessing(checkpoint_source& s, const checkpoint_files& files, const published_variant* variant,
                                   const load_options& options) noexcept {
    if (options.spectrogram) {
        if (error e = validate(*options.spectrogram)) return e;
        return use_spectrogram(s, *options.spectrogram, "given by the caller");
    }
    if (options.preprocessing) {
        s.preprocessing = *options.preprocessing;
        s.info.size_from = "given by the caller";
        return {};
    }
    if (const std::string_view text{files.preprocessor_json.data(), files.preprocessor_json.size()}; !text.empty())
        return use_preprocessor_json(s, text, files.lone);
    if (is_protoclr(s)) return use_spectrogram(s, protoclr, "that of ProtoCLR");

    const int default_size = files.config_json.empty() && variant != nullptr ? variant->image_size : 224;
    const bool given = s.info.config_image_size != 0;
    s.preprocessing = preprocessing::for_size(given ? s.info.config_image_size : default_size);
    const bool by_caller = options.config_file != nullptr && options.config_file->image_size != 0;
    s.info.size_from = by_caller ? "image_size given by the caller" : given ? "image_size in config.json" : "default";
    return {};
}

}  // namespace checkpoint
CVT_NAMESPACE_END
