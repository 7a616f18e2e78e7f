// Symmetric int8 quantisation of weights: a scale for each output channel, and a byte for each weight.
#pragma once

#include <span>

#include "error.hpp"
#include "float_bits.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

/// Returns the scale of a channel: its largest magnitude divided by 127. 0 for a channel of zeros or of values too small for a scale.
inline float weight_scale(const float* weights, std::ptrdiff_t stride, std::ptrdiff_t count) noexcept {
    float largest = 0;
    for (std::ptrdiff_t i = 0; i < count; ++i) {
        const float v = weights[i * stride], magnitude = v < 0 ? -v : v;
        if (magnitude > largest) largest = magnitude;
    }
    return largest < 1e-35F ? 0.F : largest / 127.F;
}

/// Returns `w` / `scale`, rounded to the nearest integer from -127 to 127, ties to even.
inline int weight_byte(float w, float scale) noexcept {
    const float q = scale == 0.F ? 0.F : w / scale;
    return static_cast<int>(__builtin_rintf(q < -127.F ? -127.F : q > 127.F ? 127.F : q));
}

inline std::size_t count_not_finite(std::span<const float> values) noexcept {
    std::size_t count = 0;
    for (const float& v : values) count += is_finite(v) ? 0U : 1U;
    return count;
}

/// Errors: unsupported (weights that are NaN or infinite).
inline error refuse_not_finite(const char* name, std::span<const float> weights) noexcept {
    const std::size_t bad = count_not_finite(weights);
    if (bad == 0) return {};
    return error::format(errc::unsupported, "%s: int8: expected finite weights, found %zu of %zu that are NaN or infinite", name, bad,
                         weights.size());
}

/// Errors: unsupported (weights that are NaN or infinite, or so large that products with their scales can overflow to a finite, wrong
/// value).
inline error check_finite(const char* name, std::span<const float> weights) noexcept {
    bool finite = true;
    float largest = 0;
    for (const float& w : weights) {
        finite = finite && is_finite(w);
        if (__builtin_fabsf(w) > __builtin_fabsf(largest)) largest = w;
    }
    if (!finite) return refuse_not_finite(name, weights);
    if (__builtin_fabsf(largest) > 1e30F)
        return error::format(errc::unsupported, "%s: int8: expected weights from -1e30 to 1e30, found %g", name,
                             static_cast<double>(largest));
    return {};
}

}  // namespace detail
CVT_NAMESPACE_END
