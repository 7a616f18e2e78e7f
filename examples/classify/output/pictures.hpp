// picture_folder: the pictures of --attention, which show where the model looked.
#pragma once

#include <cstdint>
#include <cvt/error.hpp>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "common/input_id.hpp"
#include "shard.hpp"

namespace app {

class picture_folder {
public:
    /// Creates a missing folder; shards may share it. Throws failure (wrong_usage) if files cannot be created there.
    picture_folder(std::string folder, const std::optional<shard>& part);

    /// Writes the picture (height, width, 3) of the input at `path` and sets `name` to its path: folder/<stem of path>.attention.png, or
    /// <stem>-2 if another input of this run has that name. The second at which a chunk begins follows the stem, and with --shard the
    /// shard. Errors: io, out_of_memory.
    cvt::error write(const std::string& path, const std::optional<time_span>& span, std::span<const std::uint8_t> picture, int width,
                     int height, std::string& name);

private:
    std::string next_name(const std::string& path, const std::optional<time_span>& span);

    std::string folder_, part_;
    std::unordered_set<std::string> taken_;
    std::unordered_map<std::string, std::size_t> copies_;  // further pictures of a stem
};

}  // namespace app
