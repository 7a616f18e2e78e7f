// What --evaluate runs: the photos of a data set, each with the class that it shows.
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
        std::size_t expected;      ///< its class
        std::string problem = {};  ///< of a folder that should hold photos and cannot be listed, or holds none
    };
    std::vector<photo> photos;
    /// Where the classes come from, and what was taken for granted; empty for folders that are called as the model's labels.
    std::string labels_from;
};

/// Of class folders, a list with its images, or a flat folder with --truth or Tiny ImageNet's val_annotations.txt. Throws failure
/// (wrong_usage) where photos and labels do not fit each other or the model: none is left out in silence.
evaluation_set find_evaluation_set(const options& o, const setup& s);

}  // namespace app
