// --attention: a folder of pictures that show where the model looked.
#pragma once

#include <cstdint>
#include <cvt/error.hpp>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "input/shard.hpp"

namespace app {

class picture_directory {
public:
    /// Makes the folder if there is none; shards may share it. Throws failure (wrong_usage) when pictures cannot be put there.
    picture_directory(std::string folder, const std::optional<shard>& part);

    /// Writes the picture (height, width, 3) of the photo at `path`. `name` becomes where it is: folder/<stem of path>.attention.png,
    /// or <stem>-2 where another photo of this run has that name already, with the part of --shard behind the stem. Errors: io,
    /// out_of_memory.
    cvt::error write(const std::string& path, std::span<const std::uint8_t> picture, int width, int height, std::string& name);

private:
    std::string next_name(const std::string& path);

    std::string folder_, part_;
    std::unordered_set<std::string> taken_;
    std::unordered_map<std::string, std::size_t> copies_;  // of a stem, where there is more than one
};

}  // namespace app
