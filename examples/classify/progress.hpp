// A progress bar on standard error, when that is a terminal and there is more than one image.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>

namespace app {

class progress_bar {
public:
    progress_bar();
    ~progress_bar() { hide(); }
    progress_bar(const progress_bar&) = delete;
    progress_bar& operator=(const progress_bar&) = delete;

    /// Draws at most ten times a second. `total` is null where it is not known yet.
    void show(std::size_t done, std::optional<std::size_t> total);
    /// Clears the line, for something else to be printed.
    void hide();

private:
    using clock = std::chrono::steady_clock;
    bool terminal_, visible_ = false;
    clock::time_point begin_ = clock::now(), last_{};
};

}  // namespace app
