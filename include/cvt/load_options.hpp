// What a caller may say about a checkpoint, and what a model says about where it came from.
#pragma once

#include <optional>

#include "config.hpp"

CVT_NAMESPACE_BEGIN

/// What the file does not say, or what the caller knows better.
struct load_options {
    std::optional<cvt::config> config;  ///< instead of config.json, or for a lone file of no published variant
    std::optional<cvt::gelu> gelu;      ///< wins over config.json's hidden_act, which wins over the naming of the tensors
    const char* kernels = nullptr;      ///< a kernel set by name; null: CVT_FORCE_KERNELS, else the best for this CPU
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
