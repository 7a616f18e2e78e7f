// selection: which inputs belong to this run: those of its shard that have no record yet.
#pragma once

#include <optional>
#include <string>

#include "input/input.hpp"
#include "input/resume_index.hpp"
#include "shard.hpp"

namespace app {

class selection {
public:
    selection(const std::optional<shard>& part, resume_index& done) : part_{part}, done_{done} {}

    [[nodiscard]] bool in_shard(const std::string& path) const { return !part_ || part_->holds(path); }

    /// Whether the input belongs to the run. Call once for each input, in the order of their records. An input with an error that
    /// another shard records is kept and marked: a folder that only this machine lacks would otherwise be reported nowhere.
    bool keeps(input& i) {
        if (in_shard(i.path)) return !done_.take(i.path, i.id, i.span);
        i.of_other_shard = static_cast<bool>(i.error);
        return i.of_other_shard;
    }

private:
    std::optional<shard> part_;
    resume_index& done_;
};

}  // namespace app
