// The problem as the caller of train_head() gave it.
#pragma once

#include <cstddef>
#include <cvt/extra/head_trainer.hpp>
#include <span>
#include <vector>

CVT_NAMESPACE_BEGIN
namespace {

/// Rows of the embeddings, by their numbers.
using rows_list = std::vector<std::ptrdiff_t>;

struct problem {
    view<const float, 2> embeddings;
    std::span<const int> labels;
    std::ptrdiff_t classes;
    const head_options& options;

    [[nodiscard]] std::ptrdiff_t width() const { return embeddings.extent(1); }
    [[nodiscard]] const float* row(std::ptrdiff_t i) const { return embeddings.data() + i * width(); }
    [[nodiscard]] int label(std::ptrdiff_t i) const { return labels[static_cast<std::size_t>(i)]; }
};

}  // namespace
CVT_NAMESPACE_END
