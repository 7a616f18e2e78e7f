// input_side.hpp: the official rule, or the model's own.
#include "common/input_side.hpp"

namespace app {

using rule = cvt::preprocessing::resize_rule;

cvt::grid size_of(const cvt::preprocessing& p) { return cvt::output_size(p).value_or(cvt::grid{p.short_side, p.short_side}); }

bool warps_at(const cvt::preprocessing& p, int height) {
    const bool official = p.resize == cvt::preprocessing::for_size(size_of(p).height).resize;
    return (official ? cvt::preprocessing::for_size(height).resize : p.resize) == rule::warp;
}

void resize_to(cvt::preprocessing& p, cvt::grid size, bool warp) {
    // The official int(side / 0.875) cannot be computed from rounded numbers.
    const int side = size.height;
    const auto official_short_side = [](int n) { return static_cast<int>(std::int64_t{n} * 8 / 7); };
    const bool own_ratio = p.resize == rule::short_side && p.center_crop && p.short_side != official_short_side(p.crop_height);
    p.short_side = own_ratio ? static_cast<int>(std::int64_t{side} * p.short_side / p.crop_height) : official_short_side(side);
    p.resize = warp ? rule::warp : rule::short_side;
    p.center_crop = !warp;
    p.resize_height = p.crop_height = size.height;
    p.resize_width = p.crop_width = size.width;
}

}  // namespace app
