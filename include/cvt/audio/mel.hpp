// The mel filters of a spectrogram: triangles over the bins of a Fourier transform, as torchaudio's melscale_fbanks.
#pragma once

#include <cmath>

#include "../runtime/buffer.hpp"
#include "spectrogram.hpp"

CVT_NAMESPACE_BEGIN

/// Converts a frequency from hertz to mel, for example to find the band of a spectrogram that it is in.
inline double hertz_to_mel(double f, mel_scale scale) noexcept {
    if (scale == mel_scale::htk) return 2595 * std::log10(1 + f / 700);
    return f < 1000 ? f * 3 / 200 : 15 + std::log(f / 1000) * 27 / std::log(6.4);
}

namespace detail {

inline double mel_to_hertz(double m, mel_scale scale) noexcept {
    if (scale == mel_scale::htk) return 700 * (std::pow(10.0, m / 2595) - 1);
    return m < 15 ? m * 200 / 3 : 1000 * std::exp(std::log(6.4) / 27 * (m - 15));
}

/// The weights that are not 0, band by band.
class mel_filters {
public:
    /// Errors: out_of_memory.
    error plan(const spectrogram& s) noexcept {
        const std::size_t bins = static_cast<std::size_t>(s.n_fft) / 2 + 1, mels = static_cast<std::size_t>(s.mels);
        const double low = hertz_to_mel(s.f_min, s.scale), high = hertz_to_mel(s.f_max, s.scale);
        const auto edge = [&](std::size_t i) noexcept {
            if (i == 0 || i == mels + 1) return i == 0 ? s.f_min : s.f_max;
            return mel_to_hertz(low + (high - low) * static_cast<double>(i) / static_cast<double>(mels + 1), s.scale);
        };
        weights_.clear();
        if (!bands_.resize(mels)) return error::out_of_memory("mel filters", mels * sizeof(band));
        for (std::size_t j = 0; j < mels; ++j) {
            const double left = edge(j), middle = edge(j + 1), right = edge(j + 2), norm = s.slaney_norm ? 2 / (right - left) : 1;
            band b{0, 0, static_cast<std::uint32_t>(weights_.size())};
            for (std::size_t k = 0; k < bins; ++k) {
                // torchaudio rounds half an odd rate down.
                const double f = static_cast<double>(k) * (s.rate / 2) / (s.n_fft / 2), up = (f - left) / (middle - left),
                             down = (right - f) / (right - middle), weight = up < down ? up : down;
                if (!(weight > 0)) continue;
                if (b.count == 0) b.first_bin = static_cast<std::uint32_t>(k);
                ++b.count;
                if (!weights_.push_back(weight * norm)) return error::out_of_memory("mel filters", 2 * weights_.size() * sizeof(double));
            }
            bands_[j] = b;
        }
        return {};
    }

    /// Adds up the energies of a frame's bins in each band: out[j * stride].
    void run(const double* bins, double* out, std::size_t stride) const noexcept {
        for (std::size_t j = 0; j < bands_.size(); ++j) {
            const band& b = bands_[j];
            const double *weight = weights_.data() + b.first_weight, *x = bins + b.first_bin;
            double sum = 0;
            for (std::uint32_t i = 0; i < b.count; ++i) sum += weight[i] * x[i];
            out[j * stride] = sum;
        }
    }

private:
    struct band {
        std::uint32_t first_bin, count, first_weight;
    };

    buffer<band> bands_;
    buffer<double> weights_;
};

}  // namespace detail
CVT_NAMESPACE_END
