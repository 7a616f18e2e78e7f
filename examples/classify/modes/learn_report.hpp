// learn_report: what --learn found in the photos or recordings and how good the new head is, as text and as JSON.
#pragma once

#include <cstddef>
#include <cvt/extra/head_trainer.hpp>
#include <optional>
#include <string>
#include <vector>

#include "modes/class_folders.hpp"
#include "pipeline/embedder.hpp"

namespace app {

/// Two photos, or recordings with a chunk, with the same bytes or samples, or the same embedding.
struct duplicate {
    std::size_t first, second;  ///< indices of photos in the list
    bool same_bytes;
};

/// A photo or chunk that the model of the other folds takes for another class.
struct doubt {
    std::size_t photo;  ///< its index in the list
    int taken_for;
    double probability, of_label;
    std::optional<time_span> span;
};

/// Finds photos that are in the set twice; each is reported with the first of its kind. Of chunks, each pair of recordings is reported
/// once.
std::vector<duplicate> find_duplicates(const embedded_photos& photos, int views);

struct learn_report {
    media kind;  ///< the "photos" below are chunks of recordings if it is sounds
    const std::string& root;
    const std::string& written_to;
    const std::string& written;  ///< as a phrase
    const class_folders& set;
    const embedded_photos& photos;
    const std::vector<duplicate>& duplicates;
    const cvt::trained_head& head;
    cvt::head_method method;
    int views;
    double embedding_seconds, learning_seconds;

    static constexpr std::size_t doubts_shown = 5;

    /// The photos whose label is most probably wrong, the most probable first.
    [[nodiscard]] std::vector<doubt> doubts(std::size_t at_most) const;
    [[nodiscard]] std::string as_text() const;
    /// One line: {"folder", "model", "method", "strength", "photos", "failed", "cached", "views", "width", "folds", "top1", "top1_spread",
    /// "embedding_seconds", "learning_seconds", "trials": [{"strength", "top1", "top1_spread", "log_loss"}], "classes": [{"index", "label",
    /// "photos", "scored", "top1"}], "confusions": [{"expected", "found", "photos"}], "doubts": [{"path", "label", "taken_for",
    /// "probability", "probability_of_label"}], "duplicates": [{"path", "of", "same", "classes_differ"}], "failures": [{"path", "error":
    /// {"code", "message"}}]}. Doubts and failures of chunks have "start" and "end" after their path. Accuracies are fractions, null where
    /// nothing was cross-validated. Confusions are class indices, most frequent first.
    [[nodiscard]] std::string as_json() const;
};

}  // namespace app
