// The workspace of a forward pass: the memory of every intermediate tensor, planned once for each input size.
#pragma once

#include "attention.hpp"
#include "conv_embed.hpp"
#include "mlp.hpp"

CVT_NAMESPACE_BEGIN
namespace network {

/// Addresses of the intermediate tensors. With a null base the pointers are null and only `bytes` is valid.
struct workspace {
    std::uint64_t bytes = 0;     ///< the block's size
    float* x[2]{};               ///< tokens: a stage reads the previous stage's from one and writes the other
    float* y = nullptr;          ///< normalised tokens, rows row_stride apart
    float* embedding = nullptr;  ///< (dim of the last stage)
    std::array<attention_buffers, config::max_stages> attention;
    std::byte* scratch = nullptr;
    std::uint64_t scratch_size = 0;  ///< bytes per worker
};

/// Bytes of scratch memory that a worker needs in a stage whose input has `channels` channels.
inline std::uint64_t scratch_bytes(const stage_config& s, int channels, const stage_shape& shape,
                                   const kernels::gemm_kernels& gemm) noexcept {
    detail::arena embed, attend, feed;
    plan_patches(embed, gemm.task_rows, std::ptrdiff_t{channels} * s.patch_size * s.patch_size);
    plan_attention_scratch(attend, s, shape, gemm);
    plan_mlp(feed, s, gemm.task_rows);
    return std::max({embed.peak(), attend.peak(), feed.peak()});
}

/// Checks that every tensor of a forward pass can be addressed, which only fails where pointers have 32 bits. Errors: out_of_memory.
inline error check_addressable(const config& c, const model_shape& shape) noexcept {
    constexpr std::uint64_t max = std::numeric_limits<std::ptrdiff_t>::max();
    const auto check = [](const grid& map, int cls, std::int64_t channels) noexcept -> error {
        const auto bytes = static_cast<std::uint64_t>((std::int64_t{map.height} * map.width + cls) * channels) * sizeof(float);
        return bytes > max ? error::out_of_memory("a feature map", bytes) : error{};
    };
    if (error e = check(shape.input, 0, c.num_channels)) return e;
    for (std::size_t i = 0; i < c.stages().size(); ++i) {
        const std::int64_t stride = row_stride(c.stage[i].embed_dim);
        if (error e = check(shape.stage[i].tokens, shape.stage[i].cls, stride)) return e;
        if (error e = check(shape.stage[i].keys, shape.stage[i].cls, stride)) return e;
    }
    return {};
}

/// `shape` must have passed check_addressable().
inline workspace plan_workspace(const config& c, const model_shape& shape, const kernels::kernel_set& kernels, int workers,
                                std::byte* base) noexcept {
    detail::arena memory{base};
    workspace w;
    std::uint64_t largest[2]{}, normalised = 0;
    int channels = c.num_channels;
    for (std::size_t i = 0; i < c.stages().size(); ++i) {
        const stage_config& s = c.stage[i];
        const auto queries = static_cast<std::uint64_t>(shape.stage[i].queries());
        largest[i % 2] = std::max(largest[i % 2], queries * static_cast<std::uint64_t>(s.embed_dim));
        normalised = std::max(normalised, queries * static_cast<std::uint64_t>(row_stride(s.embed_dim)));
        w.scratch_size = std::max(w.scratch_size, scratch_bytes(s, channels, shape.stage[i], kernels.f32));
        channels = s.embed_dim;
    }
    w.x[0] = memory.take<float>(largest[0]);
    w.x[1] = memory.take<float>(largest[1]);
    w.y = memory.take<float>(normalised);
    w.embedding = memory.take<float>(static_cast<std::uint64_t>(channels));
    // Stages run one after the other, so their attention tensors share memory.
    const std::uint64_t mark = memory.mark();
    for (std::size_t i = 0; i < c.stages().size(); ++i) {
        memory.rewind(mark);
        w.attention[i] = plan_attention(memory, c.stage[i], shape.stage[i], kernels.f32);
    }
    memory.rewind(memory.peak());
    w.scratch = memory.take<std::byte>(w.scratch_size * static_cast<std::uint64_t>(workers));
    w.bytes = memory.peak();
    return w;
}

}  // namespace network
CVT_NAMESPACE_END
