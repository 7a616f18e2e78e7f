// task: one input on its way through the pipeline. outcome: its result.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cvt/shape.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/sha256.hpp"
#include "input/input.hpp"
#include "output/record_schema.hpp"

namespace app {

/// An image, as bytes in memory or as the file at its path; a chunk of a recording; or a tensor.
struct task {
    input image;
    std::optional<cvt::grid> tensor_size = std::nullopt;  ///< the input is `tensor`, of this size, and not an image
    std::vector<float> tensor = {};                       ///< (channels, height, width), normalised
    std::vector<float> samples = {};                      ///< of a chunk, at the model's rate
    double milliseconds = 0;                              ///< that the source needed to read it
    std::size_t number = 0;                               ///< of the image or recording in a list
    // For an embedder:
    digest photo = {};                    ///< of the file's bytes
    std::vector<float> embedding = {};    ///< (views, width), those that the cache has
    std::vector<int> missing_views = {};  ///< the others
};

/// Arrays are empty unless options request them, and if the input failed.
struct outcome {
    record result;
    std::vector<float> logits = {}, embedding = {}, input = {};
    std::vector<std::uint8_t> picture = {};  ///< (height, width, 3), for --attention
    int picture_width = 0, picture_height = 0;
    std::size_t number = 0;               ///< as in the task
    bool of_other_shard = false;          ///< counts as failed, without a record
    std::string notes = {};               ///< lines for standard error: what the reader skipped, what --repeat measured
    digest photo = {};                    ///< as in the task
    std::vector<int> missing_views = {};  ///< views that were computed
};

/// Byte limit for each of: archive members that wait for a worker, photos that a worker keeps for their pictures, pictures that wait
/// for the writer. Each may exceed it by one photo.
constexpr std::size_t max_bytes_in_flight = std::size_t{128} << 20;

}  // namespace app
