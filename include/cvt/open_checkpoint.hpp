// Opens a checkpoint without loading it: its configuration, labels and preprocessing are known, its tensors read on demand.
// In a unit with CVT_LINK_LOAD the functions are only declared, as in load.hpp.
#pragma once

#include "checkpoint/checkpoint_source.hpp"
#include "load_options.hpp"

#if !defined(CVT_LINK_LOAD)
#include "checkpoint/open.hpp"
#endif

CVT_NAMESPACE_BEGIN

/// An open checkpoint, in which every tensor of its `config` has been found.
using checkpoint_source = checkpoint::checkpoint_source;

/// Opens what model::load takes, with the same errors, and reads only tables. convert() (convert.hpp) takes the result; so does
/// model::from_weights, by its weights().
result<checkpoint_source> open_checkpoint(const char* path, const load_options& options = {}) noexcept;

/// Opens a file of weights in memory, which must outlive the result, with the texts of config.json and preprocessor_config.json, or
/// empty texts: what model::from_memory takes.
result<checkpoint_source> open_checkpoint(std::span<const std::byte> weights, std::string_view config_json,
                                          std::string_view preprocessor_json, const load_options& options = {}) noexcept;

#if !defined(CVT_LINK_LOAD)

inline result<checkpoint_source> open_checkpoint(const char* path, const load_options& options) noexcept {
    return checkpoint::open(path, options);
}

inline result<checkpoint_source> open_checkpoint(std::span<const std::byte> weights, std::string_view config_json,
                                                 std::string_view preprocessor_json, const load_options& options) noexcept {
    return checkpoint::open_memory(weights, config_json, preprocessor_json, options);
}

#endif

CVT_NAMESPACE_END
