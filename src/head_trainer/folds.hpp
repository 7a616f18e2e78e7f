// The folds of the cross-validation.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "problem.hpp"

CVT_NAMESPACE_BEGIN
namespace {

/// The folds of the rows and the rows that are scored.
struct fold_plan {
    int folds = 0;
    std::vector<int> fold_of;  // -1: always among the rows of the fit
    std::vector<bool> first;   // of its group
};

/// Steele, Lea and Flood's SplitMix64.
std::uint64_t next_random(std::uint64_t& state) {
    std::uint64_t z = state += 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
}

/// Deals the shuffled groups of each class to the folds in turn.
result<fold_plan> plan_folds(const problem& p) {
    const std::size_t count = p.labels.size();
    const std::span<const int> groups = p.options.groups;
    fold_plan plan{0, std::vector<int>(count, -1), std::vector<bool>(count, true)};
    std::vector<std::size_t> first_row(count);  // of the row's group
    std::vector<std::vector<std::size_t>> of_class(static_cast<std::size_t>(p.classes));
    std::unordered_map<int, std::size_t> known;
    for (std::size_t i = 0; i < count; ++i) {
        first_row[i] = groups.empty() ? i : known.emplace(groups[i], i).first->second;
        plan.first[i] = first_row[i] == i;
        if (p.labels[first_row[i]] != p.labels[i])
            return error::format(errc::invalid_argument,
                                 "groups: expected one class in a group, found rows %zu and %zu of classes %d and %d", first_row[i], i,
                                 p.labels[first_row[i]], p.labels[i]);
        if (plan.first[i]) of_class[static_cast<std::size_t>(p.labels[i])].push_back(i);
    }
    std::size_t max = 0;
    for (const auto& members : of_class) max = std::max(max, members.size());
    plan.folds = static_cast<int>(std::min<std::size_t>(max, static_cast<std::size_t>(p.options.folds)));
    if (plan.folds < 2) plan.folds = 0;
    std::uint64_t state = p.options.seed;
    std::size_t dealt = 0;
    for (auto& members : of_class) {
        for (std::size_t i = members.size(); i > 1; --i)
            std::swap(members[i - 1], members[static_cast<std::size_t>(next_random(state) % i)]);
        if (plan.folds == 0 || members.size() < 2) continue;
        for (const std::size_t row : members) plan.fold_of[row] = static_cast<int>(dealt++ % static_cast<std::size_t>(plan.folds));
    }
    for (std::size_t i = 0; i < count; ++i) plan.fold_of[i] = plan.fold_of[first_row[i]];
    return plan;
}

/// Rows of a fit, and those that it scores.
struct split {
    rows_list train, scored;
};

/// `fold`: the one that is held out, or -1 for none.
split split_of(const fold_plan& plan, int fold) {
    split s;
    for (std::size_t i = 0; i < plan.fold_of.size(); ++i) {
        if (plan.fold_of[i] != fold || fold < 0)
            s.train.push_back(static_cast<std::ptrdiff_t>(i));
        else if (plan.first[i])
            s.scored.push_back(static_cast<std::ptrdiff_t>(i));
    }
    return s;
}

}  // namespace
CVT_NAMESPACE_END
