// A head on standardised embeddings, and the same head on embeddings as they come.
#pragma once

#include <cstddef>
#include <vector>

#include "problem.hpp"
#include "standardisation.hpp"

CVT_NAMESPACE_BEGIN
namespace {

/// A linear layer on standardised embeddings, (classes, width) and (classes).
struct linear_head {
    std::vector<double> weights, bias;
};

linear_head empty_head(const problem& p) {
    return {std::vector<double>(static_cast<std::size_t>(p.classes * p.width()), 0.0),
            std::vector<double>(static_cast<std::size_t>(p.classes), 0.0)};
}

/// Folds the standardisation into the head.
void write_head(const problem& p, const linear_head& from, const standardisation& s, double factor, trained_head& to) {
    const auto width = static_cast<std::size_t>(p.width()), classes = static_cast<std::size_t>(p.classes);
    to.weights.resize(classes * width);
    to.bias.resize(classes);
    for (std::size_t k = 0; k < classes; ++k) {
        double bias = from.bias[k];
        for (std::size_t d = 0; d < width; ++d) {
            const double w = from.weights[k * width + d] / s.scale[d];
            to.weights[k * width + d] = static_cast<float>(factor * w);
            bias -= w * s.mean[d];
        }
        to.bias[k] = static_cast<float>(factor * bias);
    }
}

}  // namespace
CVT_NAMESPACE_END
