// The workspace of a forward pass: every intermediate tensor's place, planned once for each input size.
#pragma once

#include <algorithm>

#include "../config.hpp"
#include "attention.hpp"
#include "conv_embed.hpp"
#include "mlp.hpp"
#include "../runtime/arena.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

/// Where everything lies. With a null base the pointers are null and only `floats` counts.
struct workspace_plan {
    std::size_t floats = 0;      ///< the block's size
    float* x[2]{};               ///< tokens: a stage reads the one before from one and writes the other
    float* y = nullptr;          ///< normalised tokens, rows layers::row_stride apart
    float* embedding = nullptr;  ///< (dim of the last stage)
    std::array<layers::attention_buffers, config::max_stages> attention;
    float* scratch = nullptr;
    std::size_t scratch_size = 0;  ///< floats a worker
};

inline workspace_plan plan(const config& c, const model_shape& shape, const kernels::kernel_set& kernels, int workers,
                           float* base) noexcept {
    arena memory{base};
    workspace_plan p;
    std::size_t largest[2]{}, normalised = 0, scratch = 0;
    int channels = c.num_channels;
    for (std::size_t i = 0; i < c.stages().size(); ++i) {
        const stage_config& s = c.stage[i];
        const std::size_t tokens = static_cast<std::size_t>(shape.stage[i].queries()) * static_cast<std::size_t>(s.embed_dim);
        largest[i % 2] = std::max(largest[i % 2], tokens);
        normalised = std::max(
            normalised, static_cast<std::size_t>(shape.stage[i].queries()) * static_cast<std::size_t>(layers::row_stride(s.embed_dim)));
        arena embed, attend, feed;
        layers::conv_embed_scratch(embed, s, channels, kernels);
        layers::attention_scratch(attend, s, shape.stage[i], kernels);
        layers::mlp_scratch(feed, s, kernels);
        scratch = std::max({scratch, embed.peak(), attend.peak(), feed.peak()});
        channels = s.embed_dim;
    }
    p.x[0] = memory.take(largest[0]);
    p.x[1] = memory.take(largest[1]);
    p.y = memory.take(normalised);
    p.embedding = memory.take(static_cast<std::size_t>(channels));
    // Stages run one after the other: their attention tensors share one place.
    const std::size_t mark = memory.mark();
    for (std::size_t i = 0; i < c.stages().size(); ++i) {
        memory.rewind(mark);
        p.attention[i] = layers::plan_attention(memory, c.stage[i], shape.stage[i], kernels);
    }
    memory.rewind(memory.peak());
    p.scratch_size = scratch;
    p.scratch = memory.take(scratch * static_cast<std::size_t>(workers));
    p.floats = memory.peak();
    return p;
}

}  // namespace detail
CVT_NAMESPACE_END
