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
    std::ptrdiff_t packed_k = 0;       ///< depth the weights were packed with, where only k of it is multiplied; 0: k
    const float* next = nullptr;       ///< packed weights to be multiplied after these, or null: fetched in time
    const float* row_scale = nullptr;  ///< (rows): factors of the result, where `then` is none; or null
};

/// A depth-wise convolution over a token grid, channels last: tokens [begin, end) of the output grid.
struct depthwise_args {
    const float* in;       ///< (height, width, channels), tokens in_stride floats apart
    const float* weights;  ///< (kernel, kernel, channels), batch norm folded in
    const float* bias;     ///< (channels)
    float* out;            ///< (end - begin, channels), out_stride apart
    std::ptrdiff_t in_stride, out_stride;
    int height, width, channels, out_width, kernel, stride, padding;
    std::ptrdiff_t begin, end;
};

/// The hot loops. Kernels know pointers, sizes and strides only; a table is chosen when a model is loaded, because its
/// weights are packed for it.
struct kernel_set {
    const char* name;
    std::ptrdiff_t tile_rows;   ///< rows a task of a matrix product takes at most; a multiple of strip_rows
    std::ptrdiff_t strip_rows;  ///< rows that are multiplied together: cuts at multiples of it waste nothing
    std::ptrdiff_t cut_rows;    ///< a product may be cut into rows at multiples of this without changing a bit of any row
    std::ptrdiff_t panel;       ///< columns that packed weights hold together
    /// Floats that packed weights of shape (n, k) take.
    std::size_t (*packed_size)(std::ptrdiff_t n, std::ptrdiff_t k);
    /// Packs W, whose element (i, j) is at w[i * stride_n + j * stride_k]. Weights may be packed piece by piece: columns
    /// from `first`, a multiple of panel, at packed + first * packed_k; depths from `first` at packed + first * panel;
    /// packed_k is the depth of the whole.
    void (*pack)(const float* w, std::ptrdiff_t stride_n, std::ptrdiff_t stride_k, std::ptrdiff_t n, std::ptrdiff_t k, float* packed,
                 std::ptrdiff_t packed_k);
    void (*linear)(const linear_args&);
    /// Softmax of each row without its last step: x = e^(x - max), shares (rows) = 1 / sum. Rows of `columns` floats,
    /// `stride` apart. What is linear in the probabilities is scaled by the share afterwards, where there is less of it.
    void (*softmax)(float* x, std::ptrdiff_t stride, std::ptrdiff_t rows, std::ptrdiff_t columns, float* shares);
    /// LayerNorm of each row, eps 1e-5; gain and bias may both be null. `out` may be `in`.
    void (*layer_norm)(const float* in, std::ptrdiff_t in_stride, std::ptrdiff_t rows, std::ptrdiff_t dim, const float* gain,
                       const float* bias, float* out, std::ptrdiff_t out_stride);
    void (*depthwise)(const depthwise_args&);
};

}  // namespace kernels
CVT_NAMESPACE_END
