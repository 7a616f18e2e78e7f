// One transformer block: x += attention(norm1(x)); x += mlp(norm2(x)). Official Block.
#pragma once

#include "attention.hpp"
#include "mlp.hpp"

CVT_NAMESPACE_BEGIN
namespace network {

struct block_weights {
    norm_weights norm1;
    attention_weights attention;
    mlp_weights mlp;
};

/// x (queries, dim) in place; y (queries, dim) is norm1(x) on entry and norm1 of the next block on return. Only the first want.rows
/// rows of x are computed; the others keep their old values. Everything after attention runs on a tile of tokens while it is in the
/// cache. The paper, section 3.2.
inline void block(const stage_pass& p, const block_weights& w, const block_request& want, matrix<float> x, matrix<float> y) noexcept {
    // heads = concat_h softmax(q_h k_h^T) v_h, of y = norm1(x)
    attention(p, w.attention, want, y);
    p.ctx.for_each_tile(want.rows, [&](row_range r, int worker) noexcept {
        const matrix<float> tile = x.rows_at(r.first, r.count);
        // x = x + heads W_o^T + b_o
        linear(w.attention.output, p.buffers.heads.rows_at(r.first, r.count), tile, kernels::epilogue::add);
        // x = x + fc2(gelu(fc1(norm2(x))))
        mlp(p, w.mlp, tile, p.ctx.scratch_of(worker));
        // y = next.norm1(x)
        if (want.norm_after != nullptr) p.ctx.kernels->layer_norm(tile, *want.norm_after, y.rows_at(r.first, r.count));
    });
}

}  // namespace network
CVT_NAMESPACE_END
