// colour_ramp.hpp: a line through OKLCh, a colour space in which equal steps look equal.
#include "common/heat_map/colour_ramp.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace heat_map {
namespace {

struct linear_rgb {
    double r, g, b;
    [[nodiscard]] bool displayable() const { return std::min({r, g, b}) >= 0 && std::max({r, g, b}) <= 1; }
};

// Ottosson 2020, "A perceptual color space for image processing": the inverse of Oklab, from polar coordinates.
linear_rgb from_oklch(double lightness, double chroma, double degrees) {
    const double hue = degrees * std::numbers::pi / 180, a = chroma * std::cos(hue), b = chroma * std::sin(hue);
    const auto cube = [](double x) { return x * x * x; };
    const double l = cube(lightness + 0.3963377774 * a + 0.2158037573 * b);
    const double m = cube(lightness - 0.1055613458 * a - 0.0638541728 * b);
    const double s = cube(lightness - 0.0894841775 * a - 1.2914855480 * b);
    return {4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s, -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
            -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s};
}

std::uint8_t to_srgb(double linear) {
    const double value = linear <= 0.0031308 ? 12.92 * linear : 1.055 * std::pow(linear, 1 / 2.4) - 0.055;
    return static_cast<std::uint8_t>(std::lround(255 * std::clamp(value, 0.0, 1.0)));
}

rgb mix(double value) {
    const double lightness = 0.28 + 0.66 * value, degrees = -70 + 172 * value;
    double chroma = 0.19;
    while (chroma > 0 && !from_oklch(lightness, chroma, degrees).displayable()) chroma -= 0.002;  // hue and lightness are kept
    const linear_rgb c = from_oklch(lightness, chroma, degrees);
    return {to_srgb(c.r), to_srgb(c.g), to_srgb(c.b)};
}

}  // namespace

rgb ramp(double value) {
    static const std::array<rgb, 256> table = [] {
        std::array<rgb, 256> t;
        for (std::size_t i = 0; i < t.size(); ++i) t[i] = mix(static_cast<double>(i) / 255);
        return t;
    }();
    return table[static_cast<std::size_t>(std::lround(255 * std::clamp(value, 0.0, 1.0)))];
}

}  // namespace heat_map
