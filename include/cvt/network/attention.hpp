// Multi-head attention over convolutional projections, by blocks of query rows: no tokens x tokens matrix exists.
// The paper, section 3.2; official Attention.
#pragma once

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
    float* q = nullptr;                  ///< (queries, dim), rows row_stride apart; a head's queries give way to its results
    float* packed_k = nullptr;           ///< a head's keys packed as the weights of q * k^T, head after head
    float* packed_v = nullptr;           ///< values as the weights of p * v, likewise
    std::size_t k_size = 0, v_size = 0;  ///< floats a head
};

inline attention_buffers plan_attention(detail::arena& a, const stage_config& s, const model_shape::stage_shape& shape,
                                        const kernels::kernel_set& kernels) noexcept {
    const auto heads = static_cast<std::size_t>(s.num_heads);
    attention_buffers b;
    b.q = a.take(static_cast<std::size_t>(shape.queries()) * static_cast<std::size_t>(row_stride(s.embed_dim)));
    b.k_size = kernels.packed_size(shape.key_count(), s.head_dim());
    b.v_size = kernels.packed_size(s.head_dim(), shape.key_count());
    b.packed_k = a.take(heads * b.k_size);
    b.packed_v = a.take(heads * b.v_size);
    return b;
}

/// Queries whose scores against all keys are held at a time: about 192 KiB of them, within the second cache.
inline std::ptrdiff_t score_rows(const model_shape::stage_shape& shape, const kernels::kernel_set& kernels) noexcept {
    const std::ptrdiff_t strips = (std::ptrdiff_t{48} << 10) / shape.key_count() / kernels.strip_rows;
    return std::clamp(strips * kernels.strip_rows, kernels.strip_rows, kernels.tile_rows);
}

/// Scratch floats a worker needs.
inline void attention_scratch(detail::arena& a, const stage_config& s, const model_shape::stage_shape& shape,
                              const kernels::kernel_set& kernels) noexcept {
    const std::size_t mark = a.mark(), tile = static_cast<std::size_t>(kernels.tile_rows * row_stride(s.embed_dim));
    a.take(tile);
    a.take(tile);
    a.rewind(mark);
    const auto rows = static_cast<std::size_t>(score_rows(shape, kernels));
    a.take(rows * static_cast<std::size_t>(shape.key_count()));
    a.take(rows);
}

/// A tile of keys or values: project, then pack each head's part as the weights of a product.
inline void keys_or_values(const context& run, const stage_config& s, const attention_weights& w, bool keys, const float* in,
                           const model_shape::stage_shape& shape, const attention_buffers& b, std::ptrdiff_t first, std::ptrdiff_t rows,
                           detail::arena scratch) noexcept {
    const std::ptrdiff_t row = row_stride(s.embed_dim), head_dim = s.head_dim();
    float* convolved = scratch.take(static_cast<std::size_t>(rows * row));
    float* projected = scratch.take(static_cast<std::size_t>(rows * row));
    project_rows(run, s, keys ? w.key : w.value, false, in, shape, first, rows, convolved, projected);
    for (std::ptrdiff_t h = 0; h < s.num_heads; ++h) {
        const float* head = projected + h * head_dim;
        if (keys)
            run.kernels->pack(head, row, 1, rows, head_dim, b.packed_k + static_cast<std::size_t>(h) * b.k_size + first * head_dim,
                              head_dim);
        else
            run.kernels->pack(head, 1, row, head_dim, rows,
                              b.packed_v + static_cast<std::size_t>(h) * b.v_size + first * run.kernels->panel, shape.key_count());
    }
}

/// q (first `rows` rows), packed_k and packed_v of y (queries, dim).
inline void queries_keys_values(const context& run, const stage_config& s, const attention_weights& w,
                                const model_shape::stage_shape& shape, const attention_buffers& b, const float* y,
                                std::ptrdiff_t rows) noexcept {
    const kernels::kernel_set& k = *run.kernels;
    const row_tiles keys = run.tiles(shape.key_count(), k.tile_rows, 2, k.panel);
    const row_tiles queries = run.tiles(rows, k.tile_rows);
    detail::parallel_for(run.host, 2 * keys.count + queries.count, [&](std::ptrdiff_t i, int worker) noexcept {
        detail::arena scratch = run.scratch_of(worker);
        if (i < 2 * keys.count) {
            const std::ptrdiff_t first = keys.first(i / 2), count = keys.first(i / 2 + 1) - first;
            return keys_or_values(run, s, w, i % 2 == 0, y, shape, b, first, count, scratch);
        }
        i -= 2 * keys.count;
        const std::ptrdiff_t first = queries.first(i), count = queries.first(i + 1) - first;
        float* convolved = scratch.take(static_cast<std::size_t>(count * row_stride(s.embed_dim)));
        project_rows(run, s, w.query, true, y, shape, first, count, convolved, b.q + first * row_stride(s.embed_dim));
    });
}

/// q = softmax(q k^T) v for the first `rows` queries, a head and a tile of queries at a time.
inline void attend(const context& run, const stage_config& s, const model_shape::stage_shape& shape, const attention_buffers& b,
                   std::ptrdiff_t rows, float* cls_attention) noexcept {
    const std::ptrdiff_t row = row_stride(s.embed_dim), head_dim = s.head_dim(), keys = shape.key_count();
    const row_tiles tiles = run.tiles(rows, score_rows(shape, *run.kernels), s.num_heads);
    detail::parallel_for(run.host, tiles.count * s.num_heads, [&](std::ptrdiff_t i, int worker) noexcept {
        const std::ptrdiff_t h = i / tiles.count, first = tiles.first(i % tiles.count), count = tiles.first(i % tiles.count + 1) - first;
        detail::arena scratch = run.scratch_of(worker);
        float* scores = scratch.take(static_cast<std::size_t>(count * keys));
        float* shares = scratch.take(static_cast<std::size_t>(count));
        float* q = b.q + first * row + h * head_dim;
        run.kernels->linear({q, row, count, b.packed_k + static_cast<std::size_t>(h) * b.k_size, nullptr, keys, head_dim, scores, keys,
                             kernels::epilogue::none});
        run.kernels->softmax(scores, keys, count, keys, shares);
        if (cls_attention != nullptr && first == 0)
            for (std::ptrdiff_t j = 1; j < keys; ++j) cls_attention[h * (keys - 1) + j - 1] = scores[j] * shares[0];
        run.kernels->linear({scores, keys, count, b.packed_v + static_cast<std::size_t>(h) * b.v_size, nullptr, head_dim, keys, q, row,
                             kernels::epilogue::none, 0, nullptr, shares});
    });
}

/// b.q (first `rows` of queries, dim) = the heads' results, next to each other, for y (queries, dim), the normalised
/// tokens, rows row_stride apart. `rows` is 1 where only the class token is read afterwards.
/// cls_attention: (heads, keys - 1), the class token's probabilities, or null.
inline void attention(const context& run, const stage_config& s, const attention_weights& w, const model_shape::stage_shape& shape,
                      const attention_buffers& b, const float* y, std::ptrdiff_t rows, float* cls_attention) noexcept {
    queries_keys_values(run, s, w, shape, b, y, rows);
    attend(run, s, shape, b, rows, cls_attention);
}

/// x (rows, dim) += the output projection of rows [first, first + rows) of b.q.
inline void attention_output(const context& run, const stage_config& s, const attention_weights& w, const attention_buffers& b,
                             std::ptrdiff_t first, std::ptrdiff_t rows, float* x) noexcept {
    const std::ptrdiff_t row = row_stride(s.embed_dim);
    run.linear(w.output, b.q + first * row, row, rows, x, s.embed_dim, kernels::epilogue::add);
}

}  // namespace layers
CVT_NAMESPACE_END
