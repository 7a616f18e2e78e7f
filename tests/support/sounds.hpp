// Generated sounds, the same as those of tests/golden/make_audio.py.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
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

}  // namespace cvt_test
