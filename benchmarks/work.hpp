// Multiply-adds that are really done: of a layer, of a block, of a forward pass whose last block serves the class token alone.
#pragma once

#include <cstdint>

#include <cvt/config.hpp>

namespace cvt_bench {

using stage_shape = cvt::model_shape::stage_shape;

inline std::int64_t conv_embed_work(const cvt::stage_config& s, std::int64_t channels, const stage_shape& shape) {
    return shape.tokens.tokens() * s.embed_dim * channels * s.patch_size * s.patch_size;
}

/// The depth-wise convolutions of a block: of queries where any is convolved, of keys and of values.
inline std::int64_t depthwise_work(const cvt::stage_config& s, const stage_shape& shape, bool queries = true) {
    if (s.qkv_projection != cvt::projection::dw_bn) return 0;
    return ((queries ? shape.tokens.tokens() : 0) + 2 * shape.keys.tokens()) * s.embed_dim * s.kernel_qkv * s.kernel_qkv;
}

/// `rows` of queries, all keys and values.
inline std::int64_t projection_work(const cvt::stage_config& s, const stage_shape& shape, std::int64_t rows) {
    return depthwise_work(s, shape, rows > shape.cls) + (rows + 2 * shape.key_count()) * s.embed_dim * s.embed_dim;
}

/// `rows` of queries against all keys; with one row it is the class token, which is not convolved.
inline std::int64_t attention_work(const cvt::stage_config& s, const stage_shape& shape, std::int64_t rows) {
    const std::int64_t dim = s.embed_dim;
    return projection_work(s, shape, rows) + 2 * rows * shape.key_count() * dim + rows * dim * dim;
}

inline std::int64_t mlp_work(const cvt::stage_config& s, std::int64_t rows) {
    return 2 * rows * std::int64_t{s.embed_dim} * s.hidden_dim();
}

inline std::int64_t block_work(const cvt::stage_config& s, const stage_shape& shape, std::int64_t rows) {
    return attention_work(s, shape, rows) + mlp_work(s, rows);
}

/// All blocks of a stage; with `cls_only` the last one computes the class token's row and no other.
inline std::int64_t blocks_work(const cvt::stage_config& s, const stage_shape& shape, bool cls_only) {
    return (s.depth - 1) * block_work(s, shape, shape.queries()) + block_work(s, shape, cls_only ? 1 : shape.queries());
}

/// A forward pass for which only logits, embedding or class-token attention are asked.
inline std::int64_t forward_work(const cvt::config& c, const cvt::model_shape& shape) {
    std::int64_t total = 0, channels = c.num_channels;
    for (std::size_t i = 0; i < c.stages().size(); ++i) {
        const cvt::stage_config& s = c.stage[i];
        const bool last = i + 1 == c.stages().size();
        total += conv_embed_work(s, channels, shape.stage[i]) + blocks_work(s, shape.stage[i], last && c.uses_cls_token());
        channels = s.embed_dim;
    }
    return total + channels * c.num_classes;
}

}  // namespace cvt_bench
