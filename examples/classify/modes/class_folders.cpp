// class_folders.hpp: every folder in the root is a class, with the photos in all its subfolders.
#include "modes/class_folders.hpp"

#include <cvt/extra/json.hpp>
#include <filesystem>
#include <map>

#include "common/class_names.hpp"
#include "common/failure.hpp"
#include "common/paths.hpp"
#include "input/folder_entries.hpp"

namespace app {

class_folders find_class_folders(const std::string& root, media kind) {
    if (std::error_code ignored; !is_folder(root))
        refuse("--learn: " + root + ": expected a folder with one folder per class, found " +
               (std::filesystem::exists(path_of(root), ignored) ? "a file" : "none"));
    const folder_entries entries = list_folder(root, kind);
    if (entries.error) refuse("--learn: " + root + " cannot be listed: " + entries.error.message());
    if (entries.folders.size() < 2)
        refuse("--learn: " + root + ": expected at least two class folders, found " +
               (entries.folders.empty() ? "none" : "one, " + entries.folders.front()));

    class_folders found{entries.folders, {}, {}, {}};
    std::map<std::string, const std::string*> known;
    std::size_t others = entries.others;
    for (std::size_t k = 0; k < found.names.size(); ++k) {
        const std::string& name = found.names[k];
        if (!cvt::is_utf8(name))
            refuse("--learn: " + in_folder(root, name) + ": expected a name in UTF-8, which becomes a label, found other bytes");
        // Otherwise --evaluate could not tell the classes of the new model apart.
        const auto [other, is_new] = known.emplace(spelled_alike(name), &name);
        if (!is_new)
            refuse("--learn: " + root + ": " + *other->second + " and " + name + " differ only in case, blanks or underscores: rename one");
        const photo_walk walk = walk_photos("--learn", root, in_folder(root, name), kind);
        for (const auto& [path, problem] : walk.problems) refuse("--learn: " + path + ' ' + problem);
        if (walk.photos.empty())
            refuse("--learn: " + in_folder(root, name) + ": expected " + examples_of(kind) + " in this folder, found none");
        others += walk.others;
        found.photos.insert(found.photos.end(), walk.photos.begin(), walk.photos.end());
        found.labels.resize(found.photos.size(), static_cast<int>(k));
        found.folders.insert(found.folders.end(), walk.folders.begin(), walk.folders.end());
    }
    report_skipped(root, others + entries.photos.size());
    return found;
}

}  // namespace app
