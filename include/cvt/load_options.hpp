// What a caller may say about a checkpoint, and what a model says about where it came from.
#pragma once

#include <optional>

#include "config.hpp"

CVT_NAMESPACE_BEGIN

/// Options of model::load and model::from_memory; all may be left out.
struct load_options {
    /// The model, for a lone file that is none of the published variants, or in place of config.json. Two of its fields
    /// only complete the file: the number of classes and the final norm are those of the tensors that are there; and
    /// `quick`, config's default, leaves the activation to hidden_act and naming (`erf` counts as said).
    std::optional<cvt::config> config = {};
    /// Wins over `config`, over config.json's hidden_act and over the naming of the tensors.
    std::optional<cvt::gelu> gelu = {};
    /// Name of a kernel set; null: the one named by CVT_FORCE_KERNELS in the environment, else the best for this CPU.
    const char* kernels = nullptr;
};

/// What was recognised in a checkpoint, and why. All texts are static.
struct model_info {
    const char* container = "weights given by the caller";  ///< "safetensors", "torch zip", ...
    const char* naming = "official";                        ///< of the tensors: "official" or "transformers"
    const char* variant = "custom";                         ///< "CvT-13", "CvT-21", "CvT-W24" or "custom"
    const char* config_from = "given by the caller";        ///< or "config.json", "recognised from tensor shapes"
    const char* gelu_from = "given by the caller";          ///< or "hidden_act in config.json", "naming of the tensors"
    const char* size_from = "default";                      ///< or "preprocessor_config.json", "image_size in config.json"
    int config_image_size = 0;                              ///< config.json's image_size, 0 without one
};

CVT_NAMESPACE_END
