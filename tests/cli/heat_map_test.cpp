// heat_map: colours, positions in the photo, PNG files.
#include "common/heat_map/heat_map.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <cvt/extra/decode.hpp>
#include <cvt/image/attention_geometry.hpp>
#include <filesystem>

#include "common/heat_map/colour_ramp.hpp"
#include "common/heat_map/png.hpp"
#include "support/temporary_folder.hpp"

namespace {

// CIE L* of an sRGB colour, 0 to 100; the ramp itself is made with OKLCh.
double lightness(const heat_map::rgb& c) {
    const auto linear = [](std::uint8_t v) {
        const double x = v / 255.0;
        return x <= 0.04045 ? x / 12.92 : std::pow((x + 0.055) / 1.055, 2.4);
    };
    return 116 * std::cbrt(0.2126 * linear(c[0]) + 0.7152 * linear(c[1]) + 0.0722 * linear(c[2])) - 16;
}

// The centre of the brightest pixels. Colours of the ramp brighten red and green in a grey photo.
struct spot {
    double x = 0, y = 0;
};
spot brightest(const std::vector<std::uint8_t>& picture, int width, int height) {
    int best = -1;
    double x_sum = 0, y_sum = 0, count = 0;
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x) {
            const std::uint8_t* p = &picture[static_cast<std::size_t>(3 * (y * width + x))];
            const int brightness = p[0] + p[1];
            if (brightness > best) best = brightness, x_sum = y_sum = count = 0;
            if (brightness == best) x_sum += x + 0.5, y_sum += y + 0.5, ++count;
        }
    return {x_sum / count, y_sum / count};
}

}  // namespace

TEST_CASE("the ramp's lightness rises evenly") {
    double before = lightness(heat_map::ramp(0));
    CHECK(before < 25);
    CHECK(lightness(heat_map::ramp(1)) > 90);
    for (int i = 1; i <= 32; ++i) {
        const double now = lightness(heat_map::ramp(i / 32.0));
        CHECK(now - before > 1.2);
        CHECK(now - before < 3.6);
        before = now;
    }
    CHECK(heat_map::ramp(-1) == heat_map::ramp(0));
    CHECK(heat_map::ramp(2) == heat_map::ramp(1));
}

TEST_CASE("the value of a key is drawn at its receptive field") {
    const cvt::config c = cvt::cvt_13;
    cvt::preprocessing warp = cvt::preprocessing::for_size(224);
    warp.resize = cvt::preprocessing::resize_rule::warp;
    warp.center_crop = false;
    const int heads = c.last_stage().num_heads;
    for (const cvt::preprocessing& p : {cvt::preprocessing::for_size(224), warp})
        for (const auto& [width, height] : {std::pair{300, 401}, std::pair{640, 427}})
            for (const auto& [row, column] : {std::pair{2, 4}, std::pair{5, 1}}) {
                const std::vector<std::uint8_t> grey(static_cast<std::size_t>(3 * width * height), 100);
                std::vector<float> attention(static_cast<std::size_t>(heads * 49));
                for (int h = 0; h < heads; ++h)
                    attention[static_cast<std::size_t>(h * 49 + row * 7 + column)] = 0.1F * static_cast<float>(h);
                const auto picture = heat_map::draw({grey.data(), width, height, 3, 0}, attention, c, p);
                REQUIRE(picture);
                REQUIRE(picture->size() == grey.size());
                const auto region = cvt::input_region(p, width, height);
                const spot found = brightest(*picture, width, height);
                // column 4's receptive field is centred on pixel 4 * 32 + 1.5 of 224
                CHECK(found.x == Approx(region->left + (column * 32 + 1.5) / 224 * region->width).margin(2));
                CHECK(found.y == Approx(region->top + (row * 32 + 1.5) / 224 * region->height).margin(2));
            }
}

TEST_CASE("all heads have the same weight, and zero attention is drawn without colour") {
    const cvt::config c = cvt::cvt_13;
    const cvt::preprocessing p = cvt::preprocessing::for_size(384);
    const std::vector<std::uint8_t> grey(3 * 50 * 40, 100);
    const cvt::image_view photo{grey.data(), 50, 40, 3, 0}, one_channel{grey.data(), 50, 40, 1, 0};
    std::vector<float> attention(6 * 144), swapped(6 * 144);
    for (std::size_t i = 0; i < attention.size(); ++i) {
        attention[i] = static_cast<float>(i % 97) / 128;
        swapped[(i + 3 * 144) % attention.size()] = attention[i];
    }
    CHECK(*heat_map::draw(photo, attention, c, p) == *heat_map::draw(photo, swapped, c, p));
    CHECK(*heat_map::draw(photo, attention, c, p) == *heat_map::draw(one_channel, attention, c, p));
    std::vector<std::uint8_t> rgb, bgr;
    for (int i = 0; i < 50 * 40; ++i) {
        const std::uint8_t red = static_cast<std::uint8_t>(i), blue = static_cast<std::uint8_t>(i * 7);
        rgb.insert(rgb.end(), {red, 90, blue});
        bgr.insert(bgr.end(), {blue, 90, red});
    }
    CHECK(*heat_map::draw({bgr.data(), 50, 40, 3, 0, cvt::channel_order::bgr}, attention, c, p) ==
          *heat_map::draw({rgb.data(), 50, 40}, attention, c, p));
    const auto none = heat_map::draw(photo, std::vector<float>(6 * 144), c, p);
    REQUIRE(none);
    CHECK(*none == std::vector<std::uint8_t>(none->size(), 80));
}

TEST_CASE("attention of another size is an error") {
    const std::vector<std::uint8_t> grey(3 * 50 * 40, 100);
    const cvt::image_view photo{grey.data(), 50, 40, 3, 0};
    const cvt::preprocessing p = cvt::preprocessing::for_size(224);
    const auto wrong = heat_map::draw(photo, std::vector<float>(6 * 48), cvt::cvt_13, p);
    REQUIRE_FALSE(wrong);
    CHECK(std::string{wrong.error().what()} == "attention: expected 294 values (heads x keys), found 288");
    cvt::config without = cvt::cvt_13;
    without.stage[2].cls_token = false;
    CHECK_FALSE(heat_map::draw(photo, std::vector<float>(6 * 49), without, p));
    CHECK_FALSE(heat_map::draw({grey.data(), 0, 40, 3, 0}, std::vector<float>(6 * 49), cvt::cvt_13, p));
}

TEST_CASE("write_png writes exact pixels, replaces whole files, and leaves nothing behind after an error") {
    const cvt_test::temporary_folder folder;
    std::vector<std::uint8_t> pixels;
    for (int i = 0; i < 3 * 31 * 17; ++i) pixels.push_back(static_cast<std::uint8_t>(i * i));
    std::filesystem::create_symlink(folder / "elsewhere", folder / "a.png");
    REQUIRE_FALSE(heat_map::write_png(folder / "a.png", pixels, 31, 17));
    CHECK_FALSE(std::filesystem::exists(folder / "elsewhere"));  // a link is replaced, not followed
    const auto back = cvt::read_image((folder / "a.png").c_str(), cvt::orientation::ignore);
    REQUIRE(back);
    CHECK(back->width == 31);
    CHECK(std::vector<std::uint8_t>(back->pixels.begin(), back->pixels.end()) == pixels);

    std::filesystem::create_directory(folder / "b.png");
    for (const std::string& path : {folder / "b.png", folder / "missing/c.png"}) {
        const cvt::error e = heat_map::write_png(path, pixels, 31, 17);
        CHECK(e.code() == cvt::errc::io);
        CHECK(std::string{e.what()}.starts_with(path + " cannot be written: "));
    }
    std::size_t entries = 0;
    for (const auto& entry : std::filesystem::directory_iterator{folder.path()})
        entries += entry.path() == folder / "a.png" || entry.is_directory() ? 0U : 1U;
    CHECK(entries == 0);
}
