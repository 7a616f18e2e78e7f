// progress_bar: a progress bar on standard error, if that is a terminal and there is more than one image.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>

namespace app {

class progress_bar {
public:
    progress_bar();
    ~progress_bar() { clear(); }
    progress_bar(const progress_bar&) = delete;
    progress_bar& operator=(const progress_bar&) = delete;

    /// Draws at most ten times per second. `total`: null while it is unknown.
    void show(std::size_t done, std::optional<std::size_t> total);
    /// Clears the bar before a line on standard error.
    void clear();
    /// Clears the bar before a record, if records go to a terminal, too.
    void clear_for_records();

private:
    using clock = std::chrono::steady_clock;
    bool terminal_, records_on_terminal_, visible_ = false;
    clock::time_point begin_ = clock::now(), last_{};
};

}  // namespace app
