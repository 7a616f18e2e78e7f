// tally: what an evaluation counts; evaluation_report: its result as text and as JSON.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/media_files.hpp"
#include "output/record_schema.hpp"

namespace app {

/// The counts of an evaluation: correct answers by class, confusions, failures.
struct tally {
    struct counts {
        std::size_t images = 0, top1 = 0, top5 = 0;
    };
    struct failed_image {
        std::string path, code, message;
        std::optional<time_span> span;
    };

    explicit tally(std::size_t classes) : of_class(classes) {}
    /// Counts the record of an image of class `expected`.
    void add(std::size_t expected, const record& r);

    counts all;  ///< without failed images
    std::vector<counts> of_class;
    std::map<std::pair<std::size_t, std::size_t>, std::size_t> confusions;  ///< number of images by {expected, found}
    std::vector<failed_image> failures;
};

struct evaluation_report {
    media kind;  ///< the "images" below are chunks of recordings if it is sounds
    const tally& counted;
    const std::string& labels_from;  ///< as in evaluation_set
    const std::vector<std::string>& labels;
    double seconds;
    int threads, workers;
    std::size_t not_run;  ///< photos or recordings that an interrupt skipped

    /// A summary, and the ten classes with the lowest accuracy and their most frequent confusions.
    [[nodiscard]] std::string as_text() const;
    /// One line, an object with "labels_from", "images", "failed", "not_run", "top1", "top5", "seconds", "images_per_second",
    /// "threads", "workers" and three lists:
    ///   "classes": {"index", "label", "images", "top1", "top5"}
    ///   "confusions": {"expected", "found", "images"}, class indices, most frequent first
    ///   "failures": {"path", "error": {"code", "message"}}, of a chunk with "start" and "end"
    /// Accuracies are fractions of the images that ran, null if there are none.
    [[nodiscard]] std::string as_json() const;
};

}  // namespace app
