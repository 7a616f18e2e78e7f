// From pixels to the network's input: Pillow-exact bicubic resize, crop or warp, and normalisation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include "error.hpp"
#include "float_bits.hpp"
#include "image/resize.hpp"
#include "runtime/buffer.hpp"
#include "shape.hpp"
#include "tensor.hpp"

CVT_NAMESPACE_BEGIN

/// 8-bit pixels of the caller's, interleaved, top row first: 1 channel (grey, repeated), 3 (RGB) or 4 (RGBA, alpha is
/// dropped without compositing, as Pillow's convert("RGB") does).
struct image_view {
    const std::uint8_t* data = nullptr;
    int width = 0, height = 0;
    int channels = 3;
    std::ptrdiff_t row_stride = 0;  ///< bytes from one row to the next; 0: width * channels
};

/// Where a centre crop begins: torchvision's round((n - size) / 2), half to even, which the official evaluation uses;
/// or transformers' (n - size) // 2.
enum class crop_rounding : std::uint8_t { official, hf };

/// How images become inputs. preprocessing::for_size(n) is what the official evaluation does for models of that size;
/// model::load reads preprocessor_config.json into one.
struct preprocessing {
    enum class resize_rule : std::uint8_t {
        none,        ///< pixels as they are
        short_side,  ///< short side to `short_side`, long side int(short * long / short_side), ratio kept
        warp,        ///< to resize_height x resize_width, ratio lost
    };
    resize_rule resize = resize_rule::short_side;
    int short_side = 256;
    int resize_height = 224, resize_width = 224;  ///< of a warp
    bool center_crop = true;
    int crop_height = 224, crop_width = 224;  ///< zero padding where the image is smaller, as torchvision does
    crop_rounding rounding = crop_rounding::official;
    bool normalize = true;                                   ///< (x - mean) / std after division by 255
    int mean_count = 3, std_count = 3;                       ///< how many values the source gave; checked when an image is preprocessed
    std::array<float, 4> mean{0.485F, 0.456F, 0.406F, 0.F};  ///< of ImageNet
    std::array<float, 4> std{0.229F, 0.224F, 0.225F, 1.F};

    /// Size below 384: short side to int(size / 0.875), centre crop. From 384 on: warp, no crop.
    static constexpr preprocessing for_size(int size) noexcept;
};

constexpr preprocessing preprocessing::for_size(int size) noexcept {
    preprocessing p;
    p.resize = size < 384 ? resize_rule::short_side : resize_rule::warp;
    p.center_crop = size < 384;
    p.short_side = size < 384 ? static_cast<int>(static_cast<std::int64_t>(size) * 8 / 7) : size;
    p.resize_height = p.resize_width = p.crop_height = p.crop_width = size;
    return p;
}

namespace detail {

/// Longest side of an image, of a resized image and of a crop.
inline constexpr int max_image_side = 1'000'000;

/// One axis on its way from the image to the input: resized to `resized`, of which [begin, end) lands at `offset` of `out`.
struct axis_window {
    std::int64_t resized = 0, begin = 0, end = 0;
    int offset = 0, out = 0;
};
struct image_windows {
    axis_window x, y;
};

inline axis_window crop_axis(std::int64_t resized, int size, crop_rounding rounding) noexcept {
    const std::int64_t spare = resized - size;
    std::int64_t begin = spare >> 1;  // floor, as Python's //
    // torchvision halves to even, and pads left with the smaller half.
    if (rounding == crop_rounding::official && spare % 2 != 0 && (spare < 0 || begin % 2 != 0)) ++begin;
    axis_window w;
    w.resized = resized;
    w.out = size;
    w.offset = begin < 0 ? static_cast<int>(-begin) : 0;
    w.begin = begin < 0 ? 0 : begin;
    w.end = begin + size < resized ? begin + size : resized;
    return w;
}

inline error check_side(const char* name, int value) noexcept {
    if (value >= 1 && value <= max_image_side) return {};
    return error::format(errc::invalid_argument, "preprocessing.%s: expected 1 to %d, found %d", name, max_image_side, value);
}

inline result<image_windows> plan_image(const preprocessing& p, int width, int height) noexcept {
    if (width < 1 || height < 1 || width > max_image_side || height > max_image_side)
        return error::format(errc::bad_image, "image is %d x %d (width x height): expected sides of 1 to %d pixels", width, height,
                             max_image_side);
    std::int64_t w = width, h = height;
    switch (p.resize) {
        case preprocessing::resize_rule::none: break;
        case preprocessing::resize_rule::short_side: {
            if (error e = check_side("short_side", p.short_side)) return e;
            const std::int64_t shorter = w < h ? w : h;
            w = p.short_side * w / shorter;
            h = p.short_side * h / shorter;
            break;
        }
        case preprocessing::resize_rule::warp:
            if (error e = check_side("resize_width", p.resize_width)) return e;
            if (error e = check_side("resize_height", p.resize_height)) return e;
            w = p.resize_width;
            h = p.resize_height;
            break;
        default: return error::format(errc::invalid_argument, "preprocessing.resize: unknown rule %d", static_cast<int>(p.resize));
    }
    if (p.center_crop) {
        if (error e = check_side("crop_width", p.crop_width)) return e;
        if (error e = check_side("crop_height", p.crop_height)) return e;
        return image_windows{crop_axis(w, p.crop_width, p.rounding), crop_axis(h, p.crop_height, p.rounding)};
    }
    if (w > max_image_side || h > max_image_side)
        return error::format(errc::bad_image, "image of %d x %d would become %lld x %lld without a crop: expected sides up to %d", width,
                             height, static_cast<long long>(w), static_cast<long long>(h), max_image_side);
    return image_windows{{w, 0, w, 0, static_cast<int>(w)}, {h, 0, h, 0, static_cast<int>(h)}};
}

/// What each of the 256 values of a channel becomes: float32 (p / 255 - mean) / std, rounded after every step as
/// torchvision does. The volatile steps keep -ffast-math from merging the divisions.
using value_table = std::array<float, 256>;
inline void fill_table(value_table& table, bool normalize, float mean, float std) noexcept {
    for (std::size_t i = 0; i < table.size(); ++i) {
        volatile float v = static_cast<float>(i);
        volatile float divisor = 255.F;
        v = v / divisor;
        if (normalize) {
            divisor = std;
            v = v - mean;
            v = v / divisor;
        }
        table[i] = v;
    }
}

inline error check_normalization(const preprocessing& p) noexcept {
    if (!p.normalize) return {};
    if (p.mean_count != 3 || p.std_count != 3)
        return error::format(errc::invalid_argument, "preprocessing: expected a mean and a std of 3 values for RGB images, found %d and %d",
                             p.mean_count, p.std_count);
    for (std::size_t c = 0; c < 3; ++c) {
        if (!is_finite(p.mean[c]))
            return error::format(errc::invalid_argument, "preprocessing.mean[%d] is not a finite number", static_cast<int>(c));
        if (!is_finite(p.std[c]) || magnitude_bits(p.std[c]) == 0)
            return error::format(errc::invalid_argument, "preprocessing.std[%d]: expected a finite number other than zero",
                                 static_cast<int>(c));
    }
    return {};
}

inline error check_image(const image_view& image) noexcept {
    if (image.data == nullptr) return error::format(errc::bad_image, "image has no pixels: data is null");
    if (image.channels != 1 && image.channels != 3 && image.channels != 4)
        return error::format(errc::bad_image, "image has %d channels: expected 1 (grey), 3 (RGB) or 4 (RGBA)", image.channels);
    const std::ptrdiff_t row = std::ptrdiff_t{image.width} * image.channels;
    constexpr std::ptrdiff_t most = std::numeric_limits<std::ptrdiff_t>::max();
    const std::ptrdiff_t stride = image.row_stride;
    if (stride != 0 && ((stride < row && stride > -row) || stride < -most || (stride < 0 ? -stride : stride) > most / image.height))
        return error::format(errc::bad_image, "image.row_stride is %lld: expected at least %lld bytes (%d pixels of %d channels)",
                             static_cast<long long>(stride), static_cast<long long>(row), image.width, image.channels);
    return {};
}

}  // namespace detail

/// Memory of preprocess(), reused between calls: it grows to what the largest image so far has needed and no further.
struct image_scratch {
    detail::resize_taps columns, rows;
    detail::buffer<std::int16_t> line;    ///< one channel of one row of the image
    detail::buffer<std::uint8_t> planes;  ///< the image after the horizontal pass, one plane a channel
    detail::buffer<std::int32_t> sums;
    detail::buffer<std::uint8_t> resized;  ///< one row after both passes
    std::array<detail::value_table, 3> tables{};
};

/// Height and width of the input that preprocess() makes from an image of this size.
/// Errors: bad_image (a side below 1 or above 1,000,000), invalid_argument (a size in `p` that is not one).
inline result<grid> output_size(const preprocessing& p, int image_width, int image_height) noexcept {
    auto plan = detail::plan_image(p, image_width, image_height);
    if (!plan) return plan.error();
    return grid{plan->y.out, plan->x.out};
}

namespace detail {

/// Channel `c` of row `y`, columns [begin, end), widened to 16 bits.
inline void read_line(const image_view& image, int y, int c, int begin, int end, std::int16_t* out) noexcept {
    const std::ptrdiff_t stride = image.row_stride != 0 ? image.row_stride : std::ptrdiff_t{image.width} * image.channels;
    const std::uint8_t* from = image.data + y * stride + std::ptrdiff_t{begin} * image.channels + c;
    const std::ptrdiff_t count = end - begin;
    if (image.channels == 1)
        for (std::ptrdiff_t x = 0; x < count; ++x) out[x] = from[x];
    else if (image.channels == 3)
        for (std::ptrdiff_t x = 0; x < count; ++x) out[x] = from[3 * x];
    else
        for (std::ptrdiff_t x = 0; x < count; ++x) out[x] = from[4 * x];
}

inline void look_up(const value_table& table, const std::uint8_t* pixels, const axis_window& x, float* out) noexcept {
    const int end = x.offset + static_cast<int>(x.end - x.begin);
    for (int i = 0; i < x.offset; ++i) out[i] = table[0];
    for (int i = x.offset; i < end; ++i) out[i] = table[pixels[i - x.offset]];
    for (int i = end; i < x.out; ++i) out[i] = table[0];
}

}  // namespace detail

/// Resizes, crops and normalises one image into `out`, (3, height, width) of exactly output_size(). Equal to
/// Pillow's resize(BICUBIC) on 8-bit RGB bit for bit, then torchvision's CenterCrop, ToTensor and Normalize. Only what
/// the crop keeps is resized. Allocates when `scratch` has not seen an image this large.
/// Errors: bad_image (no pixels, wrong channels, stride or size), invalid_argument (`p` or `out`), out_of_memory.
inline error preprocess(const image_view& image, const preprocessing& p, view<float, 3> out, image_scratch& scratch) noexcept {
    auto plan = detail::plan_image(p, image.width, image.height);
    if (!plan) return plan.error();
    if (error e = detail::check_image(image)) return e;
    if (error e = detail::check_normalization(p)) return e;
    const detail::axis_window &x = plan->x, &y = plan->y;
    if (out.data() == nullptr || out.extent(0) != 3 || out.extent(1) != y.out || out.extent(2) != x.out)
        return error::format(errc::invalid_argument, "output of preprocess: expected [3, %d, %d], found [%lld, %lld, %lld]%s", y.out, x.out,
                             static_cast<long long>(out.extent(0)), static_cast<long long>(out.extent(1)),
                             static_cast<long long>(out.extent(2)), out.data() == nullptr ? " without data" : "");

    if (error e = scratch.columns.plan(image.width, x.resized, x.begin, x.end)) return e;
    if (error e = scratch.rows.plan(image.height, y.resized, y.begin, y.end)) return e;
    const detail::resize_taps &columns = scratch.columns, &rows = scratch.rows;
    const int width = static_cast<int>(x.end - x.begin);
    const int line_size = columns.end - columns.begin;
    const int planes = image.channels == 1 ? 1 : 3;
    const auto stride = (static_cast<std::size_t>(width) + 15) / 16 * 16;
    const auto plane_size = stride * static_cast<std::size_t>(rows.end - rows.begin);
    const auto line_capacity = static_cast<std::size_t>(line_size) + static_cast<std::size_t>(columns.count);
    if (!scratch.line.resize(line_capacity) || !scratch.planes.resize(plane_size * static_cast<std::size_t>(planes)) ||
        !scratch.sums.resize(stride) || !scratch.resized.resize(stride))
        return error::out_of_memory("resized image", plane_size * static_cast<std::size_t>(planes));
    std::memset(scratch.line.data(), 0, line_capacity * sizeof(std::int16_t));  // taps of zero read past the line's end

    for (int row = rows.begin; row < rows.end; ++row) {
        for (int c = 0; c < planes; ++c) {
            std::uint8_t* to =
                scratch.planes.data() + static_cast<std::size_t>(c) * plane_size + static_cast<std::size_t>(row - rows.begin) * stride;
            detail::read_line(image, row, c, columns.begin, columns.end, scratch.line.data());
            if (columns.identity)
                for (int i = 0; i < width; ++i) to[i] = static_cast<std::uint8_t>(scratch.line[static_cast<std::size_t>(i)]);
            else
                detail::resize_row(scratch.line.data(), columns, width, to);
            std::memset(to + width, 0, stride - static_cast<std::size_t>(width));
        }
    }

    for (std::size_t c = 0; c < 3; ++c) detail::fill_table(scratch.tables[c], p.normalize, p.mean[c], p.std[c]);
    const int kept = static_cast<int>(y.end - y.begin);
    for (int c = 0; c < 3; ++c) {
        const std::uint8_t* plane = scratch.planes.data() + (planes == 1 ? 0 : static_cast<std::size_t>(c) * plane_size);
        const detail::value_table& table = scratch.tables[static_cast<std::size_t>(c)];
        for (int row = 0; row < y.out; ++row) {
            float* to = &out(c, row, 0);
            if (row < y.offset || row >= y.offset + kept) {
                for (int i = 0; i < x.out; ++i) to[i] = table[0];
                continue;
            }
            const std::uint8_t* pixels = plane + static_cast<std::size_t>(row - y.offset) * stride;
            if (!rows.identity) {
                detail::resize_column(plane, stride, rows, row - y.offset, scratch.sums.data(), scratch.resized.data());
                pixels = scratch.resized.data();
            }
            detail::look_up(table, pixels, x, to);
        }
    }
    return {};
}

CVT_NAMESPACE_END
