// Which inputs are this run's: those of its shard that have no record yet.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "done_records.hpp"
#include "inputs.hpp"
#include "shard.hpp"

namespace app {

class selection {
public:
    /// `problem_elsewhere` hears of inputs that another shard reports, but that have a problem seen here: a folder that only this
    /// machine lacks would otherwise be reported by nobody. They are told on standard error.
    selection(const std::optional<shard>& part, done_records& done, std::function<void()> problem_elsewhere)
        : part_{part}, done_{done}, problem_elsewhere_{std::move(problem_elsewhere)} {}

    [[nodiscard]] bool in_shard(const std::string& path) const { return !part_ || part_->holds(path); }
    /// Asked once for every input, in the order of their records.
    bool wants(const input& i);

private:
    std::optional<shard> part_;
    done_records& done_;
    std::function<void()> problem_elsewhere_;
};

}  // namespace app
