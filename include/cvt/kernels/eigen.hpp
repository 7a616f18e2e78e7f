// The Eigen kernel set: the portable fallback, and the second implementation that tests compare with.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cmath>

#include "scalar.hpp"

CVT_NAMESPACE_BEGIN
namespace kernels::with_eigen {

using row_matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
// Results have at most 32 rows, so that the calling thread computes them. For larger ones Eigen would use OpenMP's threads in
// a host compiled with -fopenmp, but a session may only use the threads that it was given.
using few_rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor, 32, Eigen::Dynamic>;
using column_matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::ColMajor>;
using row_stride = Eigen::OuterStride<>;
using row = Eigen::Map<Eigen::Array<float, 1, Eigen::Dynamic>>;
using const_row = Eigen::Map<const Eigen::Array<float, 1, Eigen::Dynamic>>;

// Eigen keeps the blocking buffers of a product on the stack up to 128 KiB and on the heap above that. These blocks stay
// below the limit, so that inference never allocates.
inline constexpr std::ptrdiff_t mc = 32, nc = 96, kc = 256;

inline std::uint64_t packed_bytes(std::ptrdiff_t n, std::ptrdiff_t k) noexcept {
    return static_cast<std::uint64_t>(n) * static_cast<std::uint64_t>(k) * sizeof(float);
}
inline std::size_t column_offset(std::ptrdiff_t first, std::ptrdiff_t packed_k) noexcept {
    return static_cast<std::size_t>(first * packed_k) * sizeof(float);
}
inline std::size_t depth_offset(std::ptrdiff_t first) noexcept { return static_cast<std::size_t>(first) * sizeof(float); }

inline void pack(const pack_args& a) noexcept {
    float* packed = static_cast<float*>(static_cast<void*>(a.to.data));
    for (std::ptrdiff_t i = 0; i < a.to.n; ++i)
        for (std::ptrdiff_t j = 0; j < a.to.k; ++j) packed[i * a.to.packed_k + j] = a.weights[i * a.stride_n + j * a.stride_k];
}

/// What one row of a product is added to: y + bias for epilogue::add, otherwise the bias; without a bias y or 0.
inline void start(row y, epilogue kind, const float* bias) noexcept {
    if (kind == epilogue::add) {
        if (bias != nullptr) y += const_row{bias, y.size()};
    } else if (bias != nullptr) {
        y = const_row{bias, y.size()};
    } else {
        std::fill_n(y.data(), y.size(), 0.F);
    }
}

/// y = gelu(y) for one row.
inline void activate(row y, epilogue kind) noexcept {
    if (kind == epilogue::quick_gelu) {
        // exp overflows to infinity for very negative y, and y / infinity is the right limit, -0.
        y /= (y * -1.702F).exp() + 1.F;
    } else {
        for (float& v : y) v = 0.5F * v * std::erfc(v * -0.70710678118654752F);
    }
}

inline void multiply(const gemm_args& a) noexcept {
    const float* packed = static_cast<const float*>(static_cast<const void*>(a.w.data));
    for (std::ptrdiff_t r = 0; r < a.in.rows; r += mc) {
        const std::ptrdiff_t rows = std::min(mc, a.in.rows - r);
        for (std::ptrdiff_t c = 0; c < a.w.n; c += nc) {
            const std::ptrdiff_t n = std::min(nc, a.w.n - c);
            for (std::ptrdiff_t i = 0; i < rows; ++i)
                start(row{a.out.row(r + i) + c, n}, a.epilogue, a.bias == nullptr ? nullptr : a.bias + c);
            Eigen::Map<few_rows, 0, row_stride> out{a.out.row(r) + c, rows, n, row_stride{a.out.stride}};
            for (std::ptrdiff_t d = 0; d < a.w.k; d += kc) {
                const std::ptrdiff_t k = std::min(kc, a.w.k - d);
                const Eigen::Map<const row_matrix, 0, row_stride> in{a.in.row(r) + d, rows, k, row_stride{a.in.stride}};
                const Eigen::Map<const column_matrix, 0, row_stride> weights{packed + c * a.w.packed_k + d, k, n, row_stride{a.w.packed_k}};
                out.noalias() += in * weights;
            }
            if (a.row_scale != nullptr)
                for (std::ptrdiff_t i = 0; i < rows; ++i) row{a.out.row(r + i) + c, n} *= a.row_scale[r + i];
            if (a.epilogue == epilogue::quick_gelu || a.epilogue == epilogue::erf_gelu)
                for (std::ptrdiff_t i = 0; i < rows; ++i) activate(row{a.out.row(r + i) + c, n}, a.epilogue);
        }
    }
}

inline void softmax(matrix<float> x, float* inverse_sums) noexcept {
    for (std::ptrdiff_t r = 0; r < x.rows; ++r) {
        row y{x.row(r), x.cols};
        y -= y.maxCoeff();
        y = y.exp();
        inverse_sums[r] = 1.F / y.sum();
    }
}

inline void layer_norm(matrix<const float> in, affine w, matrix<float> out) noexcept {
    for (std::ptrdiff_t r = 0; r < in.rows; ++r) {
        const const_row x{in.row(r), in.cols};
        row y{out.row(r), in.cols};
        y = x - x.mean();
        y *= 1.F / std::sqrt(y.square().mean() + 1e-5F);
        if (w.gain != nullptr) y = y * const_row{w.gain, in.cols} + const_row{w.bias, in.cols};
    }
}

inline void depthwise(const depthwise_args& a) noexcept {
    const std::ptrdiff_t channels = a.in.cols;
    for (std::ptrdiff_t i = 0; i < a.out.rows; ++i) {
        const int oy = static_cast<int>((a.begin + i) / a.out_width), ox = static_cast<int>((a.begin + i) % a.out_width);
        row out{a.out.row(i), channels};
        out = const_row{a.bias, channels};
        for (int ky = 0; ky < a.kernel; ++ky) {
            const int y = oy * a.stride - a.padding + ky;
            if (y < 0 || y >= a.height) continue;
            for (int kx = 0; kx < a.kernel; ++kx) {
                const int x = ox * a.stride - a.padding + kx;
                if (x < 0 || x >= a.width) continue;
                out += const_row{a.in.row(static_cast<std::ptrdiff_t>(y) * a.width + x), channels} *
                       const_row{a.weights + (static_cast<std::ptrdiff_t>(ky) * a.kernel + kx) * channels, channels};
            }
        }
    }
}

inline bool supported() noexcept { return true; }

inline constexpr kernel_set set{.name = "eigen",
                                .supported = supported,
                                .f32 = {.mr = mc,
                                        .nr = 1,
                                        .split_rows = mc,
                                        .task_rows = mc,
                                        .packed_bytes = packed_bytes,
                                        .pack = pack,
                                        .multiply = multiply,
                                        .column_offset = column_offset,
                                        .depth_offset = depth_offset},
                                .s8 = scalar::s8::gemm,
                                .softmax = softmax,
                                .layer_norm = layer_norm,
                                .depthwise = depthwise};

}  // namespace kernels::with_eigen
CVT_NAMESPACE_END
