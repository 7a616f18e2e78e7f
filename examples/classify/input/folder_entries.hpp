// Lists folders and walks through them: photos or recordings, subfolders, and how many other entries there are.
#pragma once

#include <cstddef>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "common/media_files.hpp"

namespace app {

/// The entries of a folder, sorted by the bytes of their names, without litter.
struct folder_entries {
    std::vector<std::string> photos, folders;  ///< photos, or recordings
    std::size_t others = 0;
    std::error_code error;
};

folder_entries list_folder(const std::string& folder, media kind);
std::string in_folder(const std::string& folder, const std::string& name);
bool is_folder(const std::string& path);

/// The photos or recordings of a folder and of all its subfolders.
struct photo_walk {
    std::vector<std::string> photos;                            ///< paths, those of a folder before those of its subfolders
    std::vector<std::string> folders;                           ///< in which the photos were looked for
    std::vector<std::pair<std::string, std::string>> problems;  ///< folders that cannot be listed, and why
    std::size_t others = 0;                                     ///< other entries
};

/// Walks through `folder`, which is `root` or within it. Throws failure (wrong_usage) if a link leads back to a folder that contains it;
/// `option` begins the message.
photo_walk walk_photos(const std::string& option, const std::string& root, const std::string& folder, media kind);

/// Notes on standard error that a walk through `folder` skipped `others` entries, if there were any.
void report_skipped(const std::string& folder, std::size_t others);

/// Throws failure (wrong_usage) if a later walk through these folders would take `output`, a file to be written, for a photo or recording.
/// An empty path is no file. `option` begins the message.
void refuse_among_photos(const std::string& option, const std::string& output, const std::vector<std::string>& folders, media kind);

}  // namespace app
