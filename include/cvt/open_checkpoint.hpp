// Opens a checkpoint without loading it: its configuration, labels and preprocessing are known, its tensors read on demand.
#pragma once

#include "checkpoint/source.hpp"

CVT_NAMESPACE_BEGIN

/// An open checkpoint, in which every tensor of its `config` has been found.
using checkpoint_source = checkpoint::checkpoint_source;

/// Opens what model::load takes, with the same errors, and reads only tables. convert() (convert.hpp) takes the result; so does
/// model::from_weights, by its weights().
inline result<checkpoint_source> open_checkpoint(const char* path, const load_options& options = {}) noexcept {
    return checkpoint::open(path, options);
}

CVT_NAMESPACE_END
