// Which inputs are this run's: those of its shard that have no record yet.
#pragma once

#include <optional>

#include "done_records.hpp"
#include "inputs.hpp"
#include "shard.hpp"

namespace app {

class selection {
public:
    selection(const std::optional<shard>& part, done_records& done) : part_{part}, done_{done} {}

    /// Asked once for every input, in their order.
    bool wants(const input& i);
    /// Inputs that another shard reports, but that have a problem seen here: a folder that only this machine lacks would
    /// otherwise be reported by nobody. They are told on standard error.
    [[nodiscard]] std::size_t problems_elsewhere() const { return problems_elsewhere_; }

private:
    std::optional<shard> part_;
    done_records& done_;
    std::size_t problems_elsewhere_ = 0;
};

}  // namespace app
