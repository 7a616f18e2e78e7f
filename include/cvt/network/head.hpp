// The embedding and the logits from the tokens of the last stage. Official ConvolutionalVisionTransformer.forward.
#pragma once

#include "context.hpp"
#include "linear.hpp"

CVT_NAMESPACE_BEGIN
namespace network {

struct head_weights {
    bool has_norm = true;
    norm_weights norm;
    linear_weights linear;  ///< n = 0: no head
};

/// embedding (dim) = norm(class token), or without a class token the mean of norm(token) over all tokens. x: (cls + tokens, dim);
/// y, of the same size, is overwritten; cls: 1 with a class token, else 0.
inline void embedding(const context& ctx, const head_weights& w, int cls, matrix<const float> x, matrix<float> y, float* out) noexcept {
    if (cls != 0) x.rows = y.rows = 1;
    if (w.has_norm) {
        // y = norm(x)
        ctx.kernels->layer_norm(x, w.norm, y);
        x = y;
    }
    if (x.rows == 1) {
        std::memcpy(out, x.data, static_cast<std::size_t>(x.cols) * sizeof(float));
        return;
    }
    for (std::ptrdiff_t c = 0; c < x.cols; ++c) {
        double sum = 0;  // in double, because it is over thousands of tokens
        for (std::ptrdiff_t r = 0; r < x.rows; ++r) sum += static_cast<double>(x.row(r)[c]);
        out[c] = static_cast<float>(sum / static_cast<double>(x.rows));
    }
}

/// logits (classes) = embedding W^T + b.
inline void head(const head_weights& w, const float* embedding, float* logits) noexcept {
    const std::ptrdiff_t n = w.linear.w.n, k = w.linear.w.k;
    linear(w.linear, {.data = embedding, .rows = 1, .cols = k, .stride = k}, {.data = logits, .rows = 1, .cols = n, .stride = n});
}

}  // namespace network
CVT_NAMESPACE_END
