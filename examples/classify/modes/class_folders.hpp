// class_folders: the photos or recordings of --learn, in one folder per class.
#pragma once

#include <string>
#include <vector>

#include "common/media_files.hpp"

namespace app {

struct class_folders {
    std::vector<std::string> names;    ///< of the classes, sorted by their bytes
    std::vector<std::string> photos;   ///< paths, by class
    std::vector<int> labels;           ///< the class of each photo
    std::vector<std::string> folders;  ///< of the classes, and their subfolders
};

/// Throws failure (wrong_usage) if `root` is not a folder of at least two class folders. Throws it, too, if a name is not UTF-8, two names
/// are spelled alike, or a class has no photos. Notes on standard error report skipped entries.
class_folders find_class_folders(const std::string& root, media kind);

}  // namespace app
