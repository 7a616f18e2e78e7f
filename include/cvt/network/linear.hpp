// The linear layer: a product with packed weights on the calling worker. torch.nn.Linear.
#pragma once

#include "../kernels/kernel_set.hpp"

CVT_NAMESPACE_BEGIN
namespace network {

/// LayerNorm's gamma and beta; null if they are folded into the next layer.
using norm_weights = kernels::affine;

/// W (n, k), packed, and b (n) or null.
struct linear_weights {
    kernels::packed_matrix w;
    const float* bias = nullptr;
};

/// Multiplies by the kernels that packed the weights, for any element type.
inline void multiply(const kernels::gemm_args& a) noexcept { a.w.kernels->multiply(a); }

/// out (rows, n) = epilogue(in (rows, k) * W^T + b).
inline void linear(const linear_weights& w, matrix<const float> in, matrix<float> out,
                   kernels::epilogue epilogue = kernels::epilogue::none) noexcept {
    multiply({.in = in, .w = w.w, .bias = w.bias, .out = out, .epilogue = epilogue});
}

}  // namespace network
CVT_NAMESPACE_END
