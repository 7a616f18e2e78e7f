// Folds batch norms, the affine part of a norm, scales and the order of patches into weights at load, in double and rounded once.
#pragma once

#include <cmath>
#include <cstring>

#include "../tensor.hpp"

CVT_NAMESPACE_BEGIN
namespace network {

/// Tensors of a batch norm, (dim) each; eps is 1e-5.
struct batch_norm {
    const float *weight, *bias, *mean, *var;
};

/// BatchNorm(conv(x)) = conv'(x) + shift. conv (dim, area) becomes folded (area, dim), channels last, times the batch norm's scale.
inline void fold_batch_norm(matrix<const float> conv, const batch_norm& bn, float* folded, float* shift) noexcept {
    const std::ptrdiff_t dim = conv.rows;
    for (std::ptrdiff_t ch = 0; ch < dim; ++ch) {
        const double scale = static_cast<double>(bn.weight[ch]) / std::sqrt(static_cast<double>(bn.var[ch]) + 1e-5);
        for (std::ptrdiff_t at = 0; at < conv.cols; ++at)
            folded[at * dim + ch] = static_cast<float>(static_cast<double>(conv.row(ch)[at]) * scale);
        shift[ch] = static_cast<float>(static_cast<double>(bn.bias[ch]) - static_cast<double>(bn.mean[ch]) * scale);
    }
}

/// Folds the affine part of a norm into the next layer: W (x * gain + beta) + b = (W * gain) x + (W beta + b).
inline void fold_affine(matrix<float> w, const float* gain, const float* beta, float* bias) noexcept {
    for (std::ptrdiff_t i = 0; i < w.rows; ++i) {
        float* const row = w.row(i);
        double shift = 0;
        for (std::ptrdiff_t j = 0; j < w.cols; ++j) {
            const double v = static_cast<double>(row[j]);
            shift += v * static_cast<double>(beta[j]);
            row[j] = static_cast<float>(v * static_cast<double>(gain[j]));
        }
        bias[i] = static_cast<float>(static_cast<double>(bias[i]) + shift);
    }
}

/// w *= scale.
inline void fold_scale(float* w, std::size_t count, double scale) noexcept {
    for (std::size_t i = 0; i < count; ++i) w[i] = static_cast<float>(static_cast<double>(w[i]) * scale);
}

/// Reorders each row of w, a patch (channels, area), to (area, channels), the order in which patches of tokens are gathered. `row`: a
/// buffer for one row.
inline void fold_patch_order(matrix<float> w, std::ptrdiff_t channels, float* row) noexcept {
    const std::ptrdiff_t area = w.cols / channels;
    for (std::ptrdiff_t o = 0; o < w.rows; ++o) {
        float* const patch = w.row(o);
        for (std::ptrdiff_t ch = 0; ch < channels; ++ch)
            for (std::ptrdiff_t at = 0; at < area; ++at) row[at * channels + ch] = patch[ch * area + at];
        std::memcpy(patch, row, static_cast<std::size_t>(w.cols) * sizeof(float));
    }
}

}  // namespace network
CVT_NAMESPACE_END
