// Multi-head attention over convolutional projections, by blocks of query rows: no tokens x tokens matrix exists.
// The paper, section 3.2; official Attention.
#pragma once

#include <cstring>

#include "conv_projection.hpp"

CVT_NAMESPACE_BEGIN
namespace layers {

struct attention_weights {
    conv_projection_weights query;  ///< linear part times embed_dim ** -0.5, the softmax scale
    conv_projection_weights key, value;
    linear_weights output;
};

/// The tensors of one attention call; planned once, used by every block.
struct attention_buffers {
    float* convolved_q = nullptr;        ///< (queries, dim); holds the heads' results afterwards
    float* convolved_kv = nullptr;       ///< (keys, dim)
    float* q = nullptr;                  ///< (queries, dim)
    float* kv = nullptr;                 ///< (keys, dim): keys, then values
    float* packed_k = nullptr;           ///< a head's keys packed as the weights of q * k^T, head after head
    float* packed_v = nullptr;           ///< values as the weights of p * v, likewise
    std::size_t k_size = 0, v_size = 0;  ///< floats a head
};

inline attention_buffers plan_attention(detail::arena& a, const stage_config& s, const model_shape::stage_shape& shape,
                                        const kernels::kernel_set& kernels) noexcept {
    const auto dim = static_cast<std::size_t>(s.embed_dim), heads = static_cast<std::size_t>(s.num_heads);
    const auto queries = static_cast<std::size_t>(shape.queries()), keys = static_cast<std::size_t>(shape.key_count());
    attention_buffers b;
    b.convolved_q = a.take(queries * dim);
    b.convolved_kv = a.take(keys * dim);
    b.q = a.take(queries * dim);
    b.kv = a.take(keys * dim);
    b.k_size = kernels.packed_size(shape.key_count(), s.head_dim());
    b.v_size = kernels.packed_size(s.head_dim(), shape.key_count());
    b.packed_k = a.take(heads * b.k_size);
    b.packed_v = a.take(heads * b.v_size);
    return b;
}

/// Scratch floats a worker needs.
inline void attention_scratch(detail::arena& a, const model_shape::stage_shape& shape, const kernels::kernel_set& kernels) noexcept {
    a.take(static_cast<std::size_t>(kernels.tile_rows) * static_cast<std::size_t>(shape.key_count()));
}

/// Keys or values: project, then pack each head as the weights of a product.
inline void keys_or_values(const context& run, const stage_config& s, const conv_projection_weights& w, const float* in,
                           const model_shape::stage_shape& shape, const attention_buffers& b, bool keys) noexcept {
    const std::ptrdiff_t dim = s.embed_dim, head_dim = s.head_dim(), count = shape.key_count();
    const float* tokens = in;
    if (!projects_identity(s, false)) {
        project_grid(run, s, w, false, in, shape.tokens, shape.cls, shape.keys, b.convolved_kv);
        tokens = b.convolved_kv;
    }
    run.for_each_tile(count, [&](std::ptrdiff_t first, std::ptrdiff_t rows, int) noexcept {
        run.linear(w.linear, tokens + first * dim, dim, rows, b.kv + first * dim, dim);
    });
    detail::parallel_for(run.host, s.num_heads, [&](std::ptrdiff_t h, int) noexcept {
        const float* head = b.kv + h * head_dim;
        if (keys)
            run.kernels->pack(head, dim, 1, count, head_dim, b.packed_k + static_cast<std::size_t>(h) * b.k_size);
        else
            run.kernels->pack(head, 1, dim, head_dim, count, b.packed_v + static_cast<std::size_t>(h) * b.v_size);
    });
}

/// x (first `rows` of queries, dim) += attention(y), y (queries, dim) being the normalised tokens. `rows` is 1 where
/// only the class token is read afterwards. cls_attention: (heads, keys - 1), the class token's probabilities, or null.
inline void attention(const context& run, const stage_config& s, const attention_weights& w, const model_shape::stage_shape& shape,
                      const attention_buffers& b, const float* y, std::ptrdiff_t rows, float* x, float* cls_attention) noexcept {
    const std::ptrdiff_t dim = s.embed_dim, head_dim = s.head_dim(), keys = shape.key_count();
    keys_or_values(run, s, w.key, y, shape, b, true);
    keys_or_values(run, s, w.value, y, shape, b, false);

    // q = linear(conv(y)); the class token's row is not convolved.
    const float* tokens = y;
    if (!projects_identity(s, true) && rows > shape.cls) {
        project_grid(run, s, w.query, true, y, shape.tokens, shape.cls, shape.tokens, b.convolved_q);
        tokens = b.convolved_q;
    }
    run.for_each_tile(rows, [&](std::ptrdiff_t first, std::ptrdiff_t count, int) noexcept {
        run.linear(w.query.linear, tokens + first * dim, dim, count, b.q + first * dim, dim);
    });

    // softmax(q k^T) v, a head and a tile of queries at a time
    float* heads_out = b.convolved_q;
    const std::ptrdiff_t tile = run.kernels->tile_rows, tiles = (rows + tile - 1) / tile;
    detail::parallel_for(run.host, tiles * s.num_heads, [&](std::ptrdiff_t i, int worker) noexcept {
        const std::ptrdiff_t h = i / tiles, first = i % tiles * tile, count = std::min(tile, rows - first);
        float* scores = run.scratch_of(worker).take(static_cast<std::size_t>(tile * keys));
        const std::ptrdiff_t at = first * dim + h * head_dim;
        run.linear({b.packed_k + static_cast<std::size_t>(h) * b.k_size, nullptr, keys, head_dim}, b.q + at, dim, count, scores, keys);
        run.kernels->softmax(scores, keys, count, keys);
        if (cls_attention != nullptr && first == 0)
            std::memcpy(cls_attention + h * (keys - 1), scores + 1, static_cast<std::size_t>(keys - 1) * sizeof(float));
        run.linear({b.packed_v + static_cast<std::size_t>(h) * b.v_size, nullptr, head_dim, keys}, scores, keys, count, heads_out + at,
                   dim);
    });

    run.for_each_tile(rows, [&](std::ptrdiff_t first, std::ptrdiff_t count, int) noexcept {
        run.linear(w.output, heads_out + first * dim, dim, count, x + first * dim, dim, kernels::epilogue::add);
    });
}

}  // namespace layers
CVT_NAMESPACE_END
