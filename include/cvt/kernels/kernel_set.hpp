// kernel_set: the table of hot loops that layers call through, one table for each instruction set.
#pragma once

#include <cstddef>

#include "../version.hpp"

CVT_NAMESPACE_BEGIN
namespace kernels {

/// What happens to a product before it is stored.
enum class epilogue : unsigned char { none, quick_gelu, erf_gelu, add };  // add: out += product + bias

/// out(rows, n) = epilogue(in(rows, k) * W^T + bias): torch.nn.Linear. Strides in floats from row to row.
struct linear_args {
    const float* in;
    std::ptrdiff_t in_stride, rows;
    const float* weights;  ///< (n, k) as `pack` left it
    const float* bias;     ///< (n), or null
    std::ptrdiff_t n, k;
    float* out;
    std::ptrdiff_t out_stride;
    epilogue then;
};

/// A depth-wise convolution over a token grid, channels last: rows [row_begin, row_end) of the output grid.
struct depthwise_args {
    const float* in;       ///< (height, width, channels)
    const float* weights;  ///< (kernel, kernel, channels), batch norm folded in
    const float* bias;     ///< (channels)
    float* out;            ///< (out_height, out_width, channels)
    int height, width, channels, out_width, kernel, stride, padding, row_begin, row_end;
};

/// The hot loops. Kernels know pointers, sizes and strides only; a table is chosen when a model is loaded, because its
/// weights are packed for it.
struct kernel_set {
    const char* name;
    std::ptrdiff_t tile_rows;  ///< rows a task of a matrix product takes
    /// Floats that packed weights of shape (n, k) take.
    std::size_t (*packed_size)(std::ptrdiff_t n, std::ptrdiff_t k);
    /// Packs W, whose element (i, j) is at w[i * stride_n + j * stride_k].
    void (*pack)(const float* w, std::ptrdiff_t stride_n, std::ptrdiff_t stride_k, std::ptrdiff_t n, std::ptrdiff_t k, float* packed);
    void (*linear)(const linear_args&);
    /// Softmax of each row, in place. Rows of `columns` floats, `stride` apart.
    void (*softmax)(float* x, std::ptrdiff_t stride, std::ptrdiff_t rows, std::ptrdiff_t columns);
    /// LayerNorm of each row, eps 1e-5; gain and bias may both be null. `out` may be `in`.
    void (*layer_norm)(const float* in, std::ptrdiff_t rows, std::ptrdiff_t dim, const float* gain, const float* bias, float* out);
    void (*depthwise)(const depthwise_args&);
};

}  // namespace kernels
CVT_NAMESPACE_END
