// Helpers for the tests of single layers: generated weights packed for a kernel set, memory initialised to NaN, executors.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <cvt/kernels/select.hpp>
#include <cvt/network/pack.hpp>

#include "executors.hpp"
#include "formula.hpp"
#include "naive_model.hpp"
#include "worse.hpp"

namespace cvt_test {

inline std::size_t count(std::ptrdiff_t n) { return static_cast<std::size_t>(n); }

/// Returns exactly `n` floats, all NaN: reading an unwritten float makes the result NaN, and AddressSanitizer sees a read past the end.
inline std::vector<float> poisoned(std::size_t n) { return std::vector<float>(n, std::numeric_limits<float>::quiet_NaN()); }
inline std::vector<float> poisoned(std::ptrdiff_t n) { return poisoned(count(n)); }

/// Returns rows as they are between layers: row_stride apart, with NaN in the gaps.
inline std::vector<float> poisoned_rows(std::ptrdiff_t rows, std::ptrdiff_t dim) { return poisoned(rows * cvt::network::row_stride(dim)); }
inline std::vector<float> apart(const std::vector<float>& dense, std::ptrdiff_t dim) {
    const std::ptrdiff_t rows = static_cast<std::ptrdiff_t>(dense.size()) / dim, stride = cvt::network::row_stride(dim);
    std::vector<float> out = poisoned_rows(rows, dim);
    for (std::ptrdiff_t r = 0; r < rows; ++r) std::copy_n(&dense[count(r * dim)], dim, &out[count(r * stride)]);
    return out;
}

/// Undoes `apart` for the first `rows` rows.
inline std::vector<float> dense(const std::vector<float>& apart, std::ptrdiff_t dim, std::ptrdiff_t rows) {
    std::vector<float> out;
    for (std::ptrdiff_t r = 0; r < rows; ++r)
        out.insert(out.end(), &apart[count(r * cvt::network::row_stride(dim))], &apart[count(r * cvt::network::row_stride(dim))] + dim);
    return out;
}

/// Views the data as contiguous rows of `dim` floats; rows_apart as rows that are row_stride apart.
template <class Float>
cvt::matrix<Float> rows_of(Float* data, std::size_t floats, std::ptrdiff_t dim) {
    return {.data = data, .rows = static_cast<std::ptrdiff_t>(floats) / dim, .cols = dim, .stride = dim};
}
inline cvt::matrix<float> rows_of(std::vector<float>& v, std::ptrdiff_t dim) { return rows_of(v.data(), v.size(), dim); }
inline cvt::matrix<const float> rows_of(const std::vector<float>& v, std::ptrdiff_t dim) { return rows_of(v.data(), v.size(), dim); }
template <class Vector>
auto rows_apart(Vector& v, std::ptrdiff_t dim) {
    auto m = rows_of(v, cvt::network::row_stride(dim));
    m.cols = dim;
    return m;
}

inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

/// Returns max |a - e| / max(1, max |e|) over the first e.size() values; INFINITY if there are fewer.
inline double difference(std::span<const float> actual, std::span<const double> expected) {
    if (actual.size() < expected.size()) return INFINITY;
    double worst = 0, scale = 1;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const double d = std::abs(static_cast<double>(actual[i]) - expected[i]);
        worst = cvt_test::worse(worst, d);
        scale = std::max(scale, std::abs(expected[i]));
    }
    return worst / scale;
}
inline double difference(std::span<const float> actual, const naive::matrix& expected) { return difference(actual, expected.values); }

/// Returns a configuration of one stage without a head.
inline cvt::config one_stage(const cvt::stage_config& s, int channels = 3) {
    cvt::config c;
    c.num_channels = channels;
    c.num_classes = 0;
    c.num_stages = 1;
    c.stage[0] = s;
    return c;
}

/// Returns the shape of a stage with the token grid `tokens`.
inline cvt::model_shape::stage_shape shape_of_stage(const cvt::stage_config& s, cvt::grid tokens) {
    return {tokens,
            {static_cast<int>(cvt::detail::key_extent(s, tokens.height)), static_cast<int>(cvt::detail::key_extent(s, tokens.width))},
            s.cls_token ? 1 : 0};
}

inline formula_weights formula;  // the weights of every layer test

/// Returns the float64 model of `c`.
inline naive::model reference_of(const cvt::config& c) { return {c, &formula, &formula_weights::read}; }

/// Generated weights, folded and packed as in a model.
class packed_weights {
public:
    packed_weights(const cvt::config& c, const cvt::kernels::kernel_set& set,
                   const cvt::weight_source& source = {&formula, &formula_weights::read})
        : config_{c} {
        std::size_t depth = 0;
        for (const cvt::stage_config& s : c.stages()) depth += count(s.depth);
        blocks_.resize(depth);
        cvt::detail::arena measure;
        cvt::network::weight_layout{config_, set, cvt::precision::f32, measure}.run(blocks_.data());
        floats_ = poisoned(static_cast<std::size_t>(measure.peak()) / sizeof(float));
        cvt::detail::arena memory{reinterpret_cast<std::byte*>(floats_.data())};
        weights_ = cvt::network::weight_layout{config_, set, cvt::precision::f32, memory}.run(blocks_.data());
        filled_ = memory.peak();
        error_ = cvt::network::weight_packer{config_, cvt::precision::f32, source, warnings_}.run(weights_);
    }
    packed_weights(const packed_weights&) = delete;
    packed_weights& operator=(const packed_weights&) = delete;

    const cvt::network::model_weights* operator->() const { return &weights_; }
    const cvt::network::block_weights& block(std::size_t i = 0) const { return blocks_[i]; }
    /// Returns the number of bytes that the packer took.
    std::uint64_t filled() const { return filled_; }
    const cvt::warning_list& warnings() const { return warnings_; }
    const cvt::error& error() const { return error_; }

private:
    cvt::config config_;
    std::vector<float> floats_;
    std::vector<cvt::network::block_weights> blocks_;
    cvt::network::model_weights weights_;
    cvt::warning_list warnings_;
    cvt::error error_;
    std::uint64_t filled_ = 0;
};

/// The context of a layer, with exactly the scratch memory that the layer asks for.
class layer_context {
public:
    layer_context(const cvt::kernels::kernel_set& set, const cvt::executor& host, std::size_t scratch_size)
        : scratch_{poisoned(scratch_size / sizeof(float) * count(host.workers))},
          context_{&set, host, reinterpret_cast<std::byte*>(scratch_.data()), scratch_size} {}
    layer_context(const layer_context&) = delete;
    layer_context& operator=(const layer_context&) = delete;

    operator const cvt::network::context&() const { return context_; }

private:
    std::vector<float> scratch_;
    cvt::network::context context_;
};

/// Runs `compute`, a function (kernel set, executor) -> floats, on every kernel set. Checks that the result is within `bound` of
/// `expected` (see difference), and that other executors give the same bits.
template <class Compute>
void check_layer(const naive::matrix& expected, double bound, Compute compute) {
    for (const cvt::kernels::kernel_set* set : cvt::kernels::available()) {
        INFO("kernels " << set->name);
        const std::vector<float> alone = compute(*set, cvt::executor{});
        CHECK(difference(alone, expected) <= bound);
        CHECK(same_bits(alone, compute(*set, reversed(3))));
        CHECK(same_bits(alone, compute(*set, threaded(2))));
    }
}

}  // namespace cvt_test
