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

void path_queue::group::add(std::string_view name) {
    starts.push_back(names.size());
    names.append(name).push_back('\0');
}

void path_queue::group::sort() {
    std::sort(starts.begin(), starts.end(),
              [this](std::size_t a, std::size_t b) { return std::strcmp(names.data() + a, names.data() + b) < 0; });
}

// Not recursive: the shell and find say better which folders are meant.
path_queue::group path_queue::list(const std::string& directory) {
    group found{directory, {}, {}};
    std::size_t others = 0;
    std::error_code problem;
    fs::directory_iterator at{directory, problem};
    for (; !problem && at != fs::directory_iterator{}; at.increment(problem)) {
        std::error_code ignored;
        if (named_like_an_image(at->path()) && !at->is_directory(ignored))
            found.add(at->path().filename().native());
        else
            ++others;
    }
    const auto refuse = [&](const cvt::error& why) {
        group refused;
        refused.add(directory);
        refused.problem = why;
        return refused;
    };
    if (problem) return refuse(cvt::error::format(cvt::errc::io, "cannot be listed: %s", problem.message().c_str()));
    if (found.starts.empty()) return refuse(cvt::error::format(cvt::errc::io, "a folder without .jpg, .jpeg or .png files"));
    if (others != 0)
        std::fprintf(stderr, "classify: %s: %zu other %s skipped\n", directory.c_str(), others, others == 1 ? "entry" : "entries");
    found.sort();
    return found;
}

std::size_t path_queue::add(const std::string& path) {
    if (std::error_code missing; fs::is_directory(path, missing)) return groups_.emplace_back(list(path)).starts.size();
    if (groups_.empty() || !groups_.back().directory.empty() || groups_.back().problem) groups_.emplace_back();
    groups_.back().add(path);
    return 1;
}

std::optional<input> path_queue::take() {
    if (groups_.empty()) return std::nullopt;
    group& g = groups_.front();
    const char* const name = g.names.data() + g.starts[g.taken++];
    input next{g.directory.empty() ? name : (fs::path{g.directory} / name).string(), g.problem.value_or(cvt::error{})};
    if (g.taken == g.starts.size()) groups_.pop_front();
    return next;
}

input_list::input_list(const std::vector<std::string>& arguments) {
    for (const std::string& argument : arguments) {
        if (argument == "-")
            open_ended_ = true;
        else
            total_ += (open_ended_ ? after_ : before_).add(argument);
    }
}

std::optional<input> input_list::next() {
    for (;;) {
        if (std::optional<input> first = before_.take()) return first;
        if (!open_ended_) return after_.take();
        const std::optional<std::string> line = read_line();
        if (!line) {
            open_ended_ = false;
        } else if (line->find('\0') != std::string::npos) {
            // What find -print0 writes would otherwise be cut at its first path.
            ++total_;
            return input{*line, cvt::error::format(cvt::errc::io, "paths on standard input end in a newline; this one holds a NUL byte")};
        } else if (!line->empty()) {
            total_ += before_.add(*line);
        }
    }
}

}  // namespace app
