// Generated sounds, the same as those of tests/golden/make_audio.py, and WAV files of them.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <string>
#include <vector>

namespace cvt_test {

/// A frequency-modulated tone of 3 kHz with noise: `count` samples at `rate`.
inline std::vector<float> sound(int rate, std::size_t count) {
    constexpr double pi = std::numbers::pi;
    std::vector<float> x(count);
    std::uint32_t u = 1;
    for (std::size_t i = 0; i < count; ++i) {
        u = 1664525U * u + 1013904223U;
        const double t = static_cast<double>(i) / rate;
        x[i] = static_cast<float>(0.3 * std::sin(2 * pi * 3000 * t + 5 * std::sin(2 * pi * 4 * t)) + 0.02 * (u / 4294967296.0 - 0.5));
    }
    return x;
}

/// A WAV file of float32, every channel with the same samples.
inline std::string wav_file(const std::vector<float>& samples, int rate, int channels = 1) {
    std::string file = "RIFF";
    const auto append = [&file](auto value) { file.append(reinterpret_cast<const char*>(&value), sizeof value); };
    const auto frame = static_cast<std::uint32_t>(4 * channels), bytes = static_cast<std::uint32_t>(samples.size()) * frame;
    append(36 + bytes);
    file += "WAVEfmt ";
    append(std::uint32_t{16});
    append(std::uint16_t{3});
    append(static_cast<std::uint16_t>(channels));
    append(static_cast<std::uint32_t>(rate));
    append(static_cast<std::uint32_t>(rate) * frame);
    append(static_cast<std::uint16_t>(frame));
    append(std::uint16_t{32});
    file += "data";
    append(bytes);
    for (const float v : samples)
        for (int i = 0; i < channels; ++i) append(v);
    return file;
}

}  // namespace cvt_test
