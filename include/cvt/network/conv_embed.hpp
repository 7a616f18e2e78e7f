// Conv token embedding: a strided convolution, as a matrix product over gathered patches, and a LayerNorm.
// The paper, section 3.1; official ConvEmbed.
#pragma once

#include "context.hpp"
#include "linear.hpp"

CVT_NAMESPACE_BEGIN
namespace network {

struct conv_embed_weights {
    linear_weights projection;  ///< k runs over (channel, y, x) of a patch in the first stage, (y, x, channel) in later ones
    norm_weights norm;
};

/// Input of a stage: `planes` planes (height, width, run) of floats.
struct embed_input {
    const float* data;
    int planes, run;
    grid size;
};
/// An image, channels first.
constexpr embed_input image_input(const float* data, int channels, grid size) noexcept { return {data, channels, 1, size}; }
/// The previous stage's token grid, channels last.
constexpr embed_input token_input(const float* data, int channels, grid size) noexcept { return {data, 1, channels, size}; }

/// Copies `count` floats. A row of a small patch is copied as two overlapping pieces, without a call of memcpy.
inline void copy_floats(float* to, const float* from, std::ptrdiff_t count) noexcept {
    constexpr std::ptrdiff_t piece = 4;
    if (count < piece || count > 2 * piece) {
        if (count > 0) std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(float));
        return;
    }
    float first[piece], last[piece];
    std::memcpy(first, from, sizeof first);
    std::memcpy(last, from + count - piece, sizeof last);
    std::memcpy(to, first, sizeof first);
    std::memcpy(to + count - piece, last, sizeof last);
}

/// Gathers the patch of the output token in this row and column of its grid, with zeros outside the input, in the order of
/// conv_embed_weights::projection.
inline void gather_patch(const embed_input& in, const stage_config& s, int row, int column, float* patch) noexcept {
    const int y0 = row * s.patch_stride - s.patch_padding, x0 = column * s.patch_stride - s.patch_padding;
    const int left = std::max(0, -x0), right = std::min(s.patch_size, in.size.width - x0);  // columns inside: [left, right)
    const std::ptrdiff_t run = in.run;
    for (std::ptrdiff_t c = 0; c < in.planes; ++c) {
        for (int ky = 0; ky < s.patch_size; ++ky, patch += s.patch_size * run) {
            const int y = y0 + ky;
            if (y < 0 || y >= in.size.height || left >= right) {
                std::memset(patch, 0, static_cast<std::size_t>(s.patch_size * run) * sizeof(float));
                continue;
            }
            const float* from = in.data + ((c * in.size.height + y) * in.size.width + x0 + left) * run;
            if (left > 0) std::memset(patch, 0, static_cast<std::size_t>(left * run) * sizeof(float));
            copy_floats(patch + left * run, from, (right - left) * run);
            if (right < s.patch_size)
                std::memset(patch + right * run, 0, static_cast<std::size_t>((s.patch_size - right) * run) * sizeof(float));
        }
    }
}

/// Takes a worker's scratch memory for the patches of a tile of tokens.
inline matrix<float> plan_patches(detail::arena& scratch, std::ptrdiff_t rows, std::ptrdiff_t patch_floats) noexcept {
    return take_matrix(scratch, rows, patch_floats, patch_floats);
}

/// x (tokens, dim) = LayerNorm(conv(in)).
inline void conv_embed(const stage_pass& p, const conv_embed_weights& w, const embed_input& in, matrix<float> x) noexcept {
    const int width = p.shape.tokens.width;
    p.ctx.for_each_tile(x.rows, [&](row_range r, int worker) noexcept {
        detail::arena scratch = p.ctx.scratch_of(worker);
        const matrix<float> patches = plan_patches(scratch, r.count, w.projection.w.k), tile = x.rows_at(r.first, r.count);
        for (std::ptrdiff_t i = 0; i < r.count; ++i) {
            const std::ptrdiff_t token = r.first + i;
            gather_patch(in, p.config, static_cast<int>(token / width), static_cast<int>(token % width), patches.row(i));
        }
        // x = patches W^T + b
        linear(w.projection, patches, tile);
        // x = norm(x)
        p.ctx.kernels->layer_norm(tile, w.norm, tile);
    });
}

}  // namespace network
CVT_NAMESPACE_END
