// Convolutional token embedding: a strided convolution as a matrix product over gathered patches, then LayerNorm.
// The paper, section 3.1; official ConvEmbed.
#pragma once

#include <cstring>

#include "../config.hpp"
#include "context.hpp"

CVT_NAMESPACE_BEGIN
namespace layers {

struct conv_embed_weights {
    linear_weights projection;  ///< k runs over (channel, y, x) of a patch in the first stage, (y, x, channel) after it
    norm_weights norm;
};

/// What a stage embeds: the image, channels first, or the previous stage's token grid, channels last.
struct embed_input {
    const float* data;
    int channels;
    grid size;
    bool channels_first;
};

/// Copies `count` floats; a row of a small patch is copied as two pieces that overlap, without a call.
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

/// Patch of output token (oy, ox), zero outside the input, in the order of conv_embed_weights::projection.
inline void gather_patch(const embed_input& in, const stage_config& s, int oy, int ox, float* patch) noexcept {
    const int y0 = oy * s.patch_stride - s.patch_padding, x0 = ox * s.patch_stride - s.patch_padding;
    const int left = std::max(0, -x0), right = std::min(s.patch_size, in.size.width - x0);  // columns inside: [left, right)
    const std::ptrdiff_t run = in.channels_first ? 1 : in.channels;                         // floats a column
    const std::ptrdiff_t rows = in.channels_first ? in.channels : 1;
    for (std::ptrdiff_t c = 0; c < rows; ++c) {
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

/// Scratch floats a worker needs.
inline void conv_embed_scratch(detail::arena& a, const stage_config& s, int channels, const kernels::kernel_set& k) noexcept {
    a.take(static_cast<std::size_t>(k.tile_rows) * static_cast<std::size_t>(channels) * static_cast<std::size_t>(s.patch_size) *
           static_cast<std::size_t>(s.patch_size));
}

/// out (tokens, embed_dim) = LayerNorm(conv(in)).
inline void conv_embed(const context& run, const stage_config& s, const conv_embed_weights& w, const embed_input& in, grid tokens,
                       float* out) noexcept {
    const std::ptrdiff_t dim = s.embed_dim, patch_floats = w.projection.k;
    run.for_each_tile(tokens.tokens(), [&](std::ptrdiff_t first, std::ptrdiff_t rows, int worker) noexcept {
        float* patches = run.scratch_of(worker).take(static_cast<std::size_t>(run.kernels->tile_rows * patch_floats));
        for (std::ptrdiff_t r = 0; r < rows; ++r) {
            const std::ptrdiff_t token = first + r;
            gather_patch(in, s, static_cast<int>(token / tokens.width), static_cast<int>(token % tokens.width), patches + r * patch_floats);
        }
        float* tile = out + first * dim;
        run.linear(w.projection, patches, patch_floats, rows, tile, dim);
        run.kernels->layer_norm(tile, dim, rows, dim, w.norm.gain, w.norm.bias, tile, dim);
    });
}

}  // namespace layers
CVT_NAMESPACE_END
