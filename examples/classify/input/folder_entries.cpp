// folder_entries.hpp: by std::filesystem, with names in the program's own encoding.
#include "input/folder_entries.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "common/failure.hpp"
#include "common/paths.hpp"
#include "common/text.hpp"

namespace app {
namespace {

namespace fs = std::filesystem;

void walk(const std::string& option, const std::string& folder, media kind, std::vector<std::string>& within, photo_walk& found) {
    for (const std::string& above : within)
        if (std::error_code ignored; fs::equivalent(path_of(above), path_of(folder), ignored))
            refuse(option + ": " + folder + " leads back to " + above + ", which contains it");
    const folder_entries entries = list_folder(folder, kind);
    if (entries.error) {
        found.problems.emplace_back(folder, "cannot be listed: " + entries.error.message());
        return;
    }
    found.folders.push_back(folder);
    found.others += entries.others;
    for (const std::string& name : entries.photos) found.photos.push_back(in_folder(folder, name));
    within.push_back(folder);
    for (const std::string& name : entries.folders) walk(option, in_folder(folder, name), kind, within, found);
    within.pop_back();
}

}  // namespace

folder_entries list_folder(const std::string& folder, media kind) {
    folder_entries found;
    for (fs::directory_iterator at{path_of(folder), found.error}; !found.error && at != fs::directory_iterator{};
         at.increment(found.error)) {
        std::error_code ignored;
        std::string name = text_of(at->path().filename());
        if (is_litter(name)) continue;
        if (at->is_directory(ignored))
            found.folders.push_back(std::move(name));
        else if (has_name_of(kind, name) && !at->is_other(ignored))  // other: a pipe, which would be waited for
            found.photos.push_back(std::move(name));
        else
            ++found.others;
    }
    std::sort(found.photos.begin(), found.photos.end());
    std::sort(found.folders.begin(), found.folders.end());
    return found;
}

std::string in_folder(const std::string& folder, const std::string& name) { return text_of(path_of(folder) / path_of(name)); }

bool is_folder(const std::string& path) {
    std::error_code ignored;
    return fs::is_directory(path_of(path), ignored);
}

photo_walk walk_photos(const std::string& option, const std::string& root, const std::string& folder, media kind) {
    std::vector<std::string> within;
    if (folder != root) within.push_back(root);
    photo_walk found;
    walk(option, folder, kind, within, found);
    return found;
}

void report_skipped(const std::string& folder, std::size_t others) {
    if (others > 0)
        std::fprintf(stderr, "classify: %s: %zu other %s skipped\n", terminal_text(folder).c_str(), others,
                     others == 1 ? "entry" : "entries");
}

void refuse_among_photos(const std::string& option, const std::string& output, const std::vector<std::string>& folders, media kind) {
    std::error_code ignored;
    const fs::path file = fs::absolute(path_of(output), ignored);
    if (output.empty() || !has_name_of(kind, output) || is_litter(text_of(file.filename()))) return;
    for (const std::string& folder : folders)  // a folder may have several paths, through links
        refuse(fs::equivalent(file.parent_path(), path_of(folder), ignored),
               option + ": " + output + " is in " + folder + ", where the next run would take it for a " +
                   (kind == media::pictures ? "photo" : "recording") + ": choose another place");
}

}  // namespace app
