// input_size.hpp: the official rule, or the model's own.
#include "common/input_size.hpp"

namespace app {

using rule = cvt::preprocessing::resize_rule;

cvt::grid input_size(const cvt::preprocessing& p) { return cvt::output_size(p).value_or(cvt::grid{p.short_side, p.short_side}); }

void resize_to(cvt::preprocessing& p, cvt::grid size, std::optional<resize_method> method) {
    const int side = size.height;
    const bool official = p.resize == cvt::preprocessing::for_size(input_size(p).height).resize;
    const rule own = official ? cvt::preprocessing::for_size(side).resize : p.resize;
    const bool warps = method ? *method == resize_method::warp : own == rule::warp;
    // Keeps the model's own ratio of resize to crop. The official int(side / 0.875) cannot be computed from rounded numbers.
    const auto official_short_side = [](int n) { return static_cast<int>(std::int64_t{n} * 8 / 7); };
    const bool own_ratio = p.resize == rule::short_side && p.center_crop && p.short_side != official_short_side(p.crop_height);
    p.short_side = own_ratio ? static_cast<int>(std::int64_t{side} * p.short_side / p.crop_height) : official_short_side(side);
    p.resize = warps ? rule::warp : rule::short_side;
    p.center_crop = !warps;
    p.resize_height = p.crop_height = size.height;
    p.resize_width = p.crop_width = size.width;
}

}  // namespace app
