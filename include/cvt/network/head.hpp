// From the last stage's tokens to the embedding and the logits. Official ConvolutionalVisionTransformer.forward.
#pragma once

#include <cstring>

#include "../config.hpp"
#include "context.hpp"

CVT_NAMESPACE_BEGIN
namespace layers {

struct head_weights {
    bool has_norm = true;
    norm_weights norm;
    linear_weights linear;  ///< n = 0: no head
};

/// embedding (dim) = norm(class token), or without a class token the mean of norm(every token). x: (cls + tokens, dim);
/// y, as large, is overwritten.
inline void embedding(const context& run, const head_weights& w, const model_shape::stage_shape& shape, std::ptrdiff_t dim, const float* x,
                      float* y, float* out) noexcept {
    const std::ptrdiff_t rows = shape.cls != 0 ? 1 : shape.queries();
    if (w.has_norm) {
        run.kernels->layer_norm(x, dim, rows, dim, w.norm.gain, w.norm.bias, y, dim);
        x = y;
    }
    if (rows == 1) {
        std::memcpy(out, x, static_cast<std::size_t>(dim) * sizeof(float));
        return;
    }
    for (std::ptrdiff_t c = 0; c < dim; ++c) {
        double sum = 0;  // in double: a mean over thousands of tokens
        for (std::ptrdiff_t r = 0; r < rows; ++r) sum += static_cast<double>(x[r * dim + c]);
        out[c] = static_cast<float>(sum / static_cast<double>(rows));
    }
}

/// logits (classes) = head(embedding).
inline void head(const context& run, const head_weights& w, const float* embedding, float* logits) noexcept {
    run.linear(w.linear, embedding, w.linear.k, 1, logits, w.linear.n);
}

}  // namespace layers
CVT_NAMESPACE_END
