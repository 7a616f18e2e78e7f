// Lists directories and reads paths from standard input.
#include "inputs.hpp"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>

#include "failure.hpp"

namespace app {
namespace {

namespace fs = std::filesystem;

bool named_like_an_image(const fs::path& path) {
    std::string extension = path.extension().string();
    std::transform(extension.begin(), extension.end(), extension.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return extension == ".jpg" || extension == ".jpeg" || extension == ".png";
}

// Not recursive: the shell and find say better which folders are meant.
std::deque<input> list_directory(const std::string& directory) {
    std::vector<std::string> images;
    std::size_t others = 0;
    std::error_code problem;
    fs::directory_iterator at{directory, problem};
    for (; !problem && at != fs::directory_iterator{}; at.increment(problem)) {
        std::error_code ignored;
        if (named_like_an_image(at->path()) && !at->is_directory(ignored))
            images.push_back(at->path().string());
        else
            ++others;
    }
    if (problem) return {{directory, cvt::error::format(cvt::errc::io, "cannot be listed: %s", problem.message().c_str())}};
    if (images.empty()) return {{directory, cvt::error::format(cvt::errc::io, "a folder without .jpg, .jpeg or .png files")}};
    if (others != 0)
        std::fprintf(stderr, "classify: %s: %zu other %s skipped\n", directory.c_str(), others, others == 1 ? "entry" : "entries");
    std::sort(images.begin(), images.end());
    std::deque<input> listed;
    for (std::string& path : images) listed.push_back({std::move(path), {}});
    return listed;
}

std::deque<input> expand(const std::string& path) {
    std::error_code missing;
    if (fs::is_directory(path, missing)) return list_directory(path);
    return {{path, {}}};
}

// A line of standard input, or null at its end and at an interrupt.
std::optional<std::string> read_line() {
    char* line = nullptr;
    std::size_t capacity = 0;
    errno = 0;
    const ssize_t length = ::getline(&line, &capacity, stdin);
    const std::unique_ptr<char, decltype(&std::free)> owner{line, &std::free};
    if (length < 0) {
        if (std::ferror(stdin) != 0 && errno != EINTR)
            throw failure{some_failed, std::string{"standard input cannot be read: "} + std::strerror(errno)};
        return std::nullopt;
    }
    std::string text{line, static_cast<std::size_t>(length)};
    if (text.ends_with('\n')) text.pop_back();
    return text;
}

}  // namespace

input_list::input_list(const std::vector<std::string>& arguments) {
    for (const std::string& argument : arguments) {
        if (argument == "-") {
            open_ended_ = true;
            before_standard_input_ = waiting_.size();
            continue;
        }
        for (input& i : expand(argument)) waiting_.push_back(std::move(i));
    }
    total_ = waiting_.size();
}

std::optional<input> input_list::next() {
    while (open_ended_ && before_standard_input_ == 0) {
        const std::optional<std::string> line = read_line();
        if (!line) {
            open_ended_ = false;
            break;
        }
        if (line->empty()) continue;
        // What find -print0 writes would otherwise be cut at its first path.
        if (line->find('\0') != std::string::npos)
            return input{*line, cvt::error::format(cvt::errc::io, "paths on standard input end in a newline; this one holds a NUL byte")};
        std::deque<input> found = expand(*line);
        before_standard_input_ = found.size();
        total_ += found.size();
        for (; !found.empty(); found.pop_back()) waiting_.push_front(std::move(found.back()));
    }
    if (waiting_.empty()) return std::nullopt;
    input first = std::move(waiting_.front());
    waiting_.pop_front();
    if (before_standard_input_ > 0) --before_standard_input_;
    return first;
}

}  // namespace app
