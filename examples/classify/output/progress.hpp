// A progress bar on standard error, when that is a terminal and there is more than one image.
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

    /// Draws at most ten times a second. `total` is null where it is not known yet.
    void show(std::size_t done, std::optional<std::size_t> total);
    /// Makes room for a line on standard error.
    void clear();
    /// Makes room for records, if they go to a terminal too.
    void clear_for_records();

private:
    using clock = std::chrono::steady_clock;
    bool terminal_, records_on_terminal_, visible_ = false;
    clock::time_point begin_ = clock::now(), last_{};
};

}  // namespace app
