// The Eigen kernel set: the portable floor, and the second implementation that tests compare with.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cmath>

#include "kernel_set.hpp"

CVT_NAMESPACE_BEGIN
namespace kernels::with_eigen {

using matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
// A result of so few rows is computed by the calling thread: for larger ones Eigen takes OpenMP's threads where a host is
// compiled with -fopenmp, and a session uses no threads but those it was given.
using few_rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor, 32, Eigen::Dynamic>;
using column_matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::ColMajor>;
using row_stride = Eigen::OuterStride<>;
using row = Eigen::Map<Eigen::Array<float, 1, Eigen::Dynamic>>;
using const_row = Eigen::Map<const Eigen::Array<float, 1, Eigen::Dynamic>>;

// Eigen keeps a product's blocking buffers on the stack up to 128 KiB and takes them from the heap beyond. These
// blocks stay below that limit, so that inference never allocates.
inline constexpr std::ptrdiff_t block_rows = 32, block_n = 96, block_k = 256;

inline std::size_t packed_size(std::ptrdiff_t n, std::ptrdiff_t k) noexcept {
    return static_cast<std::size_t>(n) * static_cast<std::size_t>(k);
}

inline void pack(const float* w, std::ptrdiff_t stride_n, std::ptrdiff_t stride_k, std::ptrdiff_t n, std::ptrdiff_t k, float* packed,
                 std::ptrdiff_t packed_k) noexcept {
    for (std::ptrdiff_t i = 0; i < n; ++i)
        for (std::ptrdiff_t j = 0; j < k; ++j) packed[i * packed_k + j] = w[i * stride_n + j * stride_k];
}

/// y = gelu(y) for one row.
inline void activate(row y, epilogue kind) noexcept {
    if (kind == epilogue::quick_gelu) {
        // exp overflows to infinity for very negative y, and y / infinity is the right limit, -0.
        y = y / (1.F + (y * -1.702F).exp());
    } else {
        y = y.unaryExpr([](float v) noexcept { return 0.5F * v * std::erfc(v * -0.70710678118654752F); });
    }
}

inline void linear(const linear_args& a) noexcept {
    const std::ptrdiff_t packed_k = a.packed_k == 0 ? a.k : a.packed_k;
    for (std::ptrdiff_t r = 0; r < a.rows; r += block_rows) {
        const std::ptrdiff_t rows = std::min(block_rows, a.rows - r);
        for (std::ptrdiff_t c = 0; c < a.n; c += block_n) {
            const std::ptrdiff_t n = std::min(block_n, a.n - c);
            Eigen::Map<few_rows, 0, row_stride> out{a.out + r * a.out_stride + c, rows, n, row_stride{a.out_stride}};
            if (a.then != epilogue::add) {
                if (a.bias == nullptr)
                    out.setZero();
                else
                    out.rowwise() = Eigen::Map<const Eigen::Matrix<float, 1, Eigen::Dynamic>>{a.bias + c, n};
            } else if (a.bias != nullptr) {
                out.rowwise() += Eigen::Map<const Eigen::Matrix<float, 1, Eigen::Dynamic>>{a.bias + c, n};
            }
            for (std::ptrdiff_t d = 0; d < a.k; d += block_k) {
                const std::ptrdiff_t k = std::min(block_k, a.k - d);
                const Eigen::Map<const matrix, 0, row_stride> in{a.in + r * a.in_stride + d, rows, k, row_stride{a.in_stride}};
                const Eigen::Map<const column_matrix, 0, row_stride> weights{a.weights + c * packed_k + d, k, n, row_stride{packed_k}};
                out.noalias() += in * weights;
            }
            if (a.row_scale != nullptr)
                for (std::ptrdiff_t i = 0; i < rows; ++i) out.row(i) *= a.row_scale[r + i];
            if (a.then == epilogue::quick_gelu || a.then == epilogue::erf_gelu)
                for (std::ptrdiff_t i = 0; i < rows; ++i) activate(row{a.out + (r + i) * a.out_stride + c, n}, a.then);
        }
    }
}

inline void softmax(float* x, std::ptrdiff_t stride, std::ptrdiff_t rows, std::ptrdiff_t columns, float* shares) noexcept {
    for (std::ptrdiff_t r = 0; r < rows; ++r) {
        row y{x + r * stride, columns};
        y = (y - y.maxCoeff()).exp();
        shares[r] = 1.F / y.sum();
    }
}

inline void layer_norm(const float* in, std::ptrdiff_t in_stride, std::ptrdiff_t rows, std::ptrdiff_t dim, const float* gain,
                       const float* bias, float* out, std::ptrdiff_t out_stride) noexcept {
    for (std::ptrdiff_t r = 0; r < rows; ++r) {
        const const_row x{in + r * in_stride, dim};
        row y{out + r * out_stride, dim};
        y = x - x.mean();
        y *= 1.F / std::sqrt(y.square().mean() + 1e-5F);
        if (gain != nullptr) y = y * const_row{gain, dim} + const_row{bias, dim};
    }
}

inline void depthwise(const depthwise_args& a) noexcept {
    const std::ptrdiff_t channels = a.channels;
    for (std::ptrdiff_t token = a.begin; token < a.end; ++token) {
        const int oy = static_cast<int>(token / a.out_width), ox = static_cast<int>(token % a.out_width);
        row out{a.out + (token - a.begin) * a.out_stride, channels};
        out = const_row{a.bias, channels};
        for (int ky = 0; ky < a.kernel; ++ky) {
            const int y = oy * a.stride - a.padding + ky;
            if (y < 0 || y >= a.height) continue;
            for (int kx = 0; kx < a.kernel; ++kx) {
                const int x = ox * a.stride - a.padding + kx;
                if (x < 0 || x >= a.width) continue;
                out += const_row{a.in + (static_cast<std::ptrdiff_t>(y) * a.width + x) * a.in_stride, channels} *
                       const_row{a.weights + (static_cast<std::ptrdiff_t>(ky) * a.kernel + kx) * channels, channels};
            }
        }
    }
}

inline constexpr kernel_set set{"eigen", block_rows, block_rows, block_rows, 1, packed_size, pack, linear, softmax, layer_norm, depthwise};

}  // namespace kernels::with_eigen
CVT_NAMESPACE_END
