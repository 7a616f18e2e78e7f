// The rows of a fit, standardised and in blocks, and their products with other matrices.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cvt/kernels/kernel_set.hpp>
#include <cvt/runtime/buffer.hpp>
#include <vector>

#include "problem.hpp"
#include "standardisation.hpp"

CVT_NAMESPACE_BEGIN
namespace {

/// The rows of a fit, or those that it scores.
struct standardised_rows {
    const problem& p;
    const rows_list& rows;
    const standardisation& s;
    const kernels::kernel_set* set;  ///< of products in float32
};

/// Some rows of a fit, by their places in its list.
struct row_range {
    std::ptrdiff_t first, count;
};

constexpr std::ptrdiff_t block_rows = 512;  // rows of one product; sums over blocks are in double

/// Standardised rows in blocks, and their products with other matrices, each after its build function. float: packed once for the kernels.
/// double: by Eigen.
template <class T>
class design;

template <>
class design<double> {
public:
    error build_scores(const standardised_rows& from) {
        width_ = from.p.width();
        values_.resize(from.rows.size() * static_cast<std::size_t>(width_));
        double* to = values_.data();
        for (const std::ptrdiff_t i : from.rows)
            for (std::size_t d = 0; d < static_cast<std::size_t>(width_); ++d)
                *to++ = (static_cast<double>(from.p.row(i)[d]) - from.s.mean[d]) / from.s.scale[d];
        return {};
    }
    error build_combine(const standardised_rows&) { return {}; }  // the same values
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
    /// Packs the rows for scores(). Errors: out_of_memory.
    error build_scores(const standardised_rows& from) {
        return pack_blocks(from, from.set->f32.packed_bytes(block_rows, from.p.width()), across_, across_bytes_,
                           [this](const float* rows, std::ptrdiff_t count, std::byte* to) {
                               kernels_->pack({rows, width_, 1, kernels::packed_at(*kernels_, to, count, width_)});
                           });
    }
    /// Packs the rows for combine(). Errors: out_of_memory.
    error build_combine(const standardised_rows& from) {
        return pack_blocks(from, from.set->f32.packed_bytes(from.p.width(), block_rows), down_, down_bytes_,
                           [this](const float* rows, std::ptrdiff_t count, std::byte* to) {
                               kernels_->pack({rows, 1, width_, kernels::packed_at(*kernels_, to, width_, count)});
                           });
    }
    void scores(row_range r, matrix<const float> w, matrix<float> out) const {
        multiply(w, packed(across_.data() + offset(r, across_bytes_), r.count, width_), out);
    }
    void combine(row_range r, matrix<const float> w, matrix<float> out) const {
        multiply(w, packed(down_.data() + offset(r, down_bytes_), width_, r.count), out);
    }

private:
    /// Standardises the rows, a block at a time, and packs each block by pack(rows, their number, where to).
    error pack_blocks(const standardised_rows& from, std::uint64_t packed_bytes, detail::buffer<std::byte>& to, std::uint64_t& block_bytes,
                      auto&& pack) {
        kernels_ = &from.set->f32;
        width_ = from.p.width();
        block_bytes = (packed_bytes + 63) / 64 * 64;
        const auto count = static_cast<std::ptrdiff_t>(from.rows.size()), blocks = (count + block_rows - 1) / block_rows;
        detail::buffer<float> plain;
        if (!plain.resize(std::uint64_t{block_rows} * static_cast<std::uint64_t>(width_)) ||
            !to.resize(block_bytes * static_cast<std::uint64_t>(blocks)))
            return error::out_of_memory("train_head", from.rows.size() * static_cast<std::size_t>(width_) * sizeof(float));
        for (std::ptrdiff_t b = 0; b < blocks; ++b) {
            const std::ptrdiff_t in_block = std::min(block_rows, count - b * block_rows);
            float* value = plain.data();
            for (std::ptrdiff_t j = 0; j < in_block; ++j) {
                const float* const row = from.p.row(from.rows[static_cast<std::size_t>(b * block_rows + j)]);
                for (std::size_t d = 0; d < static_cast<std::size_t>(width_); ++d)
                    *value++ = static_cast<float>((static_cast<double>(row[d]) - from.s.mean[d]) / from.s.scale[d]);
            }
            pack(plain.data(), in_block, to.data() + place(b, block_bytes));
        }
        return {};
    }
    /// The place of a block. It fits an address, because pack_blocks() has the memory of all blocks.
    static std::size_t place(std::ptrdiff_t block, std::uint64_t bytes) {
        return static_cast<std::size_t>(bytes * static_cast<std::uint64_t>(block));
    }
    static std::size_t offset(row_range r, std::uint64_t bytes) { return place(r.first / block_rows, bytes); }
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
