// Learns a head by logistic regression. Needs liblbfgs.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <type_traits>
#include <utility>
#include <vector>

#include "folds.hpp"
#include "linear_head.hpp"
#include "minimiser.hpp"
#include "objective.hpp"
#include "progress.hpp"
#include "scoring.hpp"
#include "standardisation.hpp"

CVT_NAMESPACE_BEGIN
namespace {

constexpr std::array<double, 6> default_strengths{1e-4, 1e-3, 1e-2, 1e-1, 1, 10};

/// Whether products are in float64.
bool uses_float64(const problem& p) {
    constexpr double limit = 1 << 28;  // multiply-adds: about 50 ms
    return p.options.float64.value_or(static_cast<double>(p.embeddings.size()) * static_cast<double>(p.classes) <= limit);
}

/// Learns from some rows at one strength, beginning with `head`.
template <class T>
error fit(const standardised_rows& from, double strength, linear_head& head, progress_of& progress, int& iterations) {
    design<T> data;
    if (error e = data.build_scores(from)) return e;
    if (error e = data.build_combine(from)) return e;
    // Two rows of weights w and -w with this factor are one row 2w with half of it.
    const double l2 = (from.p.classes == 2 ? 2.0 : 1.0) / (strength * static_cast<double>(from.rows.size()));
    objective<T> f{data, from, l2};
    const bool scored_only = std::is_same_v<T, float> && progress.at.fit + 1 < progress.at.fits;
    return minimise(f, scored_only ? stop_early : stop_at<T>, head, progress, iterations);
}

/// Chooses the strength by cross-validation, then learns from all rows.
template <class T>
error learn_logistic(const problem& p, const fold_plan& plan, const kernels::kernel_set* set, trained_head& out) {
    std::vector<double> strengths{p.options.strengths.begin(), p.options.strengths.end()};
    if (strengths.empty()) strengths.assign(default_strengths.begin(), default_strengths.end());
    if (plan.folds == 0) strengths = {p.options.strengths.empty() ? 1.0 : strengths.front()};
    std::sort(strengths.begin(), strengths.end());
    strengths.erase(std::unique(strengths.begin(), strengths.end()), strengths.end());
    progress_of progress{p.options, {0, static_cast<int>(strengths.size()) * plan.folds + 1, 0}};

    std::vector<linear_head> heads(static_cast<std::size_t>(plan.folds), empty_head(p));  // warm starts
    std::vector<held_out_row> rows;
    linear_head start = empty_head(p);  // of the last fit: a fold's head at the chosen strength
    out.strength = strengths.front();
    for (std::size_t c = 0; plan.folds > 0 && c < strengths.size(); ++c) {
        head_trial trial{.strength = strengths[c], .correct = std::vector<int>(static_cast<std::size_t>(plan.folds))};
        rows = out.rows;
        for (int fold = 0; fold < plan.folds; ++fold, ++progress.at.fit) {
            const split part = split_of(plan, fold);
            const standardisation s = fit_standardisation(p, part.train);
            linear_head& head = heads[static_cast<std::size_t>(fold)];
            int iterations = 0;
            if (error e = fit<T>({p, part.train, s, set}, strengths[c], head, progress, iterations)) return e;
            if (error e = add_fold<T>({p, part.scored, s, set}, head, 1.0, fold, trial, rows)) return e;
        }
        conclude(trial, out.fold_sizes);
        if (out.trials.empty() || trial.log_loss < out.trials[out.chosen].log_loss) {
            out.chosen = c;
            out.rows = rows;
            out.strength = strengths[c];
            start = heads.front();
        }
        out.trials.push_back(std::move(trial));
    }
    const split all = split_of(plan, -1);
    const standardisation s = fit_standardisation(p, all.train);
    if (error e = fit<T>({p, all.train, s, set}, out.strength, start, progress, out.iterations)) return e;
    write_head(p, start, s, 1.0, out);
    return {};
}

}  // namespace
CVT_NAMESPACE_END
