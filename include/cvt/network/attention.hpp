// Multi-head attention over conv projections, by blocks of query rows, without a tokens x tokens matrix.
// The paper, section 3.2; official Attention.
#pragma once

#include "conv_projection.hpp"

CVT_NAMESPACE_BEGIN
namespace network {

struct attention_weights {
    conv_projection_weights query;  ///< its linear part is multiplied by embed_dim ** -0.5, the softmax scale
    conv_projection_weights key, value;
    linear_weights output;
};

/// The options of a block, which differ for the last one, because little of its result is read.
struct block_request {
    std::ptrdiff_t rows = 0;                   ///< rows of x needed afterwards: all queries, or 1, the class token
    const norm_weights* norm_after = nullptr;  ///< norm1 of the next block; null for the last one
    float* cls_attention = nullptr;            ///< (heads, keys - 1): the class token's probabilities; null if not requested
};

inline attention_buffers plan_attention(detail::arena& memory, const stage_config& s, const stage_shape& shape,
                                        const kernels::gemm_kernels& gemm) noexcept {
    const auto heads = static_cast<std::uint64_t>(s.num_heads);
    const std::uint64_t key_bytes = gemm.packed_bytes(shape.key_count(), s.head_dim());
    const std::uint64_t value_bytes = gemm.packed_bytes(s.head_dim(), shape.key_count());
    return {.heads = take_rows(memory, shape.queries(), s.embed_dim),
            .keys = memory.take<std::byte>(heads * key_bytes),
            .values = memory.take<std::byte>(heads * value_bytes),
            .key_bytes = static_cast<std::size_t>(key_bytes),
            .value_bytes = static_cast<std::size_t>(value_bytes)};
}

/// k (keys, head_dim) of head `h`, the weights of q k^T.
inline kernels::packed_memory keys_of_head(const stage_pass& p, std::ptrdiff_t h) noexcept {
    std::byte* const data = p.buffers.keys + static_cast<std::size_t>(h) * p.buffers.key_bytes;
    return packed_at(p.ctx.kernels->f32, data, p.shape.key_count(), p.config.head_dim());
}
/// v^T (head_dim, keys) of head `h`, the weights of p v.
inline kernels::packed_memory values_of_head(const stage_pass& p, std::ptrdiff_t h) noexcept {
    std::byte* const data = p.buffers.values + static_cast<std::size_t>(h) * p.buffers.value_bytes;
    return packed_at(p.ctx.kernels->f32, data, p.config.head_dim(), p.shape.key_count());
}

/// Number of queries whose scores against all keys are held at a time: about 192 KiB, within the L2 cache.
inline std::ptrdiff_t score_rows(const stage_shape& shape, const kernels::gemm_kernels& gemm) noexcept {
    const std::ptrdiff_t strips = (std::ptrdiff_t{48} << 10) / shape.key_count() / gemm.mr;
    return std::clamp(strips * gemm.mr, gemm.mr, gemm.task_rows);
}

/// A tile's rows before and after the linear layer of a projection, in a worker's scratch memory.
struct projection_buffers {
    matrix<float> convolved, projected;
};
inline projection_buffers plan_projection(detail::arena& scratch, const stage_config& s, std::ptrdiff_t rows) noexcept {
    return {take_rows(scratch, rows, s.embed_dim), take_rows(scratch, rows, s.embed_dim)};
}

/// Scores of a tile of queries against all keys, and the inverse sums of their softmax, in a worker's scratch memory.
struct score_buffers {
    matrix<float> scores;
    float* inverse_sums;
};
inline score_buffers plan_scores(detail::arena& scratch, std::ptrdiff_t rows, std::ptrdiff_t keys) noexcept {
    return {take_matrix(scratch, rows, keys, keys), scratch.take<float>(static_cast<std::uint64_t>(rows))};
}

/// Takes the scratch memory that a worker needs.
inline void plan_attention_scratch(detail::arena& scratch, const stage_config& s, const stage_shape& shape,
                                   const kernels::gemm_kernels& gemm) noexcept {
    const std::uint64_t mark = scratch.mark();
    plan_projection(scratch, s, gemm.task_rows);
    scratch.rewind(mark);
    plan_scores(scratch, score_rows(shape, gemm), shape.key_count());
}

/// Computes rows `r` of q in the heads' buffer.
inline void project_queries(const stage_pass& p, const attention_weights& w, matrix<const float> y, row_range r,
                            detail::arena scratch) noexcept {
    const matrix<float> convolved = take_rows(scratch, r.count, p.config.embed_dim);
    // q = conv_q(y) W_q^T + b_q, times dim^-1/2
    linear(w.query.linear, convolve(p, w.query, query_geometry(p.config, p.shape), y, r, convolved),
           p.buffers.heads.rows_at(r.first, r.count));
}

/// Computes rows `r` of k or v, whichever `w` projects, in scratch memory.
inline matrix<const float> project_rows(const stage_pass& p, const conv_projection_weights& w, matrix<const float> y, row_range r,
                                        detail::arena scratch) noexcept {
    const projection_buffers b = plan_projection(scratch, p.config, r.count);
    linear(w.linear, convolve(p, w, key_geometry(p.config, p.shape), y, r, b.convolved), b.projected);
    return b.projected;
}

/// Computes rows `r` of k and packs them head by head.
inline void project_keys(const stage_pass& p, const attention_weights& w, matrix<const float> y, row_range r,
                         detail::arena scratch) noexcept {
    // k = conv_k(y) W_k^T + b_k
    const matrix<const float> k = project_rows(p, w.key, y, r, scratch);
    for (std::ptrdiff_t h = 0; h < p.config.num_heads; ++h) {
        const kernels::packed_memory to = keys_of_head(p, h).columns(r.first, r.count);
        p.ctx.kernels->f32.pack({.weights = k.data + h * p.config.head_dim(), .stride_n = k.stride, .stride_k = 1, .to = to});
    }
}

/// Computes rows `r` of v and packs them head by head.
inline void project_values(const stage_pass& p, const attention_weights& w, matrix<const float> y, row_range r,
                           detail::arena scratch) noexcept {
    // v = conv_v(y) W_v^T + b_v
    const matrix<const float> v = project_rows(p, w.value, y, r, scratch);
    for (std::ptrdiff_t h = 0; h < p.config.num_heads; ++h) {
        const kernels::packed_memory to = values_of_head(p, h).depths(r.first, r.count);
        p.ctx.kernels->f32.pack({.weights = v.data + h * p.config.head_dim(), .stride_n = 1, .stride_k = v.stride, .to = to});
    }
}

/// Computes q of the first `rows` queries and k and v of all keys from y (queries, dim). One parallel loop runs the tiles of all three.
inline void project(const stage_pass& p, const attention_weights& w, matrix<const float> y, std::ptrdiff_t rows) noexcept {
    const kernels::gemm_kernels& gemm = p.ctx.kernels->f32;
    const row_tiles keys = p.ctx.tiles(p.shape.key_count(), gemm.task_rows, 2, gemm.nr);
    const row_tiles queries = p.ctx.tiles(rows, gemm.task_rows);
    detail::parallel_for(p.ctx.host, 2 * keys.count + queries.count, [&](std::ptrdiff_t i, int worker) noexcept {
        const detail::arena scratch = p.ctx.scratch_of(worker);
        if (i >= 2 * keys.count)
            project_queries(p, w, y, queries[i - 2 * keys.count], scratch);
        else if (i % 2 == 0)
            project_keys(p, w, y, keys[i / 2], scratch);
        else
            project_values(p, w, y, keys[i / 2], scratch);
    });
}

/// Replaces each head's q by softmax(q k^T) v, for the first want.rows queries, by head and tile of queries.
inline void attend(const stage_pass& p, const block_request& want) noexcept {
    const std::ptrdiff_t head_dim = p.config.head_dim(), heads = p.config.num_heads, keys = p.shape.key_count();
    const row_tiles tiles = p.ctx.tiles(want.rows, score_rows(p.shape, p.ctx.kernels->f32), heads);
    detail::parallel_for(p.ctx.host, tiles.count * heads, [&](std::ptrdiff_t i, int worker) noexcept {
        const std::ptrdiff_t h = i / tiles.count;
        const row_range r = tiles[i % tiles.count];
        detail::arena scratch = p.ctx.scratch_of(worker);
        const score_buffers b = plan_scores(scratch, r.count, keys);
        const matrix<float> q = p.buffers.heads.rows_at(r.first, r.count).cols_at(h * head_dim, head_dim);

        // scores = q k^T
        multiply({.in = q, .w = keys_of_head(p, h), .out = b.scores});
        // e = exp(scores - max), s = 1 / sum(e): softmax = s e
        p.ctx.kernels->softmax(b.scores, b.inverse_sums);
        // cls_attention = s e, of the class token
        if (want.cls_attention != nullptr && r.first == 0)
            for (std::ptrdiff_t j = 1; j < keys; ++j) want.cls_attention[h * (keys - 1) + j - 1] = b.scores.data[j] * b.inverse_sums[0];
        // head = s (e v)
        multiply({.in = b.scores, .w = values_of_head(p, h), .out = q, .row_scale = b.inverse_sums});
    });
}

/// Writes the concatenated results of the heads to p.buffers.heads (first want.rows of queries, dim), from the normalised tokens y
/// (queries, dim). block() applies the output projection tile by tile.
inline void attention(const stage_pass& p, const attention_weights& w, const block_request& want, matrix<const float> y) noexcept {
    // q, k, v = projections of y
    project(p, w, y, want.rows);
    // heads = concat_h softmax(q_h k_h^T) v_h
    attend(p, want);
}

}  // namespace network
CVT_NAMESPACE_END
