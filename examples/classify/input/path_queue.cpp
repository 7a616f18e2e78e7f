// path_queue.hpp: lists folders and filters their entries.
#include "input/path_queue.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "common/media_files.hpp"
#include "common/paths.hpp"
#include "common/text.hpp"
#include "input/skipped_entries.hpp"

namespace app {
namespace {

namespace fs = std::filesystem;

std::string kind_of(const fs::directory_entry& entry) {
    std::error_code ignored;
    if (entry.is_directory(ignored)) return "folder";
    return entry.is_other(ignored) ? "pipe or device" : extension_of(text_of(entry.path()));
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

std::size_t path_queue::add_failed(const std::string& path, const cvt::error& error, selection& wanted) {
    input i{path, {}, error};
    if (!wanted.keeps(i)) return 0;
    group& g = groups_.emplace_back();
    g.add(i.path);
    g.error = i.error;
    g.of_other_shard = i.of_other_shard;
    return 1;
}

std::size_t path_queue::add_folder(const std::string& folder, selection& wanted, std::string& notes) {
    group found{folder, {}, {}};
    skipped_entries skipped;
    std::size_t all = 0;
    std::error_code error;
    fs::directory_iterator at{path_of(folder), error};
    for (; !error && at != fs::directory_iterator{}; at.increment(error)) {
        const std::string name = text_of(at->path().filename());
        if (is_litter(name)) continue;
        std::error_code ignored;
        const bool right_name = archives_ ? has_archive_name(name) : has_name_of(kind_, name);
        if (!right_name || at->is_directory(ignored) || at->is_other(ignored)) {  // other: a pipe, whose writer may never come
            skipped.add(kind_of(*at));
            continue;
        }
        ++all;
        if (archives_ || wanted.in_shard(text_of(path_of(folder) / path_of(name)))) found.add(name);
    }
    if (error) return add_failed(folder, cvt::error::format(cvt::errc::io, "cannot be listed: %s", error.message().c_str()), wanted);
    if (all == 0) {
        const char* const kind = archives_ ? ".tar files" : examples_of(kind_);
        return add_failed(folder, cvt::error::format(cvt::errc::io, "expected %s in this folder, found none", kind), wanted);
    }
    if (skipped.total() != 0) notes += "classify: " + terminal_text(folder) + ": " + skipped.text() + '\n';
    found.sort();
    if (!archives_)
        std::erase_if(found.starts, [&](std::size_t start) {
            input i{text_of(path_of(folder) / path_of(found.names.data() + start)), {}, {}};
            return !wanted.keeps(i);
        });
    const std::size_t inputs = found.starts.size();
    if (inputs > 0) groups_.push_back(std::move(found));
    return inputs;
}

std::size_t path_queue::add(const std::string& path, selection& wanted, std::string& notes) {
    std::error_code error;
    const fs::file_status status = fs::status(path_of(path), error);
    if (fs::is_directory(status)) return add_folder(path, wanted, notes);
    if (!archives_) {
        // A missing path may have been a folder with inputs of every shard, so each shard reports it, unless it is named as an input.
        if (!fs::exists(status) && !has_name_of(kind_, path))
            return add_failed(path, cvt::error::format(cvt::errc::io, "cannot open %s: %s", path.c_str(), error.message().c_str()), wanted);
        input found{path, {}, {}};
        if (!wanted.keeps(found)) return 0;
    }
    if (groups_.empty() || !groups_.back().folder.empty() || groups_.back().error) groups_.emplace_back();
    groups_.back().add(path);
    return 1;
}

std::optional<input> path_queue::take() {
    if (groups_.empty()) return std::nullopt;
    group& g = groups_.front();
    const char* const name = g.names.data() + g.starts[g.taken++];
    input next{g.folder.empty() ? name : text_of(path_of(g.folder) / path_of(name)), {}, g.error.value_or(cvt::error{})};
    next.of_other_shard = g.of_other_shard;
    if (g.taken == g.starts.size()) groups_.pop_front();
    return next;
}

}  // namespace app
