// attention_geometry: input regions against the effect of preprocess() on drawn pixels, key positions against enumerated receptive fields.
#include <catch2/catch.hpp>
#include <cvt/image/attention_geometry.hpp>
#include <cvt/image/preprocessor.hpp>
#include <vector>

namespace {

// Preprocesses a black photo with one white row or column, and returns the position of the light in input pixels.
double centre_of_light(const cvt::preprocessing& p, int width, int height, int at, bool horizontal) {
    std::vector<std::uint8_t> pixels(static_cast<std::size_t>(width * height), 0);
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
            if ((horizontal ? x : y) == at) pixels[static_cast<std::size_t>(y * width + x)] = 255;
    const auto size = cvt::output_size(p, width, height);
    REQUIRE(size);
    std::vector<float> input(static_cast<std::size_t>(3 * size->tokens()));
    const cvt::view<float, 3> out{input.data(), 3, size->height, size->width};
    REQUIRE_FALSE(cvt::preprocess({pixels.data(), width, height, 1, 0}, p, out));
    double sum = 0, moment = 0;
    for (int y = 0; y < size->height; ++y)
        for (int x = 0; x < size->width; ++x) {
            sum += static_cast<double>(out(0, y, x));
            moment += static_cast<double>(out(0, y, x)) * ((horizontal ? x : y) + 0.5);
        }
    REQUIRE(sum > 0);
    return moment / sum;
}

struct interval {
    int first, last;
};

// Returns the range of pixels in the (unbounded) input on which `key` of the last stage depends.
interval receptive_field(const cvt::config& c, int key) {
    interval field{key, key};
    const auto widen = [&field](int kernel, int stride, int padding) {
        field.first = field.first * stride - padding;
        field.last = field.last * stride - padding + kernel - 1;
    };
    const cvt::stage_config& last = c.last_stage();
    if (last.qkv_projection != cvt::projection::linear) widen(last.kernel_qkv, last.stride_kv, last.padding_kv);
    for (std::size_t i = c.stages().size(); i-- > 0;) widen(c.stage[i].patch_size, c.stage[i].patch_stride, c.stage[i].patch_padding);
    return field;
}

}  // namespace

TEST_CASE("input_region agrees with preprocess()") {
    cvt::preprocessing crop = cvt::preprocessing::for_size(224), warp = cvt::preprocessing::for_size(384), as_is, hf = crop;
    as_is.resize = cvt::preprocessing::resize_rule::none;
    as_is.center_crop = false;
    hf.rounding = cvt::crop_rounding::hf;
    cvt::preprocessing small = crop;
    small.short_side = 100;  // the crop is larger: it pads
    for (cvt::preprocessing p : {crop, warp, as_is, hf, small}) {
        p.normalize = false;
        for (const auto& [width, height] : {std::pair{61, 47}, std::pair{300, 401}, std::pair{640, 427}}) {
            CAPTURE(static_cast<int>(p.resize), p.center_crop, p.short_side, width, height);
            const auto region = cvt::input_region(p, width, height);
            const auto size = cvt::output_size(p, width, height);
            REQUIRE(region);
            REQUIRE(size);
            const int x = width / 2 + 3, y = height / 2 - 5;
            CHECK(centre_of_light(p, width, height, x, true) == Approx((x + 0.5 - region->left) * size->width / region->width).margin(0.1));
            CHECK(centre_of_light(p, width, height, y, false) ==
                  Approx((y + 0.5 - region->top) * size->height / region->height).margin(0.1));
        }
    }
}

TEST_CASE("input_region of known cases") {
    // 640 x 427 becomes 383 x 256, of which columns [80, 304) and rows [16, 240) are kept: round(79.5) is 80, half to even.
    const auto crop = cvt::input_region(cvt::preprocessing::for_size(224), 640, 427);
    REQUIRE(crop);
    CHECK(crop->left == Approx(80 * 640 / 383.0));
    CHECK(crop->width == Approx(224 * 640 / 383.0));
    CHECK(crop->top == Approx(16 * 427 / 256.0));
    const auto warp = cvt::input_region(cvt::preprocessing::for_size(384), 640, 427);
    REQUIRE(warp);
    CHECK(warp->left == 0);
    CHECK(warp->width == Approx(640));
    CHECK(warp->height == Approx(427));
    CHECK(cvt::input_region(cvt::preprocessing::for_size(384), 0, 5).error().code() == cvt::errc::bad_image);
}

TEST_CASE("last_stage_keys are the centres of receptive fields") {
    cvt::config linear = cvt::cvt_13, odd = cvt::cvt_13, one;
    linear.stage[2].qkv_projection = cvt::projection::linear;
    odd.stage[1].patch_size = 4;
    odd.stage[1].patch_stride = 4;
    odd.stage[1].patch_padding = 0;
    odd.stage[2].kernel_qkv = 5;
    odd.stage[2].stride_kv = 3;
    odd.stage[2].padding_kv = 1;
    one.num_stages = 1;
    for (const cvt::config& c : {cvt::cvt_13, cvt::cvt_w24, linear, odd, one}) {
        const cvt::key_places at = cvt::last_stage_keys(c);
        for (const int key : {0, 1, 6}) {
            const interval field = receptive_field(c, key);
            CHECK(at.first + key * at.step == 0.5 * (field.first + field.last + 1));
        }
    }
    static_assert(cvt::last_stage_keys(cvt::cvt_13).first == 1.5 && cvt::last_stage_keys(cvt::cvt_13).step == 32);
}
