// spectrogram: the rules by which a sound becomes an input: rate, length, transform, mel filters, decibels, normalisation.
#pragma once

#include <cstdint>

#include "../error.hpp"

CVT_NAMESPACE_BEGIN

/// The formula between hertz and mel: 2595 log10(1 + f / 700) (HTK), or linear below 1 kHz and logarithmic above (Slaney).
enum class mel_scale : std::uint8_t { htk, slaney };

/// What becomes of the energies in the mel bands: nothing, 10 log10 of a power or 20 log10 of an amplitude, or the natural logarithm.
enum class loudness : std::uint8_t { linear, decibels, natural_log };

/// How a sound that is shorter than the input is filled up: with zeros at its end, or by repeating it.
enum class sound_padding : std::uint8_t { zeros, repeat };

constexpr const char* to_string(mel_scale s) noexcept { return s == mel_scale::htk ? "htk" : "slaney"; }
constexpr const char* to_string(loudness l) noexcept {
    return l == loudness::linear ? "linear" : l == loudness::decibels ? "decibels" : "natural_log";
}
constexpr const char* to_string(sound_padding p) noexcept { return p == sound_padding::zeros ? "zeros" : "repeat"; }

/// How sounds become inputs (1, mels, frames()). The definitions are those of torchaudio's MelSpectrogram and AmplitudeToDB: a periodic
/// Hann window, centred frames, and padding by reflection. The rows are the mel bands, the lowest first.
/// @code{.cpp}
/// cvt::spectrogram s = cvt::protoclr;
/// s.padding = cvt::sound_padding::zeros;
/// cvt::audio_preprocessor preprocessor{s};
/// @endcode
struct spectrogram {
    int rate = 16000;                ///< samples per second
    int length = 96000;              ///< samples of one input
    int n_fft = 400;                 ///< samples of a frame
    int window = 400;                ///< samples of the Hann window, in the middle of the frame
    int hop = 200;                   ///< samples from one frame to the next
    int mels = 128;                  ///< bands
    double f_min = 0, f_max = 8000;  ///< lower end of the first band and upper end of the last, in hertz
    mel_scale scale = mel_scale::htk;
    bool slaney_norm = false;  ///< divides each band by half its width in hertz (torchaudio's norm="slaney")
    double power = 2;          ///< exponent of the magnitudes: 1 or 2
    cvt::loudness loudness = cvt::loudness::decibels;
    double floor = 1e-10;            ///< smaller energies are raised to it before a logarithm
    double top_db = 0;               ///< raises values to this much below the loudest; 0: does not
    bool min_max = false;            ///< maps the values of one input to 0 to 1
    double mean = 0, deviation = 1;  ///< subtracted and divided by at the end
    sound_padding padding = sound_padding::repeat;

    [[nodiscard]] constexpr int frames() const noexcept { return 1 + length / hop; }
    friend constexpr bool operator==(const spectrogram&, const spectrogram&) = default;
};

/// The front end of ProtoCLR (github.com/ilyassmoummad/ProtoCLR), a CvT-13 for bird sounds: 6 seconds at 16 kHz become (1, 128, 301).
/// Min-max is over one input; the authors' evaluation scripts take it over a batch.
inline constexpr spectrogram protoclr{
    .n_fft = 1024, .window = 1024, .hop = 320, .f_min = 50, .min_max = true, .mean = 0.5347, .deviation = 0.0772};

namespace detail {
/// The limits of the fields.
inline constexpr int min_sound_rate = 100, max_sound_rate = 1'000'000, max_n_fft = 65536, max_sound_length = 1 << 26;
}  // namespace detail

/// Checks every field. Errors: invalid_argument, with the field, its range and its value.
inline error validate(const spectrogram& s) noexcept {
    struct range {
        const char* name;
        int value, low, high;
    };
    for (const range& r :
         {range{"rate", s.rate, detail::min_sound_rate, detail::max_sound_rate}, range{"n_fft", s.n_fft, 16, detail::max_n_fft},
          range{"window", s.window, 2, s.n_fft}, range{"hop", s.hop, 1, detail::max_n_fft}, range{"mels", s.mels, 1, 4096},
          range{"length", s.length, s.n_fft / 2 + 1, detail::max_sound_length}})
        if (r.value < r.low || r.value > r.high)
            return error::format(errc::invalid_argument, "spectrogram.%s: expected %d to %d, found %d", r.name, r.low, r.high, r.value);
    int rest = s.n_fft;
    for (int p = 2; p <= 31; ++p)
        while (rest % p == 0) rest /= p;
    if (rest != 1 || s.n_fft % 2 != 0)
        return error::format(errc::invalid_argument, "spectrogram.n_fft: expected an even product of primes up to 31, found %d", s.n_fft);
    if (!(s.f_min >= 0 && s.f_min < s.f_max && s.f_max <= s.rate * 0.5))
        return error::format(errc::invalid_argument, "spectrogram.f_min, f_max: expected 0 <= f_min < f_max <= %g, found %g and %g",
                             s.rate * 0.5, s.f_min, s.f_max);
    if (s.power != 1 && s.power != 2) return error::format(errc::invalid_argument, "spectrogram.power: expected 1 or 2, found %g", s.power);
    if (!(s.floor > 0 && s.floor < 1e30) && s.loudness != cvt::loudness::linear)
        return error::format(errc::invalid_argument, "spectrogram.floor: expected a positive number, found %g", s.floor);
    if (!(s.top_db >= 0 && s.top_db < 1e6))
        return error::format(errc::invalid_argument, "spectrogram.top_db: expected 0 or a positive number, found %g", s.top_db);
    if (!(s.mean > -1e30 && s.mean < 1e30))
        return error::format(errc::invalid_argument, "spectrogram.mean: expected a number, found %g", s.mean);
    if (!(s.deviation > 1e-30 && s.deviation < 1e30))
        return error::format(errc::invalid_argument, "spectrogram.deviation: expected a positive number, found %g", s.deviation);
    return {};
}

CVT_NAMESPACE_END
