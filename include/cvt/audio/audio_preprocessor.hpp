// audio_preprocessor: makes inputs of sounds: padding, Fourier transforms, mel bands, decibels, normalisation.
#pragma once

#include <cfloat>
#include <cmath>
#include <numbers>
#include <span>

#include "../float_bits.hpp"
#include "../tensor.hpp"
#include "fft.hpp"
#include "mel.hpp"

CVT_NAMESPACE_BEGIN

/// Makes inputs of sounds, in float64 up to the last step. The tables are computed by plan(), or by the first run(); nothing is allocated
/// after that. Only one thread may use an object at a time.
/// @code{.cpp}
/// cvt::audio_preprocessor preprocessor{cvt::protoclr};
/// std::vector<float> input(128 * 301);
/// const cvt::view<float, 3> tensor{input.data(), 1, 128, 301};
/// if (cvt::error e = preprocessor.run(samples, tensor)) return report(e);  // at most 96,000 samples at 16 kHz
/// if (cvt::error e = session.logits(tensor, logits)) return report(e);
/// @endcode
class audio_preprocessor {
public:
    explicit audio_preprocessor(const cvt::spectrogram& s) noexcept : spectrogram_{s} {}

    /// Computes the tables. Errors: invalid_argument (a field of the spectrogram), out_of_memory.
    error plan() noexcept {
        if (planned_) return {};
        const cvt::spectrogram& s = spectrogram_;
        if (error e = validate(s)) return e;
        const auto n = static_cast<std::size_t>(s.n_fft), samples = static_cast<std::size_t>(s.length) + 2 * (n / 2),
                   values = static_cast<std::size_t>(s.mels) * static_cast<std::size_t>(s.frames());
        if (error e = fft_.plan(n)) return e;
        if (error e = mel_.plan(s)) return e;
        if (!window_.resize(n) || !samples_.resize(samples) || !frames_.resize(n) || !bins_.resize(n / 2 + 1) ||
            !energies_.resize(n / 2 + 1) || !values_.resize(values))
            return error::out_of_memory("spectrogram", (6 * n + values + samples) * sizeof(double));
        const int before = (s.n_fft - s.window) / 2;
        for (int i = 0; i < s.n_fft; ++i) {
            const int m = i - before;
            window_[static_cast<std::size_t>(i)] =
                m < 0 || m >= s.window ? 0 : 0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(m) / s.window);
        }
        planned_ = true;
        return {};
    }

    /// Makes one input. `samples`: 1 to spectrogram().length of them at spectrogram().rate, one channel; fewer are padded.
    /// `out`: (1, mels, frames). Errors: invalid_argument (the number of samples, a sample that is not finite, `out`, a field of the
    /// spectrogram); bad_sound; out_of_memory. The error bad_sound means that all values are the same, as for silence: min-max would
    /// divide by 0.
    template <class T>
    error run(std::span<const float> samples, view<T, 3> out) noexcept {
        static_assert(std::is_same_v<T, float> || std::is_same_v<T, double>);
        if (error e = plan()) return e;
        const cvt::spectrogram& s = spectrogram_;
        if (out.data() == nullptr || out.extent(0) != 1 || out.extent(1) != s.mels || out.extent(2) != s.frames())
            return error::format(errc::invalid_argument, "spectrogram: expected [1, %d, %d], found [%lld, %lld, %lld]%s", s.mels,
                                 s.frames(), static_cast<long long>(out.extent(0)), static_cast<long long>(out.extent(1)),
                                 static_cast<long long>(out.extent(2)), out.data() == nullptr ? " without data" : "");
        if (error e = pad(samples)) return e;
        transform();
        if (error e = normalise()) return e;
        for (std::size_t i = 0; i < values_.size(); ++i) out.data()[i] = static_cast<T>(values_[i]);
        return {};
    }

    [[nodiscard]] const cvt::spectrogram& spectrogram() const noexcept { return spectrogram_; }

private:
    /// Copies the samples, fills them up to the length of the input, and reflects both ends.
    error pad(std::span<const float> samples) noexcept {
        const auto length = static_cast<std::size_t>(spectrogram_.length), side = static_cast<std::size_t>(spectrogram_.n_fft) / 2;
        if (samples.empty() || samples.size() > length)
            return error::format(errc::invalid_argument, "sound: expected 1 to %zu samples, found %zu", length, samples.size());
        for (std::size_t i = 0; i < samples.size(); ++i)
            if (!detail::is_finite(samples[i])) return error::format(errc::invalid_argument, "sound: sample %zu is NaN or infinite", i);
        float* x = samples_.data() + side;
        const bool repeat = spectrogram_.padding == sound_padding::repeat;
        for (std::size_t i = 0; i < length; ++i) x[i] = i < samples.size() ? samples[i] : repeat ? x[i - samples.size()] : 0.F;
        for (std::size_t i = 1; i <= side; ++i) {
            *(x - i) = x[i];
            x[length - 1 + i] = x[length - 1 - i];
        }
        return {};
    }

    /// Computes the energies of all bands and frames.
    void transform() noexcept {
        const std::size_t n = frames_.size(), frames = static_cast<std::size_t>(spectrogram_.frames());
        const auto hop = static_cast<std::size_t>(spectrogram_.hop);
        for (std::size_t t = 0; t < frames; t += 2) {
            const bool two = t + 1 < frames;  // otherwise the last frame is computed twice
            const float *x = samples_.data() + t * hop, *next = two ? x + hop : x;
            for (std::size_t i = 0; i < n; ++i)
                frames_[i] = {{window_[i] * static_cast<double>(x[i]), window_[i] * static_cast<double>(next[i])}};
            fft_.run(frames_.data(), bins_.data());
            for (std::size_t frame = 0; frame < (two ? 2U : 1U); ++frame) {
                for (std::size_t k = 0; k < bins_.size(); ++k) {
                    const double re = bins_[k].re.of[frame], im = bins_[k].im.of[frame];
                    energies_[k] = re * re + im * im;
                }
                if (spectrogram_.power == 1)
                    for (double& e : energies_) e = std::sqrt(e);
                mel_.run(energies_.data(), values_.data() + t + frame, frames);
            }
        }
    }

    /// Takes logarithms and maps the values to those of the input.
    error normalise() noexcept {
        const cvt::spectrogram& s = spectrogram_;
        const double factor = 20 / s.power;
        double low = DBL_MAX, high = -DBL_MAX;
        for (double& v : values_) {
            if (s.loudness != loudness::linear && v < s.floor) v = s.floor;
            if (s.loudness == loudness::decibels) v = factor * std::log10(v);
            if (s.loudness == loudness::natural_log) v = std::log(v);
            low = v < low ? v : low;
            high = v > high ? v : high;
        }
        if (s.top_db > 0 && low < high - s.top_db) {
            low = high - s.top_db;
            for (double& v : values_) v = v < low ? low : v;
        }
        if (s.min_max && !(high > low))
            return error::format(errc::bad_sound,
                                 "sound: every value of the spectrogram is %g, as for silence: it has no range to normalise", low);
        const double range = s.min_max ? high - low : 1, zero = s.min_max ? low : 0;
        for (double& v : values_) v = ((v - zero) / range - s.mean) / s.deviation;
        return {};
    }

    cvt::spectrogram spectrogram_;
    bool planned_ = false;
    detail::real_fft fft_;
    detail::mel_filters mel_;
    detail::buffer<double> window_, energies_, values_;  ///< values_: (mels, frames)
    detail::buffer<detail::double_pair> frames_;         ///< two at a time
    detail::buffer<detail::complex_pair> bins_;
    detail::buffer<float> samples_;  ///< with their padding
};

CVT_NAMESPACE_END
