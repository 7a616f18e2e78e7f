// Turns logits into probabilities and into the k most likely classes.
#pragma once

#include <array>
#include <cmath>
#include <span>

#include "float_bits.hpp"
#include "scoring.hpp"

CVT_NAMESPACE_BEGIN

/// A class and its probability, or the score that takes its place (scoring).
/// @code{.cpp}
/// std::vector<cvt::ranked> best(5);
/// best.resize(cvt::top_k(logits, best));  // fewer than 5 if there are fewer logits
/// for (cvt::ranked r : best) std::printf("%5.1f %%  %s\n", 100 * r.probability, model.label(r.index));
/// @endcode
struct ranked {
    int index = 0;
    float probability = 0;
};

namespace detail {
/// Shift and sum of a softmax: one probability is exp(logit - shift) / sum. NaN adds nothing to the sum; infinite logits
/// share all of it.
struct softmax_sum {
    double shift = 0, sum = 0;
    bool infinite = false;

    explicit softmax_sum(std::span<const float> logits) noexcept {
        bool any = false;
        for (const float v : logits) {
            infinite = infinite || (is_infinite(v) && !std::signbit(v));
            if (!is_finite(v)) continue;
            if (!any || static_cast<double>(v) > shift) shift = static_cast<double>(v);
            any = true;
        }
        for (const float v : logits) sum += weight(v);
    }
    [[nodiscard]] double weight(float v) const noexcept {
        if (is_nan(v)) return 0;
        if (is_infinite(v)) return std::signbit(v) ? 0 : 1;
        return infinite ? 0 : std::exp(static_cast<double>(v) - shift);
    }
    [[nodiscard]] float probability(float v) const noexcept { return sum > 0 ? static_cast<float>(weight(v) / sum) : 0.F; }
};
/// 1 / (1 + exp(-logit)) in double; NaN gives 0.
inline float sigmoid(float logit) noexcept {
    if (is_nan(logit)) return 0;
    if (is_infinite(logit)) return std::signbit(logit) ? 0.F : 1.F;
    return static_cast<float>(1 / (1 + std::exp(-static_cast<double>(logit))));
}
}  // namespace detail

/// Computes probabilities[i] = exp(logits[i]) / sum, in double and shifted so that nothing overflows. The shorter span decides how many;
/// both may be the same memory. NaN gets 0; infinite logits share everything; if all are NaN or -infinity, all get 0.
inline void softmax(std::span<const float> logits, std::span<float> probabilities) noexcept {
    const detail::softmax_sum total{logits};
    for (std::size_t i = 0; i < logits.size() && i < probabilities.size(); ++i) probabilities[i] = total.probability(logits[i]);
}

/// Fills `out` with the most likely classes of one image, best first, ties by index; returns how many: the smaller of out.size()
/// and logits.size(). NaN logits come last, with probability 0. `how`: model_info::scores of the model.
inline std::size_t top_k(std::span<const float> logits, std::span<ranked> out, scoring how = scoring::softmax) noexcept {
    const auto before = [&](int a, int b) noexcept {
        const float x = logits[static_cast<std::size_t>(a)], y = logits[static_cast<std::size_t>(b)];
        const bool x_nan = detail::is_nan(x), y_nan = detail::is_nan(y);
        if (x_nan != y_nan) return y_nan;
        if (!x_nan && x != y) return x > y;
        return a < b;
    };
    std::size_t count = 0;
    for (std::size_t i = 0; i < logits.size() && !out.empty(); ++i) {
        const int index = static_cast<int>(i);
        std::size_t at = count < out.size() ? count++ : out.size();
        if (at == out.size() && !before(index, out[--at].index)) continue;
        for (; at > 0 && before(index, out[at - 1].index); --at) out[at] = out[at - 1];
        out[at].index = index;
    }
    const detail::softmax_sum total{logits};
    for (std::size_t i = 0; i < count; ++i) {
        const float logit = logits[static_cast<std::size_t>(out[i].index)];
        out[i].probability = how == scoring::softmax ? total.probability(logit) : how == scoring::sigmoid ? detail::sigmoid(logit) : logit;
    }
    return count;
}

/// Result of top_k<K>: a range of up to K classes.
/// @code{.cpp}
/// cvt::ranking<5> best = cvt::top_k<5>(logits);
/// if (best.size() > 0 && best[0].probability < 0.5F) std::puts("the model is not sure");
/// for (cvt::ranked r : best) std::puts(model.label(r.index));
/// @endcode
template <std::size_t K>
class ranking {
public:
    explicit ranking(std::span<const float> logits, scoring how = scoring::softmax) noexcept : size_{top_k(logits, classes_, how)} {}
    [[nodiscard]] const ranked* begin() const noexcept { return classes_.data(); }
    [[nodiscard]] const ranked* end() const noexcept { return classes_.data() + size_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    const ranked& operator[](std::size_t i) const noexcept { return classes_[i]; }

private:
    std::array<ranked, K> classes_{};
    std::size_t size_;
};

/// Returns the K most likely classes, best first: `for (cvt::ranked r : cvt::top_k<5>(logits))`.
template <std::size_t K>
[[nodiscard]] ranking<K> top_k(std::span<const float> logits, scoring how = scoring::softmax) noexcept {
    return ranking<K>{logits, how};
}

CVT_NAMESPACE_END
