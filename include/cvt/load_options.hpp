// load_options: what a caller may say about a checkpoint.
#pragma once

#include <optional>

#include "config.hpp"
#include "image/preprocessing.hpp"
#include "scoring.hpp"

CVT_NAMESPACE_BEGIN

/// Options of model::load and model::from_memory; all may be left out.
struct load_options {
    /// Configuration for a checkpoint that carries none, or to override config.json. num_classes and final_norm always come from
    /// the tensors; leave its gelu at quick to let the checkpoint decide.
    std::optional<cvt::config> config = {};
    /// Wins over `config`, over config.json's hidden_act and over the naming of the tensors.
    std::optional<cvt::gelu> gelu = {};
    /// How the weights are held: docs/precision.md.
    cvt::precision precision = cvt::precision::f32;
    /// Which weights of a file that holds several sets of them, by the beginning of their path: "model_ema", "state_dict/student".
    /// "." are those at the top. Null: the only ones.
    const char* weights_key = nullptr;
    /// What the logits mean; wins over config.json's problem_type.
    std::optional<cvt::scoring> scores = {};
    /// How images become inputs; wins over preprocessor_config.json, which is then not read, and over every default.
    std::optional<cvt::preprocessing> preprocessing = {};
    /// Leaves config.json's id2label unread, for a caller with names of its own: stale ones are then neither a warning nor an error.
    bool ignore_labels = false;
    /// Name of a kernel set; null: the one named by CVT_FORCE_KERNELS in the environment, else the best for this CPU.
    const char* kernels = nullptr;
};

CVT_NAMESPACE_END
