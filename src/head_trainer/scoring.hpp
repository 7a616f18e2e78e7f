// Scores held-out rows by a head.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <vector>

#include "design.hpp"
#include "exponentials.hpp"
#include "linear_head.hpp"

CVT_NAMESPACE_BEGIN
namespace {

/// Calls visit(row, its column of exponentials, their sum) for the rows. `factor`: of all logits.
template <class T>
error score(const standardised_rows& from, const linear_head& head, double factor, auto&& visit) {
    const problem& p = from.p;
    const rows_list& rows = from.rows;
    design<T> data;
    if (error e = data.build_scores(from)) return e;
    std::vector<T> weights(head.weights.size()), scores(static_cast<std::size_t>(p.classes * block_rows)), largest(block_rows);
    std::vector<double> bias = head.bias, sums(block_rows);
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<T>(factor * head.weights[i]);
    for (double& b : bias) b *= factor;
    const auto count = static_cast<std::ptrdiff_t>(rows.size());
    for (std::ptrdiff_t first = 0; first < count; first += block_rows) {
        const row_range r{first, std::min(block_rows, count - first)};
        const matrix<T> out{.data = scores.data(), .rows = p.classes, .cols = r.count, .stride = r.count};
        data.scores(r, {.data = weights.data(), .rows = p.classes, .cols = p.width(), .stride = p.width()}, out);
        exponentials(out, bias.data(), largest.data(), sums.data());
        for (std::ptrdiff_t j = 0; j < r.count; ++j)
            visit(rows[static_cast<std::size_t>(first + j)], out.cols_at(j, 1), sums[static_cast<std::size_t>(j)]);
    }
    return {};
}

constexpr double least_probability = 1e-38;  // of a log loss

/// Adds the scored rows of one fold to a trial.
template <class T>
error add_fold(const standardised_rows& scored, const linear_head& head, double factor, int fold, head_trial& trial,
               std::vector<held_out_row>& rows) {
    const problem& p = scored.p;
    int correct = 0;
    const error e = score<T>(scored, head, factor, [&](std::ptrdiff_t i, matrix<T> column, double sum) {
        std::ptrdiff_t best = 0;
        for (std::ptrdiff_t k = 1; k < column.rows; ++k)
            if (*column.row(k) > *column.row(best)) best = k;
        held_out_row& row = rows[static_cast<std::size_t>(i)];
        row.predicted = static_cast<int>(best);
        row.probability = static_cast<double>(*column.row(best)) / sum;
        row.of_label = static_cast<double>(*column.row(p.label(i))) / sum;
        correct += best == p.label(i) ? 1 : 0;
        trial.log_loss -= std::log(std::max(row.of_label, least_probability));
    });
    trial.correct[static_cast<std::size_t>(fold)] = correct;
    return e;
}

/// Computes the means of a trial whose folds are all counted.
void conclude(head_trial& t, const std::vector<int>& fold_sizes) {
    const auto folds = static_cast<double>(fold_sizes.size());
    const auto accuracy = [&](std::size_t f) { return static_cast<double>(t.correct[f]) / static_cast<double>(fold_sizes[f]); };
    for (std::size_t f = 0; f < fold_sizes.size(); ++f) t.accuracy += accuracy(f) / folds;
    for (std::size_t f = 0; f < fold_sizes.size(); ++f) t.spread += (accuracy(f) - t.accuracy) * (accuracy(f) - t.accuracy) / folds;
    t.spread = std::sqrt(t.spread);
    t.log_loss /= std::accumulate(fold_sizes.begin(), fold_sizes.end(), 0.0);
}

}  // namespace
CVT_NAMESPACE_END
