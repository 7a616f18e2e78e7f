// heat_map.hpp: interpolates the key grid at each pixel and blends the colours over the photo.
#include "common/heat_map/heat_map.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cvt/image/attention_geometry.hpp>

#include "common/heat_map/colour_ramp.hpp"

namespace heat_map {
namespace {

// The mean over the heads, scaled so that the largest value is 1.
std::vector<double> mean_of_heads(std::span<const float> attention, std::size_t keys) {
    std::vector<double> mean(keys);
    for (std::size_t i = 0; i < attention.size(); ++i) mean[i % keys] += static_cast<double>(attention[i]);
    const double max = *std::max_element(mean.begin(), mean.end());
    for (double& value : mean) value = max > 0 ? value / max : 0;
    return mean;
}

// The position of a pixel row or column in the key grid: four neighbours and their weights, if the model saw it.
struct place {
    bool seen = false;
    std::array<int, 4> key{};
    std::array<double, 4> weight{};
};

// Cubic convolution with a = -1/2 (Keys 1981). The values of the outermost keys extend beyond them.
place place_of(double key, int keys) {
    const double inside = std::clamp(key, 0.0, static_cast<double>(keys - 1));
    const int first = static_cast<int>(std::floor(inside));
    const double t = inside - first;
    place p{true,
            {},
            {0.5 * (-t + 2 * t * t - t * t * t), 0.5 * (2 - 5 * t * t + 3 * t * t * t), 0.5 * (t + 4 * t * t - 3 * t * t * t),
             0.5 * (-t * t + t * t * t)}};
    for (int i = 0; i < 4; ++i) p.key[static_cast<std::size_t>(i)] = std::clamp(first + i - 1, 0, keys - 1);
    return p;
}

std::vector<place> places(int pixels, double begin, double length, int input, cvt::key_places at, int keys) {
    std::vector<place> all(static_cast<std::size_t>(pixels));
    for (int i = 0; i < pixels; ++i) {
        const double on_input = (i + 0.5 - begin) * input / length;
        if (on_input >= 0 && on_input <= input) all[static_cast<std::size_t>(i)] = place_of((on_input - at.first) / at.step, keys);
    }
    return all;
}

double interpolate(const std::vector<double>& grid, int width, const place& y, const place& x) {
    double sum = 0;
    for (std::size_t i = 0; i < 4; ++i)
        for (std::size_t j = 0; j < 4; ++j) sum += y.weight[i] * x.weight[j] * grid[static_cast<std::size_t>(y.key[i] * width + x.key[j])];
    return std::clamp(sum, 0.0, 1.0);
}

std::uint8_t level(double value) { return static_cast<std::uint8_t>(std::lround(std::clamp(value, 0.0, 255.0))); }

// Blends the colour of `heat` over a pixel, which is made paler and darker so that it does not distort the colour.
void blend(const std::array<double, 3>& pixel, double heat, std::uint8_t* out) {
    const double grey = 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2];
    const rgb colour = ramp(heat);
    const double alpha = 0.7 * heat * (2 - heat);
    for (std::size_t c = 0; c < 3; ++c) out[c] = level((1 - alpha) * 0.8 * (0.4 * grey + 0.6 * pixel[c]) + alpha * colour[c]);
}

void darken(const std::array<double, 3>& pixel, std::uint8_t* out) {
    const double grey = 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2];
    for (std::size_t c = 0; c < 3; ++c) out[c] = level(0.25 * grey + 0.1 * pixel[c]);
}

std::array<double, 3> pixel_at(const cvt::image_view& photo, int x, int y) {
    const std::ptrdiff_t stride = photo.row_stride != 0 ? photo.row_stride : std::ptrdiff_t{photo.width} * photo.channels;
    const std::uint8_t* p = photo.data + y * stride + std::ptrdiff_t{x} * photo.channels;
    if (photo.channels < 3) return {double(p[0]), double(p[0]), double(p[0])};
    if (photo.order == cvt::channel_order::bgr) return {double(p[2]), double(p[1]), double(p[0])};
    return {double(p[0]), double(p[1]), double(p[2])};
}

}  // namespace

cvt::result<std::vector<std::uint8_t>> draw(const cvt::image_view& photo, std::span<const float> attention, const cvt::config& c,
                                            const cvt::preprocessing& p) {
    const cvt::result<cvt::image_region> region = cvt::input_region(p, photo.width, photo.height);
    if (!region) return region.error();
    const cvt::result<cvt::grid> input = cvt::output_size(p, photo.width, photo.height);
    if (!input) return input.error();
    const cvt::result<cvt::model_shape> shape = cvt::shape_of(c, input->height, input->width);
    if (!shape) return shape.error();
    const cvt::grid keys = shape->last_stage().keys;
    const std::size_t expected = static_cast<std::size_t>(c.last_stage().num_heads * keys.tokens());
    if (!c.uses_cls_token()) return cvt::error::format(cvt::errc::invalid_argument, "attention: the model has no class token");
    if (attention.size() != expected)
        return cvt::error::format(cvt::errc::invalid_argument, "attention: expected %zu values (heads x keys), found %zu", expected,
                                  attention.size());

    const std::vector<double> heat = mean_of_heads(attention, static_cast<std::size_t>(keys.tokens()));
    const cvt::key_places at = cvt::last_stage_keys(c);
    const std::vector<place> columns = places(photo.width, region->left, region->width, input->width, at, keys.width);
    const std::vector<place> rows = places(photo.height, region->top, region->height, input->height, at, keys.height);
    std::vector<std::uint8_t> picture(3 * columns.size() * rows.size());
    std::uint8_t* out = picture.data();
    for (int y = 0; y < photo.height; ++y)
        for (int x = 0; x < photo.width; ++x, out += 3) {
            const place &row = rows[static_cast<std::size_t>(y)], &column = columns[static_cast<std::size_t>(x)];
            if (row.seen && column.seen)
                blend(pixel_at(photo, x, y), interpolate(heat, keys.width, row, column), out);
            else
                darken(pixel_at(photo, x, y), out);
        }
    return picture;
}

}  // namespace heat_map
