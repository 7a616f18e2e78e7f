// The MLP of a block, a tile of tokens at a time. Official Mlp, with the block's norm2 before it.
#pragma once

#include "context.hpp"
#include "linear.hpp"

CVT_NAMESPACE_BEGIN
namespace network {

struct mlp_weights {
    linear_weights fc1;  ///< norm2's gain and bias folded in
    linear_weights fc2;
};

/// Hidden channels computed at a time: a tile of them is still in the L2 cache when fc2 reads it. A multiple of every nr.
inline constexpr std::ptrdiff_t hidden_block = 384;

/// Tensors of a tile, (rows, dim) and (rows, hidden_block), in a worker's scratch memory.
struct mlp_buffers {
    matrix<float> normed, hidden;
};
inline mlp_buffers plan_mlp(detail::arena& scratch, const stage_config& s, std::ptrdiff_t rows) noexcept {
    const std::ptrdiff_t dim = s.embed_dim, stride = std::max<std::ptrdiff_t>(4, row_stride(dim));  // at least 16 bytes, for `quantize`
    return {take_matrix(scratch, rows, dim, stride), take_rows(scratch, rows, std::min<std::ptrdiff_t>(hidden_block, s.hidden_dim()))};
}

/// x (rows, dim) += fc2(gelu(fc1(norm2(x)))), one worker's tile of the tokens.
inline void mlp(const stage_pass& p, const mlp_weights& w, matrix<float> x, detail::arena scratch) noexcept {
    const std::ptrdiff_t hidden_dim = p.config.hidden_dim();
    const auto gelu = p.activation == cvt::gelu::quick ? kernels::epilogue::quick_gelu : kernels::epilogue::erf_gelu;
    const mlp_buffers b = plan_mlp(scratch, p.config, x.rows);

    // n = (x - mean) / sqrt(var + eps); gamma and beta are in fc1
    p.ctx.kernels->layer_norm(x, norm_weights{}, b.normed);
    // n = s q + o in int8, once for all hidden channels
    const bool quantized = w.fc1.w.kernels->quantize != nullptr;
    if (quantized) w.fc1.w.kernels->quantize(b.normed);
    for (std::ptrdiff_t c = 0; c < hidden_dim; c += hidden_block) {
        const std::ptrdiff_t width = std::min(hidden_block, hidden_dim - c), after = c + width;
        const kernels::packed_matrix fc1 = w.fc1.w.columns(c, width), fc2 = w.fc2.w.depths(c, width);
        const std::byte* const next = after < hidden_dim ? w.fc1.w.columns(after, 0).data : nullptr;
        const float* const bias = c == 0 ? w.fc2.bias : nullptr;
        const matrix<float> hidden{.data = b.hidden.data, .rows = x.rows, .cols = width, .stride = row_stride(width)};
        // h = gelu(n W1^T + b1), of these hidden channels
        multiply({.in = b.normed,
                  .w = fc1,
                  .bias = w.fc1.bias + c,
                  .out = hidden,
                  .epilogue = gelu,
                  .prefetch = fc2.data,
                  .quantized = quantized});
        // x = x + h W2^T + b2, the sum over these hidden channels
        multiply({.in = hidden, .w = fc2, .bias = bias, .out = x, .epilogue = kernels::epilogue::add, .prefetch = next});
    }
}

}  // namespace network
CVT_NAMESPACE_END
