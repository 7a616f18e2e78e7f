// The feed-forward part of a block, a tile of tokens at a time. Official Mlp, with the block's norm2 in front.
#pragma once

#include <algorithm>

#include "../config.hpp"
#include "context.hpp"

CVT_NAMESPACE_BEGIN
namespace layers {

struct mlp_weights {
    linear_weights fc1;  ///< norm2's gain and bias folded in
    linear_weights fc2;
};

/// Hidden channels computed at a time: a tile of them is still in the second cache when fc2 reads it.
inline constexpr int hidden_block = 384;

/// Scratch floats a worker needs.
inline void mlp_scratch(detail::arena& a, const stage_config& s, const kernels::kernel_set& kernels) noexcept {
    a.take(static_cast<std::size_t>(kernels.tile_rows * row_stride(s.embed_dim)));
    a.take(static_cast<std::size_t>(kernels.tile_rows * row_stride(std::min(hidden_block, s.hidden_dim()))));
}

/// x (rows, dim) += fc2(gelu(fc1(norm2(x)))), one worker's tile of the tokens.
inline void mlp(const context& run, const stage_config& s, const mlp_weights& w, gelu activation, std::ptrdiff_t rows, float* x,
                detail::arena scratch) noexcept {
    const std::ptrdiff_t dim = s.embed_dim, hidden_dim = s.hidden_dim(), row = row_stride(dim);
    const auto then = activation == gelu::quick ? kernels::epilogue::quick_gelu : kernels::epilogue::erf_gelu;
    float* normed = scratch.take(static_cast<std::size_t>(rows * row));
    float* hidden = scratch.take(static_cast<std::size_t>(rows * row_stride(std::min<std::ptrdiff_t>(hidden_block, hidden_dim))));
    run.kernels->layer_norm(x, dim, rows, dim, nullptr, nullptr, normed, row);
    for (std::ptrdiff_t c = 0; c < hidden_dim; c += hidden_block) {
        const std::ptrdiff_t width = std::min<std::ptrdiff_t>(hidden_block, hidden_dim - c);
        const float* fc2 = w.fc2.packed + c * run.kernels->panel;
        const float* more = c + width < hidden_dim ? w.fc1.packed + (c + width) * dim : nullptr;
        run.kernels->linear(
            {normed, row, rows, w.fc1.packed + c * dim, w.fc1.bias + c, width, dim, hidden, row_stride(width), then, 0, fc2});
        run.kernels->linear({hidden, row_stride(width), rows, fc2, c == 0 ? w.fc2.bias : nullptr, dim, width, x, dim,
                             kernels::epilogue::add, hidden_dim, more});
    }
}

}  // namespace layers
CVT_NAMESPACE_END
