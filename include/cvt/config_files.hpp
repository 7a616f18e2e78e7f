// Reads the text of a config.json or a preprocessor_config.json that a program has apart from its checkpoint. Not in cvt.hpp.
#pragma once

#include "checkpoint/hf_config.hpp"
#include "checkpoint/hf_preprocessor.hpp"
#include "checkpoint/hf_spectrogram.hpp"

CVT_NAMESPACE_BEGIN

/// What a config.json says: the configuration, and the labels, activation and scoring in the same file. For load_options::config_file.
using config_file = checkpoint::hf_config;

/// Reads a config.json of transformers' CvtConfig or Microsoft's configuration, JSON or YAML. `name`: the file, for messages.
/// `ignore_labels`: id2label is not read. Errors: malformed, bad_config, unsupported, out_of_memory.
inline result<config_file> read_config(std::string_view text, const char* name = "config.json", bool ignore_labels = false) noexcept {
    return checkpoint::read_hf_config(text, name, ignore_labels);
}

/// Reads a preprocessor_config.json by the rules of transformers' processor that it names (docs/checkpoints.md). Errors: malformed,
/// bad_config, unsupported.
inline result<preprocessing> read_preprocessing(std::string_view text, const char* name = "preprocessor_config.json") noexcept {
    return checkpoint::read_hf_preprocessor(text, name);
}

/// Whether a preprocessor_config.json belongs to a model for sounds and read_spectrogram() reads it. Otherwise read_preprocessing() does.
inline bool is_for_sounds(std::string_view text) noexcept { return checkpoint::is_for_sounds(text); }

/// Reads the preprocessor_config.json of a model for sounds (docs/sounds.md). Errors: malformed, bad_config, unsupported.
inline result<spectrogram> read_spectrogram(std::string_view text, const char* name = "preprocessor_config.json") noexcept {
    return checkpoint::read_hf_spectrogram(text, name);
}

CVT_NAMESPACE_END
