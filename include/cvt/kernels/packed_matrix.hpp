// packed_matrix: weights in the order in which the kernels read them; gemm_kernels: the table that packs and multiplies them.
#pragma once

#include <cstdint>

#include "../tensor.hpp"

CVT_NAMESPACE_BEGIN
namespace kernels {

struct pack_args;
struct gemm_args;

/// C (m, n) = A (m, k) * B (n, k)^T for one element type of B, with the names of BLIS. Layers split rows by mr, split_rows and task_rows
/// of their kernel set's f32, so the split_rows of the set's other tables must divide f32's. An MLP computes 384 hidden channels at a
/// time: layers cut weights of any type at multiples of 384, so nr must divide 384.
struct gemm_kernels {
    std::ptrdiff_t mr, nr;      ///< rows and columns of the register tile
    std::ptrdiff_t split_rows;  ///< a product may be split into rows at multiples of this without changing a bit of any row
    std::ptrdiff_t task_rows;   ///< maximum number of rows of a task, a multiple of mr
    std::uint64_t (*packed_bytes)(std::ptrdiff_t n, std::ptrdiff_t k);
    void (*pack)(const pack_args&);
    void (*multiply)(const gemm_args&);
    /// Bytes from the start of a matrix packed with depth packed_k to column `first`, a multiple of nr, and to depth `first`.
    std::size_t (*column_offset)(std::ptrdiff_t first, std::ptrdiff_t packed_k);
    std::size_t (*depth_offset)(std::ptrdiff_t first);
    /// Replaces each row of an input by its bytes, for the products that read it. Rows are at least 16 bytes apart. Null if `multiply`
    /// reads float32.
    void (*quantize)(matrix<float> in) = nullptr;
};

/// W (n, k), packed. Only `kernels` knows the element type and the order of the bytes; layers cut W by columns() and depths().
template <class Byte>
struct packed {
    const gemm_kernels* kernels = nullptr;
    Byte* data = nullptr;
    std::ptrdiff_t n = 0, k = 0;
    std::ptrdiff_t packed_k = 0;  ///< depth of the whole matrix of which this is a part

    /// Rows [first, first + count) of W, which are columns of the product; `first` is a multiple of nr.
    [[nodiscard]] packed columns(std::ptrdiff_t first, std::ptrdiff_t count) const noexcept {
        return {kernels, data + kernels->column_offset(first, packed_k), count, k, packed_k};
    }
    /// Columns [first, first + count) of W, which are a part of the product's depth.
    [[nodiscard]] packed depths(std::ptrdiff_t first, std::ptrdiff_t count) const noexcept {
        return {kernels, data + kernels->depth_offset(first), n, count, packed_k};
    }
    operator packed<const std::byte>() const noexcept requires(!std::is_const_v<Byte>) { return {kernels, data, n, k, packed_k}; }
};
using packed_matrix = packed<const std::byte>;
using packed_memory = packed<std::byte>;  ///< written by `pack`

/// What a product does to its result before it stores it.
enum class epilogue : unsigned char { none, quick_gelu, erf_gelu, add };  // add: out += product + bias

/// out (rows, n) = epilogue(in (rows, k) * W^T + bias): torch.nn.Linear.
struct gemm_args {
    matrix<const float> in;       ///< (rows, k)
    packed_matrix w;              ///< (n, k)
    const float* bias = nullptr;  ///< (n), or null
    matrix<float> out;            ///< (rows, n)
    kernels::epilogue epilogue = kernels::epilogue::none;
    const float* row_scale = nullptr;     ///< (rows) factors of the result, only if the epilogue is `none`; or null
    const std::byte* prefetch = nullptr;  ///< packed weights of the next product, prefetched while this one runs; null for none
    /// The rows of `in` are float32, or if true, what w.kernels->quantize() replaced them by: for each depth block of the kernels, bytes
    /// and then the terms that turn them back into numbers.
    bool quantized = false;
};

/// W (n, k) in float32, element (i, j) at weights[i * stride_n + j * stride_k], and its destination. W may be packed in parts, each into
/// columns() or depths() of the whole.
struct pack_args {
    const float* weights;
    std::ptrdiff_t stride_n, stride_k;
    packed_memory to;
};

/// A whole matrix (n, k) at `data`, which has packed_bytes(n, k) bytes.
inline packed_memory packed_at(const gemm_kernels& kernels, std::byte* data, std::ptrdiff_t n, std::ptrdiff_t k) noexcept {
    return {.kernels = &kernels, .data = data, .n = n, .k = k, .packed_k = k};
}

}  // namespace kernels
CVT_NAMESPACE_END
