// progress.hpp: draws over the same line with escape sequences.
#include "output/progress.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

#include "common/text.hpp"
#include "platform/platform.hpp"

namespace app {
namespace {

std::string duration(double seconds) {
    const auto s = static_cast<std::int64_t>(std::ceil(std::min(seconds, 1e9)));
    if (s < 100) return text("%d s", static_cast<int>(s));
    if (s < 6000) return text("%d min %02d s", static_cast<int>(s / 60), static_cast<int>(s % 60));
    return text("%d h %02d min", static_cast<int>(s / 3600), static_cast<int>(s / 60 % 60));
}

}  // namespace

progress_bar::progress_bar() : terminal_{understands_escapes(standard_error)}, records_on_terminal_{is_terminal(standard_output)} {}

void progress_bar::show(std::size_t done, std::optional<std::size_t> total) {
    const clock::time_point now = clock::now();
    if (!terminal_ || done == 0 || total == 1U || now - last_ < std::chrono::milliseconds{100}) return;
    last_ = now;
    visible_ = true;
    const double rate = static_cast<double>(done) / std::chrono::duration<double>(now - begin_).count();
    if (!total) {
        std::fprintf(stderr, "\r\x1b[K%zu images, %.1f per second", done, rate);
        return;
    }
    const std::string figures =
        text("%zu/%zu, %.1f per second, ", done, *total, rate) + duration(static_cast<double>(*total - done) / rate) + " left";
    // A line that wraps cannot be cleared.
    const int space = terminal_width(standard_error) - static_cast<int>(figures.size()) - 4;
    std::string bar;
    if (space > 0) {
        const std::size_t width = std::min(30U, static_cast<unsigned>(space)), filled = width * done / *total;
        bar = '[' + std::string(filled, '#') + std::string(width - filled, '.') + "] ";
    }
    std::fprintf(stderr, "\r\x1b[K%s%s", bar.c_str(), figures.c_str());
}

void progress_bar::clear() {
    if (visible_) std::fputs("\r\x1b[K", stderr);
    visible_ = false;
}

void progress_bar::clear_for_records() {
    if (records_on_terminal_) clear();
}

}  // namespace app
