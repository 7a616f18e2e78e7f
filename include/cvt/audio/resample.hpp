// resampler: changes the rate of a sound as torchaudio.transforms.Resample does with its default settings.
#pragma once

#include <cmath>
#include <numbers>
#include <span>

#include "../runtime/buffer.hpp"
#include "spectrogram.hpp"

CVT_NAMESPACE_BEGIN

/// Resamples with a windowed sinc: width 6, rolloff 0.99, Hann window. The filter has float32 coefficients, and its phases are float32
/// quotients, as in torchaudio; sums are in float32, one tap after the other. Equal rates leave the samples unchanged. After plan(), which
/// may be called again, the object is constant and allocates nothing.
/// @code{.cpp}
/// cvt::resampler resampler;
/// if (cvt::error e = resampler.plan(44100, 16000)) return report(e);
/// std::vector<float> out(static_cast<std::size_t>(resampler.output_size(static_cast<std::int64_t>(samples.size()))));
/// resampler.run(samples, 0, 0, out);
/// @endcode
class resampler {
public:
    /// The numbers of the first sample and of the one after the last.
    struct range {
        std::int64_t begin, end;
    };

    /// Computes the filter. Errors: invalid_argument (a rate outside 100 to 1,000,000), out_of_memory.
    error plan(int from, int to) noexcept {
        for (const int rate : {from, to})
            if (rate < detail::min_sound_rate || rate > detail::max_sound_rate)
                return error::format(errc::invalid_argument, "sample rate: expected %d to %d, found %d", detail::min_sound_rate,
                                     detail::max_sound_rate, rate);
        int divisor = from;
        for (int rest = to; rest != 0;) {  // Euclid's algorithm; std::gcd would be shared with units of other flags
            const int next = divisor % rest;
            divisor = rest;
            rest = next;
        }
        old_ = from / divisor;
        new_ = to / divisor;
        const double base = (old_ < new_ ? old_ : new_) * 0.99;
        if (old_ == new_) return {};
        // |t| < 6 for at most this many taps.
        const std::size_t max_taps = static_cast<std::size_t>(2 * half_width * old_ / base) + 3;
        if (!taps_.resize(static_cast<std::size_t>(new_)) || !weights_.resize(max_taps * static_cast<std::size_t>(new_)))
            return error::out_of_memory("resampling filter", max_taps * static_cast<std::size_t>(new_) * sizeof(float));
        std::uint32_t used = 0;
        for (int i = 0; i < new_; ++i) {
            // volatile: a true division with -ffast-math, too.
            volatile float numerator = static_cast<float>(i), denominator = static_cast<float>(new_);
            const double phase = -static_cast<double>(numerator / denominator);
            tap_range taps{0, 0, used};
            const double middle = -phase * old_, reach = half_width * old_ / base;
            for (auto k = static_cast<std::int64_t>(middle - reach) - 1; static_cast<double>(k) <= middle + reach + 1; ++k) {
                const double t = (phase + static_cast<double>(k) / old_) * base;
                if (!(t > -half_width && t < half_width)) continue;
                const double cosine = std::cos(t * std::numbers::pi / half_width / 2), angle = t * std::numbers::pi;
                const double sinc = angle == 0 ? 1 : std::sin(angle) / angle;
                if (taps.count == 0) taps.first = static_cast<std::int32_t>(k);
                ++taps.count;
                weights_[used++] = static_cast<float>(sinc * (cosine * cosine * (base / old_)));
            }
            taps_[static_cast<std::size_t>(i)] = taps;
        }
        return {};
    }

    /// Number of samples that `count` samples become: ceil(count * to / from).
    [[nodiscard]] std::int64_t output_size(std::int64_t count) const noexcept { return (count * new_ + old_ - 1) / old_; }

    /// A range of input samples that holds all on which the outputs [first, first + count) depend. It may reach beyond the sound.
    [[nodiscard]] range inputs_of(std::int64_t first, std::int64_t count) const noexcept {
        if (old_ == new_) return {first, first + count};
        const std::int64_t last = first + count - 1;
        return {first / new_ * old_ - reach(), last / new_ * old_ + old_ + reach()};
    }

    /// Computes the outputs from number `first` on. `in`: the samples of the sound from number `begin` on; all others count as 0, so that a
    /// long sound can be resampled in parts.
    void run(std::span<const float> in, std::int64_t begin, std::int64_t first, std::span<float> out) const noexcept {
        const std::int64_t count = static_cast<std::int64_t>(out.size());
        if (old_ == new_) {
            for (std::int64_t i = 0; i < count; ++i) out[static_cast<std::size_t>(i)] = sample(in, first + i - begin);
            return;
        }
        for (std::int64_t i = 0; i < new_ && i < count; ++i) {
            const std::int64_t number = first + i;
            const tap_range& taps = taps_[static_cast<std::size_t>(number % new_)];
            const float* weights = weights_.data() + taps.first_weight;
            std::int64_t at = number / new_ * old_ + taps.first - begin;
            for (std::int64_t to = i; to < count;) {
                float* y = out.data() + to;
                const bool four = at >= 0 && at + 3 * old_ + taps.count <= static_cast<std::int64_t>(in.size()) && to + 3 * new_ < count;
                if (four)
                    sum_four(weights, taps.count, in.data() + at, old_, y, new_);
                else
                    *y = sum_one(weights, taps.count, in, at);
                to += (four ? 4 : 1) * new_;
                at += (four ? 4 : 1) * old_;
            }
        }
    }

private:
    static constexpr int half_width = 6;
    struct tap_range {
        std::int32_t first;  ///< of the first tap, relative to the input sample number / new_ * old_
        std::uint32_t count, first_weight;
    };
    [[nodiscard]] std::int64_t reach() const noexcept {
        return static_cast<std::int64_t>(half_width / 0.99 * old_ / (old_ < new_ ? old_ : new_)) + 1;
    }
    static float sample(std::span<const float> in, std::int64_t at) noexcept {
        return at < 0 || at >= static_cast<std::int64_t>(in.size()) ? 0.F : in[static_cast<std::size_t>(at)];
    }
    static float sum_one(const float* weights, std::uint32_t count, std::span<const float> in, std::int64_t at) noexcept {
        float sum = 0;
        for (std::uint32_t k = 0; k < count; ++k) sum += weights[k] * sample(in, at + k);
        return sum;
    }
    /// Four outputs at a time, because each addition waits for the one before it.
    static void sum_four(const float* weights, std::uint32_t count, const float* x, std::ptrdiff_t stride, float* y,
                         std::ptrdiff_t y_stride) noexcept {
        float a = 0, b = 0, c = 0, d = 0;
        for (std::uint32_t k = 0; k < count; ++k) {
            const float w = weights[k], *at = x + k;
            a += w * at[0];
            b += w * at[stride];
            c += w * at[2 * stride];
            d += w * at[3 * stride];
        }
        y[0] = a;
        y[y_stride] = b;
        y[2 * y_stride] = c;
        y[3 * y_stride] = d;
    }

    int old_ = 1, new_ = 1;  ///< the rates without their common divisor
    detail::buffer<tap_range> taps_;
    detail::buffer<float> weights_;
};

CVT_NAMESPACE_END
