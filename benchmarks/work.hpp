// Multiply-adds that a stage and a forward pass actually compute: the last block runs only for the class token.
#pragma once

#include <cstdint>

#include <cvt/cost.hpp>

namespace cvt_bench {

using stage_shape = cvt::model_shape::stage_shape;

/// All blocks of a stage; with `cls_only` the last one computes only the class token's row.
inline std::int64_t blocks_work(const cvt::stage_config& s, const stage_shape& shape, bool cls_only) {
    return (s.depth - 1) * cvt::network::block_multiply_adds(s, shape, shape.queries()) +
           cvt::network::block_multiply_adds(s, shape, cls_only ? 1 : shape.queries());
}

/// A forward pass that computes only logits, embedding or class-token attention.
inline std::int64_t forward_work(const cvt::config& c, const cvt::model_shape& shape) {
    std::int64_t total = 0;
    int channels = c.num_channels;
    for (std::size_t i = 0; i < c.stages().size(); ++i) {
        const cvt::stage_config& s = c.stage[i];
        const bool last = i + 1 == c.stages().size();
        total +=
            cvt::network::embedding_multiply_adds(s, channels, shape.stage[i]) + blocks_work(s, shape.stage[i], last && c.uses_cls_token());
        channels = s.embed_dim;
    }
    return total + std::int64_t{channels} * c.num_classes;
}

}  // namespace cvt_bench
