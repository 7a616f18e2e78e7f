// shard: one machine's share of a run, chosen by the path of each input, so that new files do not move others.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace app {

struct shard {
    std::uint32_t index = 0, count = 1;  ///< index < count

    /// Whether the input belongs to this shard. Each path belongs to exactly one of the `count` shards, the same on every machine and
    /// in every version; their sizes differ by a few per cent. Bytes that are not UTF-8 count as U+FFFD, as in the records.
    [[nodiscard]] bool holds(std::string_view path) const;
    /// "2-of-8", for file names.
    [[nodiscard]] std::string name() const { return std::to_string(index) + "-of-" + std::to_string(count); }
};

/// Reads "i/n" with i from 0 to n - 1. Throws failure (wrong_usage).
shard parse_shard(const std::string& given);

/// Returns the shard of this process, from the environment variables of a Slurm job array, srun or Open MPI. In a job array whose tasks
/// start several processes, each process gets a part of its task's share. Throws failure (wrong_usage) if none of them is set, or if
/// the ids of the job array leave gaps, since the shards are then unknown.
shard shard_from_environment();

}  // namespace app
