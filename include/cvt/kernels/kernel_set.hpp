// kernel_set: the table of kernels that layers call, one for each instruction set.
#pragma once

#include "../quantize.hpp"  // for simd/gemm_s8.inl
#include "packed_matrix.hpp"

CVT_NAMESPACE_BEGIN
namespace kernels {

/// LayerNorm's gamma and beta: (dim) each, or both null.
struct affine {
    const float* gain = nullptr;
    const float* bias = nullptr;
};

/// A window over a token grid, channels last: tokens [begin, begin + out.rows) of the output grid.
struct depthwise_args {
    matrix<const float> in;  ///< (height * width, channels)
    int height, width;
    const float* weights;  ///< (kernel, kernel, channels), batch norm folded in
    const float* bias;     ///< (channels)
    int kernel, stride, padding;
    matrix<float> out;  ///< (tokens, channels)
    int out_width;
    std::ptrdiff_t begin;
};

/// The kernels of an instruction set, which know only matrices and sizes. A set is chosen when a model is loaded, because the weights
/// are packed for it.
struct kernel_set {
    const char* name;
    bool (*supported)();  ///< whether this CPU can run the set
    gemm_kernels f32;
    gemm_kernels s8;  ///< int8 weights; quantises its inputs itself
    /// Softmax of each row without its last step: x = e^(x - max), inverse_sums (rows) = 1 / sum. The next product, which has
    /// fewer elements, multiplies its result by the inverse sums.
    void (*softmax)(matrix<float> x, float* inverse_sums);
    /// LayerNorm of each row, eps 1e-5. `out` may be `in`.
    void (*layer_norm)(matrix<const float> in, affine w, matrix<float> out);
    void (*depthwise)(const depthwise_args&);
};

/// Returns `base` with other int8 products, for CPUs that have special instructions for them.
constexpr kernel_set with_byte_products(kernel_set base, const char* name, bool (*supported)(), const gemm_kernels& s8) noexcept {
    base.name = name;
    base.supported = supported;
    base.s8 = s8;
    return base;
}

}  // namespace kernels
CVT_NAMESPACE_END
