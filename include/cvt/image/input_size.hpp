// Computes the size of an input from that of its image: the resized size, the part that a crop keeps, and its place.
#pragma once

#include <optional>

#include "../shape.hpp"
#include "image_view.hpp"
#include "preprocessing.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

/// One axis of an image that becomes an input. It is resized to `resized` pixels. Of these, [begin, end) are copied to `offset` of the
/// `out` pixels of the input; the other pixels of the input are padding.
struct axis_window {
    std::int64_t resized = 0, begin = 0, end = 0;
    int offset = 0, out = 0;

    [[nodiscard]] int kept() const noexcept { return static_cast<int>(end - begin); }
};
struct image_windows {
    axis_window x, y;
};

inline axis_window crop_axis(std::int64_t resized, int size, crop_rounding rounding) noexcept {
    const std::int64_t excess = resized - size;  // negative where the crop pads
    std::int64_t begin = excess >> 1;            // floor, as Python's //
    // torchvision rounds half to even, and pads the left side with the smaller half.
    if (rounding == crop_rounding::official && excess % 2 != 0 && (excess < 0 || begin % 2 != 0)) ++begin;
    return {.resized = resized,
            .begin = begin < 0 ? 0 : begin,
            .end = begin + size < resized ? begin + size : resized,
            .offset = begin < 0 ? static_cast<int>(-begin) : 0,
            .out = size};
}

inline error check_side(const char* name, int value) noexcept {
    if (value >= 1 && value <= max_image_side) return {};
    return error::format(errc::invalid_argument, "preprocessing.%s: expected 1 to %d, found %d", name, max_image_side, value);
}

inline result<image_windows> plan_windows(const preprocessing& p, int width, int height) noexcept {
    if (error e = check_image_size(width, height)) return e;
    if (p.resample > resampling::hamming)
        return error::format(errc::invalid_argument, "preprocessing.resample: unknown filter %d", static_cast<int>(p.resample));
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

}  // namespace detail

/// Returns the height and width of the input that an image of this size becomes.
/// Errors: bad_image (a side below 1 or above 1,000,000), invalid_argument (a size, rule or filter in `p` out of range).
inline result<grid> output_size(const preprocessing& p, int image_width, int image_height) noexcept {
    const auto windows = detail::plan_windows(p, image_width, image_height);
    if (!windows) return windows.error();
    return grid{windows->y.out, windows->x.out};
}

/// Returns the height and width of every input, unchecked. Empty if the size of the input depends on that of the image, that is, with
/// neither a crop nor a warp.
constexpr std::optional<grid> output_size(const preprocessing& p) noexcept {
    if (p.center_crop) return grid{p.crop_height, p.crop_width};
    if (p.resize == preprocessing::resize_rule::warp) return grid{p.resize_height, p.resize_width};
    return std::nullopt;
}

CVT_NAMESPACE_END
