// The rows of a fit, standardised and in blocks, and their products with other matrices.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cvt/kernels/sets.hpp>
#include <cvt/runtime/buffer.hpp>
#include <vector>

#include "problem.hpp"
#include "standardisation.hpp"

CVT_NAMESPACE_BEGIN
namespace {

/// Some rows of a fit, by their places in its list.
struct row_range {
    std::ptrdiff_t first, count;
};

constexpr std::ptrdiff_t block_rows = 512;  // rows of one product; sums over blocks are in double

/// Standardised rows in blocks, and their products with other matrices. float: packed once for the kernels. double: by Eigen.
template <class T>
class design;

template <>
class design<double> {
public:
    bool build(const problem& p, const standardisation& s, const rows_list& rows, bool, const kernels::kernel_set*) {
        width_ = p.width();
        values_.resize(rows.size() * static_cast<std::size_t>(width_));
        double* to = values_.data();
        for (const std::ptrdiff_t i : rows)
            for (std::size_t d = 0; d < static_cast<std::size_t>(width_); ++d)
                *to++ = (static_cast<double>(p.row(i)[d]) - s.mean[d]) / s.scale[d];
        return true;
    }
    /// out (k, r.count) = w (k, width) * rows^T.
    void scores(row_range r, matrix<const double> w, matrix<double> out) const { mapped(out).noalias() = mapped(w) * block(r).transpose(); }
    /// out (k, width) = w (k, r.count) * rows.
    void combine(row_range r, matrix<const double> w, matrix<double> out) const { mapped(out).noalias() = mapped(w) * block(r); }

private:
    using dense = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

    static Eigen::Map<dense, 0, Eigen::OuterStride<>> mapped(matrix<double> m) {
        return {m.data, m.rows, m.cols, Eigen::OuterStride<>{m.stride}};
    }
    static Eigen::Map<const dense, 0, Eigen::OuterStride<>> mapped(matrix<const double> m) {
        return {m.data, m.rows, m.cols, Eigen::OuterStride<>{m.stride}};
    }
    [[nodiscard]] Eigen::Map<const dense> block(row_range r) const { return {values_.data() + r.first * width_, r.count, width_}; }

    std::ptrdiff_t width_ = 0;
    std::vector<double> values_;
};

template <>
class design<float> {
public:
    /// `both`: for combine() too, which needs the rows a second time, transposed. False when memory runs out.
    bool build(const problem& p, const standardisation& s, const rows_list& rows, bool both, const kernels::kernel_set* set) {
        kernels_ = &set->f32;
        width_ = p.width();
        const auto count = static_cast<std::ptrdiff_t>(rows.size()), blocks = (count + block_rows - 1) / block_rows;
        across_bytes_ = aligned(kernels_->packed_bytes(block_rows, width_));
        down_bytes_ = aligned(kernels_->packed_bytes(width_, block_rows));
        detail::buffer<float> plain;
        if (!plain.resize(std::uint64_t{block_rows} * static_cast<std::uint64_t>(width_)) ||
            !across_.resize(across_bytes_ * static_cast<std::uint64_t>(blocks)) ||
            (both && !down_.resize(down_bytes_ * static_cast<std::uint64_t>(blocks))))
            return false;
        for (std::ptrdiff_t b = 0; b < blocks; ++b) {
            const std::ptrdiff_t in_block = std::min(block_rows, count - b * block_rows);
            float* to = plain.data();
            for (std::ptrdiff_t j = 0; j < in_block; ++j) {
                const float* const from = p.row(rows[static_cast<std::size_t>(b * block_rows + j)]);
                for (std::size_t d = 0; d < static_cast<std::size_t>(width_); ++d)
                    *to++ = static_cast<float>((static_cast<double>(from[d]) - s.mean[d]) / s.scale[d]);
            }
            kernels_->pack({plain.data(), width_, 1, kernels::packed_at(*kernels_, across(b), in_block, width_)});
            if (both) kernels_->pack({plain.data(), 1, width_, kernels::packed_at(*kernels_, down(b), width_, in_block)});
        }
        return true;
    }
    void scores(row_range r, matrix<const float> w, matrix<float> out) const {
        multiply(w, packed(across_.data() + offset(r, across_bytes_), r.count, width_), out);
    }
    void combine(row_range r, matrix<const float> w, matrix<float> out) const {
        multiply(w, packed(down_.data() + offset(r, down_bytes_), width_, r.count), out);
    }

private:
    static std::uint64_t aligned(std::uint64_t bytes) { return (bytes + 63) / 64 * 64; }
    /// The place of a block. It fits an address, because build() has the memory of all blocks.
    static std::size_t place(std::ptrdiff_t block, std::uint64_t bytes) {
        return static_cast<std::size_t>(bytes * static_cast<std::uint64_t>(block));
    }
    static std::size_t offset(row_range r, std::uint64_t bytes) { return place(r.first / block_rows, bytes); }
    std::byte* across(std::ptrdiff_t b) { return across_.data() + place(b, across_bytes_); }
    std::byte* down(std::ptrdiff_t b) { return down_.data() + place(b, down_bytes_); }
    [[nodiscard]] kernels::packed_matrix packed(const std::byte* data, std::ptrdiff_t n, std::ptrdiff_t k) const {
        return {.kernels = kernels_, .data = data, .n = n, .k = k, .packed_k = k};
    }
    void multiply(matrix<const float> in, kernels::packed_matrix w, matrix<float> out) const {
        kernels_->multiply({.in = in, .w = w, .out = out});
    }

    const kernels::gemm_kernels* kernels_ = nullptr;
    std::ptrdiff_t width_ = 0;
    std::uint64_t across_bytes_ = 0, down_bytes_ = 0;  // of one block
    detail::buffer<std::byte> across_, down_;          // (rows, width) and (width, rows) of each block
};

}  // namespace
CVT_NAMESPACE_END
