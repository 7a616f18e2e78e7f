// Draws the progress bar.
#include "progress.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace app {

progress_bar::progress_bar() {
    const char* kind = std::getenv("TERM");
    records_on_terminal_ = ::isatty(STDOUT_FILENO) != 0;
    terminal_ = ::isatty(STDERR_FILENO) != 0 && kind != nullptr && std::string_view{kind} != "dumb";
}

void progress_bar::show(std::size_t done, std::optional<std::size_t> total) {
    const clock::time_point now = clock::now();
    if (!terminal_ || done == 0 || total == 1U || now - last_ < std::chrono::milliseconds{100}) return;
    last_ = now;
    visible_ = true;
    const double rate = static_cast<double>(done) / std::chrono::duration<double>(now - begin_).count();
    if (!total) {
        std::fprintf(stderr, "\r\x1b[K%zu images, %.1f a second", done, rate);
        return;
    }
    constexpr std::size_t width = 30;
    const std::size_t filled = width * done / *total;
    const double seconds_left = static_cast<double>(*total - done) / rate;
    std::fprintf(stderr, "\r\x1b[K[%s%s] %zu/%zu, %.1f a second, %.0f s left", std::string(filled, '#').c_str(),
                 std::string(width - filled, '.').c_str(), done, *total, rate, seconds_left);
}

void progress_bar::clear() {
    if (visible_) std::fputs("\r\x1b[K", stderr);
    visible_ = false;
}

void progress_bar::clear_for_records() {
    if (records_on_terminal_) clear();
}

}  // namespace app
