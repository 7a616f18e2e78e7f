// load_options: what a caller may say about a checkpoint beyond what its files say.
#pragma once

#include <optional>

#include "config.hpp"

CVT_NAMESPACE_BEGIN

/// Options of model::load and model::from_memory; all may be left out.
struct load_options {
    /// The model, for a lone file that is none of the published variants, or in place of config.json. Two of its fields
    /// only complete the file: the number of classes and the final norm are those of the tensors that are there; and
    /// `quick`, config's default, leaves the activation to hidden_act and naming (`erf` counts as said).
    std::optional<cvt::config> config;
    /// Wins over `config`, over config.json's hidden_act and over the naming of the tensors.
    std::optional<cvt::gelu> gelu;
    /// Name of a kernel set; nullptr: the one named by CVT_FORCE_KERNELS in the environment, else the best for this CPU.
    const char* kernels = nullptr;
};

CVT_NAMESPACE_END
