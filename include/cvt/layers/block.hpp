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

/// x (queries, dim) in place; y (queries, row_stride(dim)) is overwritten. Only the first `rows` rows of x are needed afterwards;
/// the others keep their values from before the block.
inline void block(const context& run, const stage_config& s, const block_weights& w, gelu activation, const model_shape::stage_shape& shape,
                  const attention_buffers& buffers, std::ptrdiff_t rows, float* x, float* y, float* cls_attention) noexcept {
    const std::ptrdiff_t dim = s.embed_dim, row = row_stride(dim);
    run.for_each_tile(shape.queries(), [&](std::ptrdiff_t first, std::ptrdiff_t count, int) noexcept {
        run.kernels->layer_norm(x + first * dim, dim, count, dim, w.norm1.gain, w.norm1.bias, y + first * row, row);
    });
    attention(run, s, w.attention, shape, buffers, y, rows, x, cls_attention);
    mlp(run, s, w.mlp, activation, rows, x);
}

}  // namespace layers
CVT_NAMESPACE_END
