// tally: the counts of an evaluation: correct answers by class, confusions, failures.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "output/record_schema.hpp"

namespace app {

struct tally {
    struct counts {
        std::size_t images = 0, top1 = 0, top5 = 0;
    };
    struct failed_image {
        std::string path, code, message;
    };

    explicit tally(std::size_t classes) : of_class(classes) {}
    /// Counts the record of an image of class `expected`.
    void add(std::size_t expected, const record& r);

    counts all;  ///< without failed images
    std::vector<counts> of_class;
    std::map<std::pair<std::size_t, std::size_t>, std::size_t> confusions;  ///< number of images by {expected, found}
    std::vector<failed_image> failures;
};

}  // namespace app
