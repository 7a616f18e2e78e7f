// One stage: conv token embedding, class token, blocks. Official VisionTransformer.
#pragma once

#include "block.hpp"
#include "conv_embed.hpp"

CVT_NAMESPACE_BEGIN
namespace network {

struct stage_weights {
    conv_embed_weights embed;
    const float* cls_token = nullptr;       ///< (dim), or null
    const block_weights* blocks = nullptr;  ///< (depth)
    int depth = 0;
};

/// The outputs that the caller needs from a stage.
struct stage_request {
    bool last_block_cls_only = false;  ///< only the class token of the result is read
    float* cls_attention = nullptr;    ///< (heads, keys - 1) of the last block, or null
};

/// x (cls + tokens, dim) = stage(in); y (cls + tokens, dim) is overwritten.
inline void stage(const stage_pass& p, const stage_weights& w, const embed_input& in, const stage_request& want, matrix<float> x,
                  matrix<float> y) noexcept {
    // x = concat(cls_token, norm(conv(in)))
    if (w.cls_token != nullptr) std::memcpy(x.data, w.cls_token, static_cast<std::size_t>(x.cols) * sizeof(float));
    conv_embed(p, w.embed, in, x.rows_at(p.shape.cls, p.shape.tokens.tokens()));
    // y = norm1(x), of the first block
    p.ctx.for_each_tile(x.rows, [&](row_range r, int) noexcept {
        p.ctx.kernels->layer_norm(x.rows_at(r.first, r.count), w.blocks[0].norm1, y.rows_at(r.first, r.count));
    });
    for (int i = 0; i < w.depth; ++i) {
        const bool last = i + 1 == w.depth;
        block(p, w.blocks[i],
              {.rows = last && want.last_block_cls_only ? 1 : x.rows,
               .norm_after = last ? nullptr : &w.blocks[i + 1].norm1,
               .cls_attention = last ? want.cls_attention : nullptr},
              x, y);
    }
}

}  // namespace network
CVT_NAMESPACE_END
