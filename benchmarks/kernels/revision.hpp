// The interface to the kernels of one revision: plain C types, which stay the same when a revision's own tables change.
#pragma once

#include <cstddef>

/// out (rows, n) = epilogue(in (rows, k) * W^T + bias).
struct revision_product {
    const float* in;
    std::ptrdiff_t in_stride, rows;
    const void* packed;
    const float* bias;
    std::ptrdiff_t n, k;
    float* out;
    std::ptrdiff_t out_stride;
    int epilogue;          ///< 0 none, 1 QuickGELU, 2 exact GELU, 3 add
    const void* prefetch;  ///< or null
};

struct revision_kernels {
    const char* name;
    std::size_t (*packed_bytes)(std::ptrdiff_t n, std::ptrdiff_t k);
    void (*pack)(const float* w, std::ptrdiff_t n, std::ptrdiff_t k, void* packed);
    void (*multiply)(const revision_product&);
    void (*softmax)(float* x, std::ptrdiff_t rows, std::ptrdiff_t columns, float* inverse_sums);
    void (*layer_norm)(const float* in, std::ptrdiff_t rows, std::ptrdiff_t dim, const float* gain_and_bias, float* out);
};
