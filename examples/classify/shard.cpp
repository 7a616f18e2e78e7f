// shard.hpp: hashes paths, and reads the environment variables of schedulers.
#include "shard.hpp"

#include <charconv>
#include <cstdlib>
#include <limits>
#include <optional>

#include "common/failure.hpp"
#include "common/fnv1a.hpp"
#include "common/text.hpp"

namespace app {
namespace {

// FNV-1a, then the finalizer of MurmurHash3: otherwise the lowest bit would be a sum of the lowest bits of the letters.
std::uint64_t hash_of(std::string_view text) {
    std::uint64_t hash = fnv1a(text);
    hash = (hash ^ (hash >> 33)) * 0xFF51AFD7ED558CCDU;
    hash = (hash ^ (hash >> 33)) * 0xC4CEB9FE1A85EC53U;
    return hash ^ (hash >> 33);
}

std::optional<std::uint32_t> number(std::string_view text) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional{value} : std::nullopt;
}

// The number in an environment variable; null if it is not set.
std::optional<std::uint32_t> variable(const char* name) {
    const char* const text = std::getenv(name);
    if (text == nullptr) return std::nullopt;
    const std::optional<std::uint32_t> value = number(text);
    if (!value) throw failure{wrong_usage, std::string{"--shard auto: "} + name + ": expected a number, found \"" + text + '"'};
    return value;
}

std::uint32_t needed(const char* name, const char* because) {
    const std::optional<std::uint32_t> value = variable(name);
    if (!value) throw failure{wrong_usage, std::string{"--shard auto: "} + because + " is set, but " + name + " is not"};
    return *value;
}

shard checked(std::uint32_t index, std::uint32_t count, const char* index_name, const char* count_name) {
    if (index >= count)
        throw failure{wrong_usage, std::string{"--shard auto: "} + index_name + " is " + std::to_string(index) + ", expected less than " +
                                       count_name + ", which is " + std::to_string(count)};
    return {index, count};
}

std::optional<shard> array_task() {
    const std::optional<std::uint32_t> id = variable("SLURM_ARRAY_TASK_ID");
    if (!id) return std::nullopt;
    const char* const array = "SLURM_ARRAY_TASK_ID";
    const std::uint32_t count = needed("SLURM_ARRAY_TASK_COUNT", array), first = needed("SLURM_ARRAY_TASK_MIN", array),
                        last = needed("SLURM_ARRAY_TASK_MAX", array), step = variable("SLURM_ARRAY_TASK_STEP").value_or(1);
    const bool regular = step > 0 && first <= *id && *id <= last && (*id - first) % step == 0 && (last - first) % step == 0 &&
                         (last - first) / step + 1 == count;
    if (!regular)
        throw failure{wrong_usage, "--shard auto: SLURM_ARRAY_TASK_ID " + std::to_string(*id) + " is not one of this job array's " +
                                       std::to_string(count) + " ids from " + std::to_string(first) + " to " + std::to_string(last) +
                                       " in steps of " + std::to_string(step) +
                                       "; if the ids leave gaps, give each task its part with --shard i/n"};
    return checked((*id - first) / step, count, array, "SLURM_ARRAY_TASK_COUNT");
}

std::optional<shard> process() {
    if (const std::optional<std::uint32_t> rank = variable("OMPI_COMM_WORLD_RANK"))
        return checked(*rank, needed("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"), "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE");
    // SLURM_NTASKS is set in a batch script, too; only the tasks of srun have SLURM_STEP_NUM_TASKS.
    if (const std::optional<std::uint32_t> tasks = variable("SLURM_STEP_NUM_TASKS"))
        return checked(needed("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"), *tasks, "SLURM_PROCID", "SLURM_STEP_NUM_TASKS");
    return std::nullopt;
}

}  // namespace

// The shard is hash * count / 2^64. The product has 96 bits.
bool shard::holds(std::string_view path) const {
    const std::uint64_t hash = hash_of(json_string(path)), low = (hash & 0xFFFFFFFFU) * count, high = (hash >> 32) * count;
    return (high + (low >> 32)) >> 32 == index;
}

shard parse_shard(const std::string& given) {
    const std::size_t slash = given.find('/');
    const std::optional<std::uint32_t> index = number(given.substr(0, slash)),
                                       count = slash == std::string::npos ? std::nullopt : number(given.substr(slash + 1));
    if (!index || !count)
        throw failure{wrong_usage, "--shard: expected i/n, such as 0/8 (n at most 4294967295), or auto, found \"" + given + '"'};
    if (*index >= *count) throw failure{wrong_usage, "--shard: shards are counted from 0: expected i/n with i less than n, found " + given};
    return {*index, *count};
}

shard shard_from_environment() {
    const std::optional<shard> outer = array_task(), inner = process();
    if (!outer && !inner)
        throw failure{wrong_usage,
                      "--shard auto: none of SLURM_ARRAY_TASK_ID, SLURM_STEP_NUM_TASKS and OMPI_COMM_WORLD_RANK is set: this process "
                      "was not started by a job array, srun or mpirun"};
    const shard a = outer.value_or(shard{}), b = inner.value_or(shard{});
    if (a.count > std::numeric_limits<std::uint32_t>::max() / b.count)
        throw failure{wrong_usage, "--shard auto: expected at most 4294967295 processes, found " + std::to_string(a.count) + " x " +
                                       std::to_string(b.count)};
    return {a.index * b.count + b.index, a.count * b.count};
}

}  // namespace app
