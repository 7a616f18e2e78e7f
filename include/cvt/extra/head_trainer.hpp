// Learns a new head from embeddings and labels: logistic regression or class prototypes, with cross-validation. Optional: not part of
// cvt.hpp.
//
// This header declares; the library cvt::head_trainer, or src/head_trainer.cpp compiled as one source of the program and linked with
// liblbfgs, defines. With CVT_WITHOUT_LBFGS that source needs no library and learns prototypes only.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "../error.hpp"
#include "../runtime/executor.hpp"
#include "../tensor.hpp"

CVT_NAMESPACE_BEGIN

/// How a head is learned. `logistic`: multinomial logistic regression with an L2 penalty on standardised embeddings, as scikit-learn's
/// StandardScaler and LogisticRegression. `prototype`: the nearest class mean by cosine, of embeddings around the mean of the classes'
/// means; one embedding per class is enough.
enum class head_method : std::uint8_t { logistic, prototype };

/// Where train_head() is.
/// @code{.cpp}
/// cvt::head_options options;
/// options.progress = [](void*, const cvt::head_progress& p) {
///     std::fprintf(stderr, "\rfit %d of %d, step %d", p.fit + 1, p.fits, p.iteration);
///     return true;  // false ends train_head() with an error
/// };
/// @endcode
struct head_progress {
    int fit = 0, fits = 0;  ///< of one fold at one strength; the last one is that of all rows
    int iteration = 0;      ///< of the optimiser in this fit
};

/// Options of train_head(); all are optional.
/// @code{.cpp}
/// cvt::head_options options;
/// options.balanced = true;
/// const double strengths[]{0.01, 0.1, 1};
/// options.strengths = strengths;
/// cvt::result<cvt::trained_head> head = cvt::train_head(embeddings, labels, 3, options);
/// @endcode
struct head_options {
    head_method method = head_method::logistic;
    /// Values of scikit-learn's C, the inverse of the strength of L2, of which cross-validation chooses one. Empty: 1e-4 to 10 in six
    /// steps. Without cross-validation the first value is used, or 1 if this is empty. For `logistic` only.
    std::span<const double> strengths = {};
    bool balanced = false;   ///< weighs classes by rows / (classes * rows of the class). For `logistic` only.
    int folds = 5;           ///< of the cross-validation, fewer if no class has that many groups; 0: none
    std::uint64_t seed = 0;  ///< of the assignment to folds
    /// (N) the group of each row, all of one class: the views of one photo. A group is in one fold, and only its first row is scored.
    /// Empty: each row is a group.
    std::span<const int> groups = {};
    /// Products in float64 instead of float32. Null: where a product needs at most 2^28 multiply-adds. Coefficients are within 1e-6 of
    /// the optimum in float64 and within 1e-3 in float32.
    std::optional<bool> float64 = {};
    const char* kernels = nullptr;  ///< for float32 products; as in load_options
    cvt::executor executor = {};    ///< the result has the same bits for any number of workers
    void* context = nullptr;        ///< passed to `progress`
    bool (*progress)(void* context, const head_progress& progress) = nullptr;
};

/// The cross-validation of one strength.
/// @code{.cpp}
/// cvt::result<cvt::trained_head> learned = cvt::train_head(embeddings, labels, 3);
/// if (!learned) return report(learned.error());
/// for (const cvt::head_trial& t : learned->trials)
///     std::printf("C = %g: %.1f %% +- %.1f\n", t.strength, 100 * t.accuracy, 100 * t.spread);
/// @endcode
struct head_trial {
    double strength = 0;       ///< C; 0 for prototypes
    std::vector<int> correct;  ///< by fold: scored rows whose most probable class is their label
    double accuracy = 0;       ///< mean over the folds
    double spread = 0;         ///< standard deviation over the folds
    double log_loss = 0;       ///< mean over the scored rows, in nats
};

/// How a head learned from the other folds classifies a row.
/// @code{.cpp}
/// cvt::result<cvt::trained_head> learned = cvt::train_head(embeddings, labels, 3);
/// if (!learned) return report(learned.error());
/// const cvt::held_out_row& row = learned->rows[0];
/// if (row.fold >= 0 && row.predicted != labels[0]) std::printf("taken for class %d, %.1f %%\n", row.predicted, 100 * row.probability);
/// @endcode
struct held_out_row {
    int fold = -1;           ///< -1: in no fold, since its class has one group, or nothing was cross-validated
    int predicted = -1;      ///< the most probable class; -1 for a row that was not scored
    double probability = 0;  ///< of that class
    double of_label = 0;     ///< of the row's own label
};

/// A head: logits = weights * embedding + bias.
/// @code{.cpp}
/// cvt::result<cvt::trained_head> head = cvt::train_head(embeddings, labels, 3);
/// if (!head) return report(head.error());
/// cvt::convert_options options;
/// options.head = {head->weights, head->bias};
/// @endcode
struct trained_head {
    std::vector<float> weights;      ///< (classes, width), with the standardisation folded in
    std::vector<float> bias;         ///< (classes)
    double strength = 0;             ///< the C of the head; 0 for prototypes
    int iterations = 0;              ///< of the last fit
    std::vector<int> fold_sizes;     ///< scored rows by fold; empty if nothing was cross-validated
    std::vector<head_trial> trials;  ///< by strength, ascending
    std::size_t chosen = 0;          ///< the trial of the head: that with the lowest log_loss
    std::vector<held_out_row> rows;  ///< (N), by the chosen trial
};

/// Learns a head of `classes` rows from embeddings (N, D) and their labels (N), from 0 to classes - 1.
/// Folds are stratified: the groups of each class are shuffled and dealt to the folds in turn. Standardisation is fitted to the rows of
/// each fit. With two classes the penalty is that of scikit-learn's binary regression, on the difference of the two rows of weights.
/// Errors: invalid_argument (sizes, a label, one class, a class without rows, a value that is not finite, options, no such kernels,
/// `progress` returned false); unsupported (logistic, in a source compiled without liblbfgs); out_of_memory.
result<trained_head> train_head(view<const float, 2> embeddings, std::span<const int> labels, int classes,
                                const head_options& options = {}) noexcept;

CVT_NAMESPACE_END
