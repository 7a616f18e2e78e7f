// The standardisation of embeddings, as scikit-learn's StandardScaler fits it.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "problem.hpp"

CVT_NAMESPACE_BEGIN
namespace {

/// z = (x - mean) / scale, column by column.
struct standardisation {
    std::vector<double> mean, scale;
};

/// Fits as scikit-learn's StandardScaler: a constant column has the scale 1. Unused without liblbfgs.
[[maybe_unused]] standardisation fit_standardisation(const problem& p, const rows_list& rows) {
    const auto width = static_cast<std::size_t>(p.width());
    const auto count = static_cast<double>(rows.size());
    standardisation s{std::vector<double>(width, 0.0), std::vector<double>(width, 0.0)};
    for (const std::ptrdiff_t i : rows)
        for (std::size_t d = 0; d < width; ++d) s.mean[d] += static_cast<double>(p.row(i)[d]);
    for (double& m : s.mean) m /= count;
    for (const std::ptrdiff_t i : rows)
        for (std::size_t d = 0; d < width; ++d) {
            const double distance = static_cast<double>(p.row(i)[d]) - s.mean[d];
            s.scale[d] += distance * distance;
        }
    constexpr double eps = std::numeric_limits<double>::epsilon();
    for (std::size_t d = 0; d < width; ++d) {
        const double variance = s.scale[d] / count, rounding = count * s.mean[d] * eps;
        s.scale[d] = variance <= count * eps * variance + rounding * rounding ? 1.0 : std::sqrt(variance);
    }
    return s;
}

}  // namespace
CVT_NAMESPACE_END
