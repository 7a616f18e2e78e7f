// Learns a head of class prototypes.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

#include "folds.hpp"
#include "linear_head.hpp"
#include "progress.hpp"
#include "scoring.hpp"
#include "standardisation.hpp"

CVT_NAMESPACE_BEGIN
namespace {

/// Returns each class's mean direction from the centre, with length 1. Writes the centre, which is the mean of the classes' means and is
/// not standardised, and the mean distance of the rows from it.
linear_head prototypes(const problem& p, const rows_list& rows, standardisation& centre, double& length) {
    const auto width = static_cast<std::size_t>(p.width());
    linear_head head = empty_head(p);
    std::vector<double> count(static_cast<std::size_t>(p.classes), 0.0);
    centre = {std::vector<double>(width, 0.0), std::vector<double>(width, 1.0)};
    for (const std::ptrdiff_t i : rows) {
        ++count[static_cast<std::size_t>(p.label(i))];
        double* const sum = head.weights.data() + static_cast<std::size_t>(p.label(i)) * width;
        for (std::size_t d = 0; d < width; ++d) sum[d] += static_cast<double>(p.row(i)[d]);
    }
    for (std::size_t k = 0; k < count.size(); ++k)
        for (std::size_t d = 0; d < width; ++d) centre.mean[d] += head.weights[k * width + d] / count[k] / static_cast<double>(p.classes);
    std::fill(head.weights.begin(), head.weights.end(), 0.0);
    std::vector<double> z(width);
    length = 0;
    for (const std::ptrdiff_t i : rows) {
        double squares = 0;
        for (std::size_t d = 0; d < width; ++d) {
            z[d] = static_cast<double>(p.row(i)[d]) - centre.mean[d];
            squares += z[d] * z[d];
        }
        const double norm = std::sqrt(squares);
        length += norm / static_cast<double>(rows.size());
        double* const sum = head.weights.data() + static_cast<std::size_t>(p.label(i)) * width;
        for (std::size_t d = 0; norm > 0 && d < width; ++d) sum[d] += z[d] / norm;
    }
    for (std::size_t k = 0; k < count.size(); ++k) {
        double* const row = head.weights.data() + k * width;
        const double norm = std::sqrt(std::inner_product(row, row + width, row, 0.0));
        for (std::size_t d = 0; norm > 0 && d < width; ++d) row[d] /= norm;
    }
    return head;
}

/// The order of the classes is that of the cosines. The factor of all logits, which decides only how sure the probabilities are, is the
/// one with the lowest log loss of the held-out rows.
error learn_prototypes(const problem& p, const fold_plan& plan, trained_head& out) {
    progress_of progress{p.options, {0, 2 * plan.folds + 1, 0}};
    standardisation centre;
    double length = 0, factor = 10;  // the cosines times this factor are the logits
    const auto scaled = [&] { return length > 0 ? factor / length : factor; };
    if (plan.folds > 0) {
        constexpr int steps = 25;  // 1 to 256, by thirds of an octave
        std::array<double, steps> loss{};
        const auto factor_at = [](int step) { return std::exp2(step / 3.0); };
        for (int fold = 0; fold < plan.folds; ++fold, ++progress.at.fit) {
            if (!progress.step(0)) return cancelled();
            const split part = split_of(plan, fold);
            const linear_head head = prototypes(p, part.train, centre, length);
            for (int step = 0; step < steps; ++step) {
                factor = factor_at(step);
                const error e = score<double>(
                    {p, part.scored, centre, nullptr}, head, scaled(), [&](std::ptrdiff_t i, matrix<double> column, double sum) {
                        loss[static_cast<std::size_t>(step)] -= std::log(std::max(*column.row(p.label(i)) / sum, least_probability));
                    });
                if (e) return e;
            }
        }
        factor = factor_at(static_cast<int>(std::min_element(loss.begin(), loss.end()) - loss.begin()));
        head_trial trial{.correct = std::vector<int>(static_cast<std::size_t>(plan.folds))};
        for (int fold = 0; fold < plan.folds; ++fold, ++progress.at.fit) {
            if (!progress.step(0)) return cancelled();
            const split part = split_of(plan, fold);
            const linear_head head = prototypes(p, part.train, centre, length);
            if (error e = add_fold<double>({p, part.scored, centre, nullptr}, head, scaled(), fold, trial, out.rows)) return e;
        }
        conclude(trial, out.fold_sizes);
        out.trials.push_back(std::move(trial));
    }
    if (!progress.step(0)) return cancelled();
    const linear_head head = prototypes(p, split_of(plan, -1).train, centre, length);
    write_head(p, head, centre, scaled(), out);
    return {};
}

}  // namespace
CVT_NAMESPACE_END
