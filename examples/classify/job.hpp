// job: some inputs in a row, what has become of each of them, and how much there is of them at a time.
#pragma once

#include <cstdint>
#include <cvt/tensor.hpp>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "inputs.hpp"
#include "records.hpp"

namespace app {

/// So many jobs wait, run or are done before their turn: enough that no worker waits for a slower one, or for who reports.
constexpr std::size_t jobs_in_flight(int workers) { return workers == 1 ? 1 : 2 * static_cast<std::size_t>(workers); }

/// Files of archive members that wait, photos that wait for their picture and pictures that wait for their turn would, in
/// large batches, need gigabytes: with one more photo this is the most of each kind.
constexpr std::size_t photo_bytes_in_job(int workers) { return (std::size_t{256} << 20) / jobs_in_flight(workers); }

/// An image: its data, or else the file of its path.
struct task {
    input image;
    std::optional<cvt::view<const float, 3>> tensor = std::nullopt;  ///< --input: (channels, height, width) of that name instead
};

/// What one input came to. Arrays are empty unless options ask for them, and where the input failed.
struct outcome {
    record result;
    std::vector<float> logits = {}, embedding = {}, input = {};
    std::vector<std::uint8_t> picture = {};  ///< (height, width, 3), of --attention
    int picture_width = 0, picture_height = 0;
    std::string timing = {};  ///< what --repeat found, a line for standard error
};

struct job {
    std::vector<task> tasks;
    std::size_t next = 0;           ///< the first task that has not been begun
    std::vector<outcome> outcomes;  ///< of the last ones that have been
    std::exception_ptr problem = nullptr;
    bool finished = false;  ///< nobody works on it; tasks may be left all the same

    [[nodiscard]] bool has_tasks_left() const { return next < tasks.size(); }
};

}  // namespace app
