// output_files: the arrays of --logits, --embedding and --dump-input, and the pictures of --attention.
#pragma once

#include <cvt/config.hpp>
#include <cvt/shape.hpp>
#include <memory>
#include <optional>

#include "options.hpp"
#include "output/npy_rows.hpp"
#include "output/pictures.hpp"

namespace app {

/// Members are null for outputs that were not requested.
struct output_files {
    /// `input_size`: rows of --dump-input are (channels, height, width) of this size. Throws failure (wrong_usage) if a file cannot be
    /// written.
    output_files(const options& o, const cvt::config& c, std::optional<cvt::grid> input_size);
    /// Empties the arrays. Until then, files of an earlier run are unchanged. Throws failure (wrong_usage).
    void begin();

    std::unique_ptr<npy_rows> logits, embedding, input;
    std::unique_ptr<picture_folder> attention;
};

}  // namespace app
