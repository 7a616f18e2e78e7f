// One stage: convolutional token embedding, class token in front, blocks. Official VisionTransformer.
#pragma once

#include <cstring>
#include <span>

#include "block.hpp"
#include "conv_embed.hpp"

CVT_NAMESPACE_BEGIN
namespace layers {

struct stage_weights {
    conv_embed_weights embed;
    const float* cls_token = nullptr;  ///< (dim), or null
    std::span<const block_weights> blocks;
};

/// What a stage's caller wants of it.
struct stage_request {
    bool last_block_cls_only = false;  ///< only the class token of the result is read
    float* cls_attention = nullptr;    ///< (heads, keys - 1) of the last block, or null
};

/// x (cls + tokens, dim) = stage(in); y (cls + tokens, row_stride(dim)) is overwritten.
inline void stage(const context& run, const stage_config& s, const stage_weights& w, gelu activation, const embed_input& in,
                  const model_shape::stage_shape& shape, const attention_buffers& buffers, const stage_request& request, float* x,
                  float* y) noexcept {
    const std::ptrdiff_t dim = s.embed_dim;
    if (w.cls_token != nullptr) std::memcpy(x, w.cls_token, static_cast<std::size_t>(dim) * sizeof(float));
    conv_embed(run, s, w.embed, in, shape.tokens, x + shape.cls * dim);
    run.for_each_tile(shape.queries(), [&](std::ptrdiff_t first, std::ptrdiff_t rows, int) noexcept {
        normalise(run, w.blocks[0].norm1, dim, rows, x + first * dim, y + first * row_stride(dim));
    });
    for (std::size_t i = 0; i < w.blocks.size(); ++i) {
        const bool last = i + 1 == w.blocks.size();
        block(run, s, w.blocks[i], activation, shape, buffers, last && request.last_block_cls_only ? 1 : shape.queries(), x, y,
              last ? nullptr : &w.blocks[i + 1].norm1, last ? request.cls_attention : nullptr);
    }
}

}  // namespace layers
CVT_NAMESPACE_END
