// The forward pass: stages of conv token embedding and blocks, then the head. The paper, figure 2; official
// ConvolutionalVisionTransformer.
#pragma once

#include "head.hpp"
#include "stage.hpp"
#include "workspace.hpp"

CVT_NAMESPACE_BEGIN
namespace network {

/// Pointers into a model's packed weights.
struct model_weights {
    std::array<stage_weights, config::max_stages> stage;
    head_weights head;
};

/// Outputs of a forward pass over one input; a null output is not computed.
struct forward_outputs {
    float* logits = nullptr;                          ///< (num_classes)
    float* embedding = nullptr;                       ///< (dim of the last stage)
    std::array<float*, config::max_stages> stages{};  ///< (dim, height, width) of each stage
    float* cls_attention = nullptr;                   ///< (heads, keys - 1) of the last block

    /// Number of stages to run of `count`: up to the last one whose output was requested.
    [[nodiscard]] std::size_t stages_needed(std::size_t count) const noexcept {
        if (logits == nullptr && embedding == nullptr && cls_attention == nullptr)
            while (count > 0 && stages[count - 1] == nullptr) --count;
        return count;
    }
};

/// The arguments of a forward pass that are constant for inputs of one size.
struct forward_pass {
    const cvt::config& config;
    const model_weights& weights;
    const kernels::kernel_set& kernels;
    const executor& host;
    const model_shape& shape;
    const workspace& memory;
};

using forward_function = void(const forward_pass&, const float* image, const forward_outputs&) noexcept;

/// Transposes (tokens, channels) to (channels, tokens).
inline void transpose(matrix<const float> tokens, float* map) noexcept {
    for (std::ptrdiff_t c = 0; c < tokens.cols; ++c)
        for (std::ptrdiff_t t = 0; t < tokens.rows; ++t) map[c * tokens.rows + t] = tokens.row(t)[c];
}

/// Runs the network on `image` (channels, height, width), already normalised.
inline void forward(const forward_pass& p, const float* image, const forward_outputs& out) noexcept {
    const config& c = p.config;
    const context ctx{.kernels = &p.kernels,
                      .host = p.host,
                      .scratch = p.memory.scratch,
                      .scratch_size = static_cast<std::size_t>(p.memory.scratch_size)};
    const std::size_t stages = c.stages().size();
    embed_input in = image_input(image, c.num_channels, p.shape.input);
    matrix<float> x, y;
    for (std::size_t i = 0; i < out.stages_needed(stages); ++i) {
        const stage_shape& shape = p.shape.stage[i];
        const std::ptrdiff_t rows = shape.queries(), dim = c.stage[i].embed_dim;
        const bool reads_cls_only = i + 1 == stages && c.uses_cls_token();
        const stage_request want{.last_block_cls_only = reads_cls_only && out.stages[i] == nullptr,
                                 .cls_attention = reads_cls_only ? out.cls_attention : nullptr};
        x = {.data = p.memory.x[i % 2], .rows = rows, .cols = dim, .stride = dim};
        y = {.data = p.memory.y, .rows = rows, .cols = dim, .stride = row_stride(dim)};

        // x_i = stage_i(x_(i - 1))
        stage({.ctx = ctx, .config = c.stage[i], .shape = shape, .buffers = p.memory.attention[i], .activation = c.gelu},
              p.weights.stage[i], in, want, x, y);
        const matrix<float> tokens = x.rows_at(shape.cls, shape.tokens.tokens());
        if (out.stages[i] != nullptr) transpose(tokens, out.stages[i]);
        in = token_input(tokens.data, c.stage[i].embed_dim, shape.tokens);
    }
    if (out.logits == nullptr && out.embedding == nullptr) return;

    // embedding = norm(class token), or the mean of norm(x)
    const head_weights& w = p.weights.head;
    embedding(ctx, w, p.shape.last_stage().cls, x, y, p.memory.embedding);
    if (out.embedding != nullptr) std::memcpy(out.embedding, p.memory.embedding, static_cast<std::size_t>(x.cols) * sizeof(float));
    // logits = embedding W^T + b
    if (out.logits != nullptr) head(w, p.memory.embedding, out.logits);
}

}  // namespace network
CVT_NAMESPACE_END
