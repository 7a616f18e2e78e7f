// Shards: which of n workers an input belongs to, by its path alone, so that files that are added move no others.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace app {

struct shard {
    std::uint32_t index = 0, count = 1;  ///< index < count

    /// Of the `count` shards, which differ by a few parts in a hundred in size, exactly one says yes. The same on every
    /// machine and in every version; bytes that are no UTF-8 count as U+FFFD, which is what the records say.
    [[nodiscard]] bool holds(std::string_view path) const;
    /// "2-of-8": for names of files.
    [[nodiscard]] std::string name() const { return std::to_string(index) + "-of-" + std::to_string(count); }
};

/// "i/n" with i from 0 to n - 1. Throws failure (wrong_usage).
shard parse_shard(const std::string& given);

/// The part of this process among those that Slurm's job array, srun's tasks or Open MPI's ranks say there are; an array
/// whose tasks start several processes is divided twice. Throws failure (wrong_usage) when nobody says so, or when a job
/// array's ids leave gaps: then who has which part cannot be told.
shard shard_from_environment();

}  // namespace app
