// One transformer block: x += attention(norm1(x)); x += mlp(norm2(x)). Official Block.
#pragma once

#include "attention.hpp"
#include "mlp.hpp"

CVT_NAMESPACE_BEGIN
namespace layers {

struct block_weights {
    norm_weights norm1;
    attention_weights attention;
    mlp_weights mlp;
};

/// y (rows, row_stride(dim)) = norm(x (rows, dim)).
inline void normalise(const context& run, const norm_weights& w, std::ptrdiff_t dim, std::ptrdiff_t rows, const float* x,
                      float* y) noexcept {
    run.kernels->layer_norm(x, dim, rows, dim, w.gain, w.bias, y, row_stride(dim));
}

/// x (queries, dim) in place; y (queries, row_stride(dim)) comes as norm1(x) and leaves as `next`(x), the norm1 of the
/// block that follows; null where none does. Only the first `rows` rows of x are needed afterwards; the others keep their
/// values from before the block. All that follows attention is done to a tile of tokens while it is in the cache.
inline void block(const context& run, const stage_config& s, const block_weights& w, gelu activation, const model_shape::stage_shape& shape,
                  const attention_buffers& buffers, std::ptrdiff_t rows, float* x, float* y, const norm_weights* next,
                  float* cls_attention) noexcept {
    const std::ptrdiff_t dim = s.embed_dim, row = row_stride(dim);
    attention(run, s, w.attention, shape, buffers, y, rows, cls_attention);
    run.for_each_tile(rows, [&](std::ptrdiff_t first, std::ptrdiff_t count, int worker) noexcept {
        float* tile = x + first * dim;
        attention_output(run, s, w.attention, buffers, first, count, tile);
        mlp(run, s, w.mlp, activation, count, tile, run.scratch_of(worker));
        if (next != nullptr) normalise(run, *next, dim, count, tile, y + first * row);
    });
}

}  // namespace layers
CVT_NAMESPACE_END
