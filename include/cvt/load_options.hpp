// load_options: what the caller can say about a checkpoint.
#pragma once

#include <optional>

#include "audio/spectrogram.hpp"
#include "config.hpp"
#include "image/preprocessing.hpp"
#include "scoring.hpp"

CVT_NAMESPACE_BEGIN

namespace checkpoint {
struct hf_config;  // config_file in config_files.hpp
}

/// Options of model::load and model::from_memory; all are optional.
/// @code{.cpp}
/// cvt::load_options options;
/// options.precision = cvt::precision::int8;
/// options.weights_key = "model_ema";
/// cvt::result<cvt::model> model = cvt::model::load("checkpoint.pth", options);
/// @endcode
struct load_options {
    /// Configuration for a checkpoint that has none, or to override config.json. num_classes and final_norm always come from
    /// the tensors. Leave its gelu at quick, and set its num_channels to 0, to let the checkpoint decide them.
    std::optional<cvt::config> config = {};
    /// A config.json apart from the checkpoint, as read_config() of config_files.hpp returns it; needed until the model is loaded. Its
    /// configuration, labels, activation, scoring and image size override those of the checkpoint's own config.json, and `config`
    /// overrides its configuration. Messages about its missing keys and its labels name the file.
    const checkpoint::hf_config* config_file = nullptr;
    /// Overrides `config`, config.json's hidden_act and the convention of the tensors' naming.
    std::optional<cvt::gelu> gelu = {};
    /// Element type of the packed weights (docs/precision.md). Null: that of the file, float32 or int8.
    std::optional<cvt::precision> precision = {};
    /// Selects one of several weight sets in a file, by the beginning of its path: "model_ema", "state_dict/student"; "." is the set at
    /// the top. Null: the only set.
    const char* weights_key = nullptr;
    /// What the logits mean; overrides config.json's problem_type.
    std::optional<cvt::scoring> scores = {};
    /// How images become inputs; overrides preprocessor_config.json, which is then not read, and every default.
    std::optional<cvt::preprocessing> preprocessing = {};
    /// How sounds become inputs; overrides preprocessor_config.json, which is then not read.
    std::optional<cvt::spectrogram> spectrogram = {};
    /// Ignores config.json's id2label, for a caller with its own names: wrong labels then cause neither a warning nor an error.
    bool ignore_labels = false;
    /// Name of a kernel set. Null: the one that the environment variable CVT_FORCE_KERNELS names, else the best for this CPU.
    const char* kernels = nullptr;
};

CVT_NAMESPACE_END
