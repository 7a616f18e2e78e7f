// The geometry of attention on an image: the region that becomes the input, and the positions of the keys in it.
#pragma once

#include "input_size.hpp"

CVT_NAMESPACE_BEGIN

/// A rectangle in the pixels of an image: pixel (0, 0) covers [0, 1) x [0, 1).
/// @code{.cpp}
/// cvt::result<cvt::image_region> seen = cvt::input_region(model.preprocessing(), photo.width, photo.height);
/// if (!seen) return report(seen.error());
/// std::printf("%g x %g pixels at (%g, %g)\n", seen->width, seen->height, seen->left, seen->top);
/// @endcode
struct image_region {
    double left = 0, top = 0, width = 0, height = 0;
};

/// Returns the region of an image that the model sees: the whole image for a warp, a centred part for a crop. The region extends
/// beyond the image where the crop pads. Errors: those of output_size().
inline result<image_region> input_region(const preprocessing& p, int image_width, int image_height) noexcept {
    const result<detail::image_windows> windows = detail::plan_windows(p, image_width, image_height);
    if (!windows) return windows.error();
    const detail::axis_window &x = windows->x, &y = windows->y;
    const double x_scale = image_width / static_cast<double>(x.resized), y_scale = image_height / static_cast<double>(y.resized);
    return image_region{static_cast<double>(x.begin - x.offset) * x_scale, static_cast<double>(y.begin - y.offset) * y_scale,
                        x.out * x_scale, y.out * y_scale};
}

/// Evenly spaced positions on an axis of the input, in pixels: position i is first + i * step.
/// @code{.cpp}
/// const cvt::key_places at = cvt::last_stage_keys(cvt::cvt_13);
/// for (int i = 0; i < 7; ++i) std::printf("%g ", at.first + i * at.step);  // 1.5 33.5 ... 193.5
/// std::puts("");
/// @endcode
struct key_places {
    double first = 0, step = 0;
};

/// Returns the centres of the receptive fields of the last stage's keys, which are the same along both axes. They are not the centres
/// of equal cells: CvT-13's 7 keys along 224 pixels are at 1.5, 33.5, ... 193.5.
constexpr key_places last_stage_keys(const config& c) noexcept {
    key_places at{0.5, 1};
    const auto coarser = [&at](int kernel, int stride, int padding) noexcept {
        at.first += at.step * (0.5 * (kernel - 1) - padding);
        at.step *= stride;
    };
    for (const stage_config& s : c.stages()) coarser(s.patch_size, s.patch_stride, s.patch_padding);
    const stage_config& last = c.last_stage();
    if (last.qkv_projection != projection::linear) coarser(last.kernel_qkv, last.stride_kv, last.padding_kv);
    return at;
}

CVT_NAMESPACE_END
