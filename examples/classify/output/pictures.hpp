// picture_directory: the pictures of --attention, which show where the model looked.
#pragma once

#include <cstdint>
#include <cvt/error.hpp>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "shard.hpp"

namespace app {

class picture_directory {
public:
    /// Creates a missing folder; shards may share it. Throws failure (wrong_usage) if files cannot be created there.
    picture_directory(std::string folder, const std::optional<shard>& part);

    /// Writes the picture (height, width, 3) of the photo at `path` and sets `name` to its path: folder/<stem of path>.attention.png, or
    /// <stem>-2 if another photo of this run has that name. With --shard, the shard follows the stem. Errors: io, out_of_memory.
    cvt::error write(const std::string& path, std::span<const std::uint8_t> picture, int width, int height, std::string& name);

private:
    std::string next_name(const std::string& path);

    std::string folder_, part_;
    std::unordered_set<std::string> taken_;
    std::unordered_map<std::string, std::size_t> copies_;  // further pictures of a stem
};

}  // namespace app
