// The feed-forward part of a block, a tile of tokens at a time. Official Mlp, with the block's norm2 in front.
#pragma once

#include "../config.hpp"
#include "context.hpp"

CVT_NAMESPACE_BEGIN
namespace layers {

struct mlp_weights {
    linear_weights fc1;  ///< norm2's gain and bias folded in
    linear_weights fc2;
};

/// Scratch floats a worker needs.
inline void mlp_scratch(detail::arena& a, const stage_config& s, const kernels::kernel_set& kernels) noexcept {
    a.take(static_cast<std::size_t>(kernels.tile_rows) * static_cast<std::size_t>(s.embed_dim));
    a.take(static_cast<std::size_t>(kernels.tile_rows) * static_cast<std::size_t>(s.hidden_dim()));
}

/// x (rows, dim) += fc2(gelu(fc1(norm2(x)))).
inline void mlp(const context& run, const stage_config& s, const mlp_weights& w, gelu activation, std::ptrdiff_t rows, float* x) noexcept {
    const std::ptrdiff_t dim = s.embed_dim, hidden_dim = s.hidden_dim();
    const auto then = activation == gelu::quick ? kernels::epilogue::quick_gelu : kernels::epilogue::erf_gelu;
    run.for_each_tile(rows, [&](std::ptrdiff_t first, std::ptrdiff_t count, int worker) noexcept {
        detail::arena scratch = run.scratch_of(worker);
        float* normed = scratch.take(static_cast<std::size_t>(run.kernels->tile_rows * dim));
        float* hidden = scratch.take(static_cast<std::size_t>(run.kernels->tile_rows * hidden_dim));
        run.kernels->layer_norm(x + first * dim, count, dim, nullptr, nullptr, normed);
        run.linear(w.fc1, normed, dim, count, hidden, hidden_dim, then);
        run.linear(w.fc2, hidden, hidden_dim, count, x + first * dim, dim, kernels::epilogue::add);
    });
}

}  // namespace layers
CVT_NAMESPACE_END
