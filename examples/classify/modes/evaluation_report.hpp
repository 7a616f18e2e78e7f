// What an evaluation found, as text and as JSON.
#pragma once

#include "modes/tally.hpp"

namespace app {

struct evaluation_report {
    const tally& counted;
    const std::string& labels_from;  ///< evaluation_set's
    const std::vector<std::string>& labels;
    double seconds;
    int threads, workers;
    std::size_t not_run;  ///< images that an interrupt left out

    /// A summary and the ten classes that are hardest for the model, with what it takes them for.
    [[nodiscard]] std::string as_text() const;
    /// One line: {"labels_from", "images", "failed", "not_run", "top1", "top5", "seconds", "images_per_second", "threads", "workers",
    /// "classes":
    /// [{"index", "label", "images", "top1", "top5"}], "confusions": [{"expected", "found", "images"}], "failures": [{"path", "error":
    /// {"code", "message"}}]}. Accuracies are fractions of the images that ran, null where none did. Confusions: indices, most frequent
    /// first.
    [[nodiscard]] std::string as_json() const;
};

}  // namespace app
