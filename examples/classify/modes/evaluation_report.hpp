// evaluation_report: the result of an evaluation, as text and as JSON.
#pragma once

#include "modes/tally.hpp"

namespace app {

struct evaluation_report {
    const tally& counted;
    const std::string& labels_from;  ///< as in evaluation_set
    const std::vector<std::string>& labels;
    double seconds;
    int threads, workers;
    std::size_t not_run;  ///< images that an interrupt skipped

    /// A summary, and the ten classes with the lowest accuracy and their most frequent confusions.
    [[nodiscard]] std::string as_text() const;
    /// One line: {"labels_from", "images", "failed", "not_run", "top1", "top5", "seconds", "images_per_second", "threads", "workers",
    /// "classes":
    /// [{"index", "label", "images", "top1", "top5"}], "confusions": [{"expected", "found", "images"}], "failures": [{"path", "error":
    /// {"code", "message"}}]}. Accuracies are fractions of the images that ran, null if there are none. Confusions are
    /// class indices, most frequent first.
    [[nodiscard]] std::string as_json() const;
};

}  // namespace app
