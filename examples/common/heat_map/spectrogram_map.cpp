// spectrogram_map.hpp: enlarges the spectrogram, draws the attention as over a photo, and adds the axes with a small font.
#include "common/heat_map/spectrogram_map.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cvt/audio.hpp>
#include <string>
#include <string_view>

#include "common/heat_map/heat_map.hpp"

namespace heat_map {
namespace {

constexpr int left = 76, right = 40, top = 36, bottom = 40;  // margins
constexpr int pixel = 2;                                     // side of a font's pixel
constexpr int letter_width = 6 * pixel, letter_height = 7 * pixel;
constexpr std::uint8_t paper = 255, ink = 40;

// Five columns of seven rows for each letter; the lowest bit is the uppermost row.
struct glyph {
    char letter;
    std::uint8_t columns[5];
};
constexpr glyph font[]{{'0', {0x3E, 0x51, 0x49, 0x45, 0x3E}}, {'1', {0x00, 0x42, 0x7F, 0x40, 0x00}}, {'2', {0x42, 0x61, 0x51, 0x49, 0x46}},
                       {'3', {0x21, 0x41, 0x45, 0x4B, 0x31}}, {'4', {0x18, 0x14, 0x12, 0x7F, 0x10}}, {'5', {0x27, 0x45, 0x45, 0x45, 0x39}},
                       {'6', {0x3C, 0x4A, 0x49, 0x49, 0x30}}, {'7', {0x01, 0x71, 0x09, 0x05, 0x03}}, {'8', {0x36, 0x49, 0x49, 0x49, 0x36}},
                       {'9', {0x06, 0x49, 0x49, 0x29, 0x1E}}, {'.', {0x00, 0x60, 0x60, 0x00, 0x00}}, {'k', {0x7F, 0x10, 0x28, 0x44, 0x00}},
                       {'H', {0x7F, 0x08, 0x08, 0x08, 0x7F}}, {'z', {0x44, 0x64, 0x54, 0x4C, 0x44}}, {'s', {0x48, 0x54, 0x54, 0x54, 0x24}}};

class canvas {
public:
    canvas(int width, int height)
        : picture_{std::vector<std::uint8_t>(3 * static_cast<std::size_t>(width * height), paper), width, height} {}

    std::uint8_t* at(int x, int y) { return picture_.pixels.data() + 3 * (static_cast<std::ptrdiff_t>(y) * picture_.width + x); }
    void fill(int x, int y, int width, int height) {
        for (int row = std::max(y, 0); row < std::min(y + height, picture_.height); ++row)
            for (int column = std::max(x, 0); column < std::min(x + width, picture_.width); ++column) std::fill_n(at(column, row), 3, ink);
    }
    void write(int x, int y, std::string_view text) {
        for (const char letter : text) {
            const auto* g = std::find_if(std::begin(font), std::end(font), [letter](const glyph& f) { return f.letter == letter; });
            for (int column = 0; g != std::end(font) && column < 5; ++column)
                for (int row = 0; row < 7; ++row)
                    if ((g->columns[column] >> row & 1) != 0) fill(x + column * pixel, y + row * pixel, pixel, pixel);
            x += letter_width;
        }
    }
    picture take() { return std::move(picture_); }

private:
    picture picture_;
};

std::string number(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.10g", value);
    return text;
}

int width_of(const std::string& text) { return static_cast<int>(text.size()) * letter_width; }

// 1, 2 or 5 times a power of ten, such that at most `max_steps` of them fit.
double step_for(double range, int max_steps) {
    double step = std::pow(10, std::floor(std::log10(range / max_steps)));
    for (const double factor : {2.0, 2.5, 2.0})
        if (range / step > max_steps) step *= factor;
    return step;
}

// The spectrogram in grey, each value as a rectangle, with the lowest band in the first rows.
std::vector<std::uint8_t> enlarge(std::span<const float> input, const cvt::spectrogram& s, int across, int down) {
    const auto [low, high] = std::minmax_element(input.begin(), input.end());
    const float range = *high > *low ? *high - *low : 1;
    const int width = s.frames() * across, height = s.mels * down;
    std::vector<std::uint8_t> grey(3 * static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
    std::uint8_t* to = grey.data();
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x, to += 3)
            std::fill_n(to, 3,
                        static_cast<std::uint8_t>(
                            std::lround(255 * (input[static_cast<std::size_t>(y / down * s.frames() + x / across)] - *low) / range)));
    return grey;
}

}  // namespace

cvt::result<picture> draw_spectrogram(std::span<const float> input, std::span<const float> attention, const cvt::config& c,
                                      const cvt::spectrogram& s, double start) {
    const int across = std::clamp((900 + s.frames() / 2) / s.frames(), 1, 8), down = std::clamp((400 + s.mels / 2) / s.mels, 1, 8);
    const int width = s.frames() * across, height = s.mels * down;
    const std::vector<std::uint8_t> grey = enlarge(input, s, across, down);
    cvt::preprocessing whole;  // the network sees all of the picture
    whole.resize = cvt::preprocessing::resize_rule::warp;
    whole.resize_height = s.mels;
    whole.resize_width = s.frames();
    whole.center_crop = false;
    const auto map = draw(cvt::image_view{grey.data(), width, height, 3, 0}, attention, c, whole);
    if (!map) return map.error();

    canvas page{left + width + right, top + height + bottom};
    for (int y = 0; y < height; ++y)
        std::copy_n(map->data() + 3 * static_cast<std::ptrdiff_t>(height - 1 - y) * width, 3 * width, page.at(left, top + y));

    // Time: a frame is centred on its sample.
    const double length = static_cast<double>(s.length) / s.rate, step = step_for(length, 8);
    for (int i = static_cast<int>(std::ceil(start / step)); i * step <= start + length * (1 + 1e-9); ++i) {
        const int x = left + static_cast<int>(std::lround(((i * step - start) * s.rate / s.hop + 0.5) * across));
        const std::string label = number(i * step);
        page.fill(x, top + height, pixel, 4 * pixel);
        page.write(x - width_of(label) / 2, top + height + 6 * pixel, label);
    }
    page.write(left + width + right - width_of("s "), top + height + 6 * pixel, "s");

    // Octaves; band j is centred on the j + 1st of the mels + 2 points between both ends.
    const double low = cvt::hertz_to_mel(s.f_min, s.scale), high = cvt::hertz_to_mel(s.f_max, s.scale);
    const char* const unit = s.f_max < 1000 ? "Hz" : "kHz";
    int free = top + height + letter_height;  // where the label before begins
    for (double hertz = s.f_max < 1000 ? 125.0 / 8 : 125; hertz <= s.f_max; hertz *= 2) {
        const double band = (cvt::hertz_to_mel(hertz, s.scale) - low) / (high - low) * (s.mels + 1) - 1;
        const int y = top + height - static_cast<int>(std::lround((band + 0.5) * down));
        if (hertz < s.f_min || y + letter_height > free) continue;
        const std::string label = number(s.f_max < 1000 ? hertz : hertz / 1000);
        page.fill(left - 4 * pixel, y, 4 * pixel, pixel);
        page.write(left - 6 * pixel - width_of(label), y - letter_height / 2, label);
        free = y - letter_height / 2;
    }
    page.write(left - 6 * pixel - width_of(unit), 2 * pixel, unit);
    return page.take();
}

}  // namespace heat_map
