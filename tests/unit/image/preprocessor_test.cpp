// image_preprocessor: results independent of earlier images, plans, the order of errors, memory.
#include <string>

#include "support/counted_new.hpp"

#include <catch2/catch.hpp>
#include <cstring>
#include <cvt/image/preprocessor.hpp>
#include <limits>
#include <vector>

using cvt_test::allocations;

namespace {

/// An image of synthetic pixels, which must outlive its view().
struct picture {
    std::vector<std::uint8_t> pixels;
    int width, height, channels;

    picture(int w, int h, int c = 3) : width{w}, height{h}, channels{c} {
        std::uint32_t v = static_cast<std::uint32_t>(w * 31 + h * 7 + c);
        for (int i = 0; i < w * h * c; ++i) {
            v = v * 1664525U + 1013904223U;
            pixels.push_back(static_cast<std::uint8_t>(v >> 24));
        }
    }
    [[nodiscard]] cvt::image_view view() const { return {pixels.data(), width, height, channels, 0}; }
};

/// Preprocesses the image; plans first, like a host that needs the size.
std::vector<float> input_of(cvt::image_preprocessor& preprocessor, const picture& image) {
    const cvt::result<cvt::grid> size = preprocessor.plan(image.width, image.height);
    REQUIRE(size);
    std::vector<float> out(3 * static_cast<std::size_t>(size->tokens()), std::numeric_limits<float>::quiet_NaN());
    REQUIRE_FALSE(preprocessor.run(image.view(), cvt::view<float, 3>{out.data(), 3, size->height, size->width}));
    return out;
}

std::vector<float> alone(const cvt::preprocessing& p, const picture& image) {
    cvt::image_preprocessor fresh{p};
    return input_of(fresh, image);
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

/// All kinds of preprocessing: crop, crop with padding, warp, neither, and no resizing.
std::vector<cvt::preprocessing> preprocessings() {
    cvt::preprocessing padded = cvt::preprocessing::for_size(64), uncropped = padded, as_is, bare = padded;
    padded.short_side = 40;
    uncropped.center_crop = false;
    as_is.resize = cvt::preprocessing::resize_rule::none;
    as_is.center_crop = false;
    bare.normalize = false;
    return {cvt::preprocessing::for_size(64), cvt::preprocessing::for_size(384), padded, uncropped, as_is, bare};
}

template <class Work>
long allocations_of(Work work) {
    const long before = allocations::count;
    work();
    return allocations::count - before;
}

}  // namespace

TEST_CASE("the result for an image does not depend on earlier images") {
    const picture a{90, 70}, b{70, 90}, smaller{20, 30}, grey{90, 70, 1}, rgba{90, 70, 4}, square{64, 64};
    for (const cvt::preprocessing& p : preprocessings()) {
        CAPTURE(static_cast<int>(p.resize), p.center_crop, p.short_side);
        cvt::image_preprocessor preprocessor{p};
        for (const picture* image : {&a, &b, &a, &a, &smaller, &grey, &a, &rgba, &grey, &square, &b, &square, &rgba}) {
            CAPTURE(image->width, image->height, image->channels);
            CHECK(same_bits(input_of(preprocessor, *image), alone(p, *image)));
        }
    }
}

TEST_CASE("run() plans if necessary, and preprocess() equals a preprocessor used once") {
    const picture a{90, 70}, b{70, 90};
    const cvt::preprocessing p = cvt::preprocessing::for_size(64);
    cvt::image_preprocessor preprocessor{p};
    CHECK(preprocessor.preprocessing().crop_width == 64);
    std::vector<float> out(std::size_t{3} * 64 * 64);
    const cvt::view<float, 3> input{out.data(), 3, 64, 64};
    for (const picture* image : {&a, &b, &a}) {
        REQUIRE_FALSE(preprocessor.run(image->view(), input));
        CHECK(same_bits(out, alone(p, *image)));
        REQUIRE_FALSE(cvt::preprocess(image->view(), p, input));
        CHECK(same_bits(out, alone(p, *image)));
    }
    // A plan for a different image is ignored.
    REQUIRE(preprocessor.plan(10, 500));
    REQUIRE_FALSE(preprocessor.run(a.view(), input));
    CHECK(same_bits(out, alone(p, a)));
    cvt::image_preprocessor moved{std::move(preprocessor)};
    CHECK(same_bits(input_of(moved, a), alone(p, a)));
    CHECK(same_bits(input_of(moved, b), alone(p, b)));
    moved = cvt::image_preprocessor{cvt::preprocessing::for_size(32)};
    CHECK(same_bits(input_of(moved, b), alone(cvt::preprocessing::for_size(32), b)));
}

TEST_CASE("plan() agrees with output_size(), and a failed plan() changes nothing") {
    const picture a{90, 70};
    for (const cvt::preprocessing& p : preprocessings()) {
        cvt::image_preprocessor preprocessor{p};
        for (const int none : {0, -1}) CHECK(preprocessor.plan(none, none).error().code() == cvt::errc::bad_image);
        for (const auto& [width, height] : {std::pair{90, 70}, std::pair{90, 71}, std::pair{91, 71}, std::pair{90, 70}, std::pair{70, 90}})
            CHECK(*preprocessor.plan(width, height) == *cvt::output_size(p, width, height));
        const std::vector<float> before = input_of(preprocessor, a);
        for (int round = 0; round < 2; ++round) {  // the second call must not accept the failed plan
            CHECK(preprocessor.plan(0, 70).error().code() == cvt::errc::bad_image);
            CHECK(preprocessor.plan(0, 70).error().code() == cvt::errc::bad_image);
            CHECK(preprocessor.plan(90, 2'000'000).error().code() == cvt::errc::bad_image);
        }
        CHECK(same_bits(input_of(preprocessor, a), before));
    }
}

TEST_CASE("errors come in the order size, pixels, normalisation, capacity of the result, and allocate nothing") {
    const picture a{8, 8};
    cvt::preprocessing p = cvt::preprocessing::for_size(16);
    p.mean_count = 1;
    cvt::image_preprocessor preprocessor{p};
    std::vector<float> out(std::size_t{3} * 16 * 16);
    const cvt::view<float, 3> wrong{out.data(), 3, 16, 15}, right{out.data(), 3, 16, 16};
    cvt::image_view view{nullptr, 8, 0, 3, 0};
    const auto refused = [&](cvt::image_preprocessor& by, const cvt::view<float, 3>& to, cvt::errc code, const char* says) {
        cvt::error e;
        CHECK(allocations_of([&] { e = by.run(view, to); }) == 0);
        INFO(says);
        CHECK(e.code() == code);
        CHECK_THAT(e.what(), Catch::Contains(says));
    };
    refused(preprocessor, wrong, cvt::errc::bad_image, "8 x 0");
    view.height = 8;
    refused(preprocessor, wrong, cvt::errc::bad_image, "data is null");
    view.data = a.pixels.data();
    view.row_stride = 1;
    refused(preprocessor, wrong, cvt::errc::bad_image, "row_stride is 1");
    view.row_stride = 0;
    refused(preprocessor, wrong, cvt::errc::invalid_argument, "found 1 and 3");
    refused(preprocessor, right, cvt::errc::invalid_argument, "found 1 and 3");
    p.mean_count = 3;
    cvt::image_preprocessor good{p};
    refused(good, wrong, cvt::errc::invalid_argument, "expected [3, 16, 16], found [3, 16, 15]");
    refused(good, cvt::view<float, 3>{nullptr, 3, 16, 16}, cvt::errc::invalid_argument, "without data");
    CHECK_FALSE(good.run(view, right));
    // Pixels and capacity are checked even if the size was valid before.
    refused(good, wrong, cvt::errc::invalid_argument, "found [3, 16, 15]");
    view.channels = 2;
    refused(good, right, cvt::errc::bad_image, "2 channels");
}

TEST_CASE("the constructor, plan() and images of previous sizes allocate nothing") {
    const picture a{300, 200}, b{200, 300}, small{20, 30}, grey{300, 200, 1};
    for (const cvt::preprocessing& p : preprocessings()) {
        std::vector<float> out(std::size_t{3} * 400 * 400);
        const auto run = [&](cvt::image_preprocessor& preprocessor, const picture& image) {
            const cvt::result<cvt::grid> size = preprocessor.plan(image.width, image.height);
            return static_cast<bool>(preprocessor.run(image.view(), cvt::view<float, 3>{out.data(), 3, size->height, size->width}));
        };
        CHECK(allocations_of([&] { (void)cvt::image_preprocessor{p}.plan(300, 200); }) == 0);
        cvt::image_preprocessor preprocessor{p};
        CHECK(allocations_of([&] { (void)run(preprocessor, a); }) > 0);
        CHECK(allocations_of([&] { (void)(run(preprocessor, a) || run(preprocessor, grey)); }) == 0);
        bool failed = false;
        for (const picture* image : {&b, &small}) failed = run(preprocessor, *image) || failed;
        CHECK(allocations_of([&] {
                  for (const picture* image : {&a, &b, &small, &grey, &b, &b, &a}) failed = run(preprocessor, *image) || failed;
              }) == 0);
        CHECK_FALSE(failed);
    }
}

TEST_CASE("extreme shapes need little memory") {
    const picture strip{1, 16384};
    std::vector<float> out(std::size_t{3} * 224 * 224);
    for (const bool tall : {true, false}) {
        cvt::image_preprocessor preprocessor{cvt::preprocessing::for_size(224)};
        const cvt::image_view view{strip.pixels.data(), tall ? 1 : 16384, tall ? 16384 : 1, 3, 0};
        const std::size_t before = allocations::bytes;
        REQUIRE_FALSE(preprocessor.run(view, cvt::view<float, 3>{out.data(), 3, 224, 224}));
        CHECK(allocations::bytes - before < (1U << 20));
    }
}

TEST_CASE("every allocation may fail, and the next call works") {
    const picture first{50, 60}, image{500, 400};
    const cvt::preprocessing p = cvt::preprocessing::for_size(64);
    const std::vector<float> expected = alone(p, image), of_first = alone(p, first);
    std::vector<float> out(expected.size());
    const cvt::view<float, 3> input{out.data(), 3, 64, 64};
    cvt::error e;
    int failures = 0;
    do {
        cvt::image_preprocessor preprocessor{p};
        REQUIRE_FALSE(preprocessor.run(first.view(), input));
        allocations::left = failures;
        e = preprocessor.run(image.view(), input);
        allocations::left = -1;
        if (e) {
            CHECK(e.code() == cvt::errc::out_of_memory);
            ++failures;
            if (failures % 2 == 0) {
                REQUIRE_FALSE(preprocessor.run(first.view(), input));
                CHECK(same_bits(out, of_first));
            }
            REQUIRE_FALSE(preprocessor.run(image.view(), input));
        }
        CHECK(same_bits(out, expected));
    } while (e && failures < 100);
    CHECK(failures >= 4);  // taps of both axes, rows, planes
    CHECK_FALSE(e);
}
