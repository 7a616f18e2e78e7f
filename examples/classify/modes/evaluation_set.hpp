// evaluation_set: the photos of a data set and their classes.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "options.hpp"
#include "setup.hpp"

namespace app {

struct evaluation_set {
    struct photo {
        std::string path;
        std::size_t expected;    ///< its class index
        std::string error = {};  ///< set for a class folder that cannot be listed or has no photos
    };
    std::vector<photo> photos;
    /// Where the classes come from, and how numbers were understood; empty for folders named by the model's labels.
    std::string labels_from;
};

/// Reads class folders, a list of photos, or a flat folder with --truth or Tiny ImageNet's val_annotations.txt. Throws failure
/// (wrong_usage) if photos and labels do not match each other or the model. Notes on standard error report skipped photos.
evaluation_set find_evaluation_set(const options& o, const setup& s);

}  // namespace app
