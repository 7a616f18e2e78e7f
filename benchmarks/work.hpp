// Multiply-adds that are really done in a stage and in a forward pass, whose last block serves the class token alone.
#pragma once

#include <cstdint>

#include <cvt/cost.hpp>

namespace cvt_bench {

using stage_shape = cvt::model_shape::stage_shape;

/// All blocks of a stage; with `cls_only` the last one computes the class token's row and no other.
inline std::int64_t blocks_work(const cvt::stage_config& s, const stage_shape& shape, bool cls_only) {
    return (s.depth - 1) * cvt::network::block_multiply_adds(s, shape, shape.queries()) +
           cvt::network::block_multiply_adds(s, shape, cls_only ? 1 : shape.queries());
}

/// A forward pass for which only logits, embedding or class-token attention are asked.
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
