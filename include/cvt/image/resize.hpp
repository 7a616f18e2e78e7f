// Resampling of 8-bit planes, bit for bit as Pillow does it: the taps of one axis, and the two passes that apply them.
#pragma once

#include <cmath>
#include <numbers>

#include "../runtime/buffer.hpp"
#include "preprocessing.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

/// The result of one operation in double, rounded as IEEE 754 demands. The taps must not depend on the host's flags, but GCC
/// contracts a * b + c by default wherever there is FMA, and -ffast-math reorders sums. No pragma stops both on every compiler.
/// No optimiser may look through a volatile, though, and only the taps pay for it.
inline double exact(double operation) noexcept {
    volatile double rounded = operation;
    return rounded;
}

// The filters, each evaluated in the order of Pillow's Resample.c.

/// Support 1/2. Open on the left, so that a pixel between two outputs belongs to one of them.
inline double box(double x) noexcept { return x > -0.5 && x <= 0.5 ? 1.0 : 0.0; }

/// Support 1.
inline double bilinear(double x) noexcept {
    if (x < 0.0) x = -x;
    return x < 1.0 ? exact(1.0 - x) : 0.0;
}

inline double sinc(double x) noexcept {
    if (x == 0.0) return 1.0;
    x = exact(x * std::numbers::pi);
    return exact(exact(std::sin(x)) / x);
}

/// A sinc under a Hamming window, of support 1. The two constants are floats in Pillow.
inline double hamming(double x) noexcept {
    if (x < 0.0) x = -x;
    if (x == 0.0) return 1.0;
    if (x >= 1.0) return 0.0;
    const double cosine = exact(std::cos(exact(x * std::numbers::pi)));
    return exact(sinc(x) * exact(static_cast<double>(0.54F) + exact(static_cast<double>(0.46F) * cosine)));
}

/// The cubic convolution kernel with a = -1/2, of support 2 (Keys, 1981).
inline double bicubic(double x) noexcept {
    if (x < 0.0) x = -x;
    if (x < 1.0) return exact(exact(exact(exact(exact(1.5 * x) - 2.5) * x) * x) + 1.0);
    if (x < 2.0) return exact(exact(exact(exact(exact(exact(x - 5.0) * x) + 8.0) * x) - 4.0) * -0.5);
    return 0.0;
}

/// A sinc under the main lobe of a wider one, of support 3 (Duchon, 1979).
inline double lanczos(double x) noexcept { return -3.0 <= x && x < 3.0 ? exact(sinc(x) * sinc(exact(x / 3))) : 0.0; }

/// A filter: half the width over which it is not zero, and its value.
struct resize_filter {
    double support;
    double (*weight)(double x) noexcept;
};

/// Indexed by resampling, whose value plan_windows() has checked. `nearest` has no weights.
inline constexpr resize_filter resize_filters[]{{0.0, nullptr}, {3.0, lanczos}, {1.0, bilinear},
                                                {2.0, bicubic}, {0.5, box},     {1.0, hamming}};

/// The taps of a window of outputs along one axis, in fixed point with 22 fractional bits.
struct resize_taps {
    static constexpr int precision = 22;  ///< fractional bits of a tap
    static constexpr int group = 8;       ///< `count` is a multiple of it; the taps added for that are zero

    int count = 0;               ///< taps of each output
    int begin = 0, end = 0;      ///< range of inputs that the window reads
    bool identity = false;       ///< the sizes are equal and the pass is skipped: output i is input begin + i
    buffer<double> weights;      ///< of one output, before rounding
    buffer<std::int32_t> first;  ///< input under the first tap of each output
    // A tap is high * 65536 + low, because baseline x86 multiplies and adds 16-bit factors in vectors (pmaddwd).
    buffer<std::int16_t> low, high;

    [[nodiscard]] std::int32_t tap(int output, int t) const noexcept {
        const auto at = static_cast<std::size_t>(output) * static_cast<std::size_t>(count) + static_cast<std::size_t>(t);
        return high[at] * 65536 + low[at];
    }

    /// Computes the taps of outputs [out_begin, out_end) of an axis of `in` pixels that is resized to `out`, and no others.
    error plan(int in, std::int64_t out, std::int64_t out_begin, std::int64_t out_end, resampling how) noexcept {
        identity = in == out;
        if (identity) {
            begin = static_cast<int>(out_begin);
            end = static_cast<int>(out_end);
            count = 0;
            return {};
        }
        const double scale = exact(static_cast<double>(in) / static_cast<double>(out));
        if (how == resampling::nearest) return plan_nearest(in, scale, out_begin, out_end);
        const resize_filter& filter = resize_filters[static_cast<std::size_t>(how)];
        const double stretch = scale < 1.0 ? 1.0 : scale;  // the filter widens when shrinking: antialias
        const double support = exact(filter.support * stretch);
        const double inverse = exact(1.0 / stretch);
        const auto outputs = static_cast<std::size_t>(out_end - out_begin);
        const int max_taps = in < 2 * support + 2 ? in : static_cast<int>(2 * support + 2);
        if (error e = allocate(outputs, max_taps)) return e;
        begin = in;
        end = 0;
        for (std::size_t i = 0; i < outputs; ++i) {
            const double position = exact(static_cast<double>(out_begin + static_cast<std::int64_t>(i)) + 0.5);
            const double centre = exact(position * scale);
            int from = static_cast<int>(exact(exact(centre - support) + 0.5));
            int to = static_cast<int>(exact(exact(centre + support) + 0.5));
            if (from < 0) from = 0;
            if (to > in) to = in;
            if (to - from > count) to = from + count;
            if (from < begin) begin = from;
            if (to > end) end = to;
            first[i] = from;
            round_taps(i, to - from, centre, inverse, filter);
        }
        return {};
    }

private:
    error allocate(std::size_t outputs, int max_taps) noexcept {
        count = (max_taps + group - 1) / group * group;
        const std::uint64_t total = std::uint64_t{outputs} * static_cast<std::uint64_t>(count);
        if (!first.resize(outputs) || !low.resize(total) || !high.resize(total) || !weights.resize(static_cast<std::size_t>(count)))
            return error::out_of_memory("resize taps", outputs * sizeof(std::int32_t) + total * 2 * sizeof(std::int16_t));
        return {};
    }

    /// Stores one tap of 1 for each output. Pillow adds up the scale from the first output on, and the rounding errors of the sum decide
    /// between two pixels. This function does the same up to 2^24 outputs. Beyond them, at sizes that Pillow does not resize to, it
    /// multiplies.
    error plan_nearest(int in, double scale, std::int64_t out_begin, std::int64_t out_end) noexcept {
        constexpr std::int64_t max_sums = std::int64_t{1} << 24;
        const auto outputs = static_cast<std::size_t>(out_end - out_begin);
        if (error e = allocate(outputs, 1)) return e;
        const std::size_t total = outputs * static_cast<std::size_t>(count);
        std::memset(low.data(), 0, total * sizeof(std::int16_t));
        std::memset(high.data(), 0, total * sizeof(std::int16_t));
        double at = exact(scale * 0.5);
        if (out_begin > max_sums) {
            at = exact(exact(static_cast<double>(out_begin) + 0.5) * scale);
        } else {
            for (std::int64_t i = 0; i < out_begin; ++i) at = exact(at + scale);
        }
        begin = in;
        end = 0;
        for (std::size_t i = 0; i < outputs; ++i, at = exact(at + scale)) {
            const int from = at < in ? static_cast<int>(at) : in - 1;
            if (from < begin) begin = from;
            if (from + 1 > end) end = from + 1;
            first[i] = from;
            high[i * static_cast<std::size_t>(count)] = (1 << precision) / 65536;
        }
        return {};
    }

    void round_taps(std::size_t output, int used, double centre, double inverse, const resize_filter& filter) noexcept {
        double sum = 0.0;
        for (int t = 0; t < used; ++t) {
            const double distance = exact(exact(static_cast<double>(first[output] + t) - centre) + 0.5);
            const double w = filter.weight(exact(distance * inverse));
            weights[static_cast<std::size_t>(t)] = w;
            sum = exact(sum + w);
        }
        const std::size_t row = output * static_cast<std::size_t>(count);
        for (int t = 0; t < count; ++t) {
            std::int32_t fixed = 0;
            if (t < used) {
                double w = weights[static_cast<std::size_t>(t)];
                if (sum != 0.0) w = exact(w / sum);
                const double scaled = exact(w * static_cast<double>(1 << precision));
                fixed = static_cast<std::int32_t>(exact(scaled + (w < 0.0 ? -0.5 : 0.5)));
            }
            const auto lower = static_cast<std::int16_t>(static_cast<std::uint16_t>(fixed & 0xFFFF));
            low[row + static_cast<std::size_t>(t)] = lower;
            high[row + static_cast<std::size_t>(t)] = static_cast<std::int16_t>((fixed - lower) / 65536);
        }
    }
};

inline std::uint8_t clip8(std::int32_t fixed) noexcept {
    const std::int32_t v = fixed >> resize_taps::precision;
    return static_cast<std::uint8_t>(v < 0 ? 0 : v > 255 ? 255 : v);
}

/// Returns the low 32 bits of the sum of `count` inputs times their taps. `count` is a multiple of 8.
inline std::uint32_t tap_sum(const std::int16_t* in, const std::int16_t* low, const std::int16_t* high, int count) noexcept {
    std::uint32_t sum = 0;
    constexpr int chunk = 128;  // 128 * 255 * 32768 fits 32 bits
    for (int at = 0; at < count; at += chunk) {
        const int groups = (count - at < chunk ? count - at : chunk) / resize_taps::group;
        std::int32_t sum_low = 0, sum_high = 0;
        for (int t = at; t < at + groups * resize_taps::group; ++t) {
            sum_low += in[t] * low[t];
            sum_high += in[t] * high[t];
        }
        sum += static_cast<std::uint32_t>(sum_low) + (static_cast<std::uint32_t>(sum_high) << 16);
    }
    return sum;
}

/// Resizes one row. `in` begins with pixel taps.begin, and `taps.count` values past taps.end are readable.
inline void resize_row(const std::int16_t* in, const resize_taps& taps, int outputs, std::uint8_t* out) noexcept {
    const auto count = static_cast<std::size_t>(taps.count);
    for (int x = 0; x < outputs; ++x) {
        const auto i = static_cast<std::size_t>(x);
        const std::uint32_t sum =
            tap_sum(in + (taps.first[i] - taps.begin), taps.low.data() + i * count, taps.high.data() + i * count, taps.count);
        out[i] = clip8(static_cast<std::int32_t>(sum + (1U << (resize_taps::precision - 1))));
    }
}

/// Computes one output row from the rows of a plane, which begins with row taps.begin. `stride`, the bytes from one row to the next, is a
/// multiple of 16, and `sums` and `out` have that many elements. Columns past the image are computed too and have no meaning.
inline void resize_column(const std::uint8_t* rows, std::size_t stride, const resize_taps& taps, int output, std::int32_t* __restrict sums,
                          std::uint8_t* __restrict out) noexcept {
    const std::size_t groups = stride / 16;
    for (std::size_t x = 0; x < groups * 16; ++x) sums[x] = 1 << (resize_taps::precision - 1);
    for (int t = 0; t < taps.count; ++t) {
        const std::int32_t tap = taps.tap(output, t);
        if (tap == 0) continue;
        const std::uint8_t* __restrict row =
            rows + static_cast<std::size_t>(taps.first[static_cast<std::size_t>(output)] + t - taps.begin) * stride;
        for (std::size_t x = 0; x < groups * 16; ++x) sums[x] += row[x] * tap;
    }
    for (std::size_t x = 0; x < groups * 16; ++x) out[x] = clip8(sums[x]);
}

}  // namespace detail
CVT_NAMESPACE_END
