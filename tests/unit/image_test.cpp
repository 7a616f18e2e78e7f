// image.hpp: sizes, crops, resizing and normalisation against Pillow and torchvision; refusals.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <cvt/image.hpp>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

namespace {

using pixels = std::vector<std::uint8_t>;

std::string data_path(const std::string& name) { return std::string{CVT_TEST_DATA} + "/preprocessing/" + name; }

pixels read_bytes(const std::string& name) {
    std::ifstream file{data_path(name), std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

// Makes the same bytes as the functions of the same names in make_preprocessing.py.
pixels synthetic(const std::string& kind, int width, int height, int channels) {
    pixels out;
    std::uint32_t i = 0;
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
            for (int c = 0; c < channels; ++c, ++i) {
                std::uint32_t v = i * 2654435761U + static_cast<std::uint32_t>(width * 97 + height);
                v = (v ^ v >> 15) * 2246822519U;
                v = (v ^ v >> 13) * 3266489917U;
                v >>= 24;
                if (kind == "gradient") v = static_cast<std::uint32_t>(x * 3 + y * 5 + c * 85) % 256;
                if (kind == "steps") v = v >= 128 ? 255 : 0;
                out.push_back(static_cast<std::uint8_t>(v));
            }
    return out;
}

/// Removes normalisation, which bytes_of() cannot undo.
cvt::image_preprocessor without_normalization(cvt::preprocessing p) {
    p.normalize = false;
    return cvt::image_preprocessor{p};
}

/// Returns the preprocessed pixels as bytes (H, W, 3) by undoing the division by 255.
pixels bytes_of(cvt::image_preprocessor& preprocessor, const cvt::image_view& view) {
    const cvt::result<cvt::grid> size = preprocessor.plan(view.width, view.height);
    REQUIRE(size);
    std::vector<float> out(static_cast<std::size_t>(size->tokens()) * 3, -1.F);
    const cvt::error e = preprocessor.run(view, cvt::view<float, 3>{out.data(), 3, size->height, size->width});
    INFO(e.what());
    REQUIRE_FALSE(e);
    pixels bytes;
    const auto plane = static_cast<std::size_t>(size->tokens());
    for (std::size_t i = 0; i < plane; ++i)
        for (std::size_t c = 0; c < 3; ++c) bytes.push_back(static_cast<std::uint8_t>(std::lround(out[c * plane + i] * 255.F)));
    return bytes;
}

std::uint64_t fnv(const pixels& bytes) {
    std::uint64_t h = 0xCBF29CE484222325U;
    for (const std::uint8_t b : bytes) h = (h ^ b) * 0x100000001B3U;
    return h;
}

cvt::error run(const cvt::image_view& view, const cvt::preprocessing& p, int height = 224, int width = 224) {
    std::vector<float> out(3 * static_cast<std::size_t>(height) * static_cast<std::size_t>(width));
    return cvt::preprocess(view, p, cvt::view<float, 3>{out.data(), 3, height, width});
}

}  // namespace

TEST_CASE("resize and crop give the same bytes as Pillow and torchvision") {
    std::ifstream cases{data_path("resize.txt")};
    REQUIRE(cases);
    pixels before = synthetic("noise", 41, 33, 3);  // data from a previous image must not matter
    cvt::image_view view_before{before.data(), 41, 33, 3, 0};
    int count = 0;
    for (std::string line; std::getline(cases, line);) {
        if (line[0] == '#') continue;
        std::istringstream fields{line};
        std::string source, rule, rounding;
        int width = 0, height = 0, channels = 0, a = 0, b = 0;
        cvt::preprocessing p;
        cvt::grid expected;
        std::uint64_t hash = 0;
        fields >> source >> width >> height >> channels >> rule >> a >> b >> p.center_crop >> p.crop_height >> p.crop_width >> rounding;
        fields >> expected.height >> expected.width >> std::hex >> hash;
        REQUIRE(fields);
        using rules = cvt::preprocessing::resize_rule;
        p.resize = rule == "short" ? rules::short_side : rule == "warp" ? rules::warp : rules::none;
        p.short_side = a;
        p.resize_height = a;
        p.resize_width = b;
        p.rounding = rounding == "hf" ? cvt::crop_rounding::hf : cvt::crop_rounding::official;
        pixels image = source.ends_with(".rgb") ? read_bytes(source) : synthetic(source, width, height, channels);
        INFO(line);
        REQUIRE(image.size() == static_cast<std::size_t>(width * height * channels));
        const auto size = cvt::output_size(p, width, height);
        REQUIRE(size);
        REQUIRE(*size == expected);
        const cvt::image_view view{image.data(), width, height, channels, 0};
        cvt::image_preprocessor fresh = without_normalization(p), used = without_normalization(p);
        CHECK(fnv(bytes_of(fresh, view)) == hash);
        bytes_of(used, view_before);
        CHECK(fnv(bytes_of(used, view)) == hash);
        before = std::move(image);
        view_before = view;
        ++count;
    }
    CHECK(count > 100);
}

TEST_CASE("normalised values are within 2e-6 of torchvision's") {
    const pixels raw = read_bytes("normalized.f32");
    std::vector<float> expected(3 * 256);
    REQUIRE(raw.size() == expected.size() * sizeof(float));
    std::memcpy(expected.data(), raw.data(), raw.size());
    pixels every;
    for (int i = 0; i < 256; ++i) every.push_back(static_cast<std::uint8_t>(i));
    cvt::preprocessing p;
    p.resize = cvt::preprocessing::resize_rule::none;
    p.center_crop = false;
    std::vector<float> out(3 * 256);
    REQUIRE_FALSE(cvt::preprocess({every.data(), 256, 1, 1, 0}, p, cvt::view<float, 3>{out.data(), 3, 1, 256}));
    for (std::size_t i = 0; i < out.size(); ++i) CHECK(std::abs(out[i] - expected[i]) <= 2e-6F);

    // Padding is black before normalisation, not zero after it.
    p.center_crop = true;
    p.crop_height = p.crop_width = 258;
    out.resize(3 * 258 * 258);
    REQUIRE_FALSE(cvt::preprocess({every.data() + 200, 1, 1, 1, 0}, p, cvt::view<float, 3>{out.data(), 3, 258, 258}));
    CHECK(out.front() == Approx(-0.485 / 0.229));
    CHECK(out.back() == Approx(-0.406 / 0.225));
    const std::size_t row = 128 * 258;  // of the pixel; its left and right neighbours are black
    CHECK(out[row] == out.front());
    CHECK(out[row + 128] == expected[200]);
    CHECK(out[row + 257] == out.front());
}

TEST_CASE("for_size follows the official evaluation") {
    const auto small = cvt::preprocessing::for_size(224), large = cvt::preprocessing::for_size(384);
    CHECK(small.resize == cvt::preprocessing::resize_rule::short_side);
    CHECK(small.short_side == 256);
    CHECK(small.center_crop);
    CHECK(cvt::preprocessing::for_size(160).short_side == 182);
    CHECK(large.resize == cvt::preprocessing::resize_rule::warp);
    CHECK_FALSE(large.center_crop);
    CHECK(*cvt::output_size(small, 640, 427) == cvt::grid{224, 224});
    CHECK(*cvt::output_size(large, 640, 427) == cvt::grid{384, 384});
    cvt::preprocessing uncropped = small;
    uncropped.center_crop = false;
    CHECK(*cvt::output_size(uncropped, 640, 427) == cvt::grid{256, 383});
    CHECK(*cvt::output_size(uncropped, 427, 640) == cvt::grid{383, 256});
}

TEST_CASE("the common size of all inputs, if there is one") {
    using rules = cvt::preprocessing::resize_rule;
    cvt::preprocessing p;
    p.crop_height = 20;
    p.crop_width = 30;
    p.resize_height = 40;
    p.resize_width = 50;
    for (const rules rule : {rules::none, rules::short_side, rules::warp}) {
        p.resize = rule;
        p.center_crop = true;
        CHECK(cvt::output_size(p) == cvt::grid{20, 30});
        CHECK(*cvt::output_size(p, 64, 48) == cvt::grid{20, 30});
        p.center_crop = false;
        if (rule == rules::warp) {
            CHECK(cvt::output_size(p) == cvt::grid{40, 50});
            CHECK(*cvt::output_size(p, 64, 48) == cvt::grid{40, 50});
        } else {
            CHECK_FALSE(cvt::output_size(p));
        }
    }
}

TEST_CASE("rows may have gaps or a negative stride") {
    const int width = 40, height = 30, stride = 3 * width + 17;
    const pixels tight = synthetic("noise", width, height, 3);
    pixels padded(static_cast<std::size_t>(stride * height), 99), upwards(padded);
    for (int y = 0; y < height; ++y)
        for (int i = 0; i < 3 * width; ++i) {
            padded[static_cast<std::size_t>(y * stride + i)] = tight[static_cast<std::size_t>(y * 3 * width + i)];
            upwards[static_cast<std::size_t>((height - 1 - y) * stride + i)] = tight[static_cast<std::size_t>(y * 3 * width + i)];
        }
    cvt::image_preprocessor preprocessor = without_normalization(cvt::preprocessing::for_size(32));
    const pixels expected = bytes_of(preprocessor, {tight.data(), width, height, 3, 0});
    CHECK(bytes_of(preprocessor, {padded.data(), width, height, 3, stride}) == expected);
    CHECK(bytes_of(preprocessor, {upwards.data() + stride * (height - 1), width, height, 3, -stride}) == expected);
}

TEST_CASE("RGB, BGR, RGBA and BGRA pixels give the same bits, whatever the stride and the alpha") {
    const int width = 83, height = 61;
    const pixels rgb = synthetic("noise", width, height, 3);
    std::vector<cvt::preprocessing> all{cvt::preprocessing::for_size(48), cvt::preprocessing::for_size(384)};
    all.emplace_back().resize = cvt::preprocessing::resize_rule::none;
    for (const cvt::preprocessing& p : all) {
        const auto floats = [&](const cvt::image_view& view) {
            cvt::image_preprocessor preprocessor{p};
            const cvt::grid size = preprocessor.plan(width, height).value();
            std::vector<float> out(3 * static_cast<std::size_t>(size.tokens()));
            REQUIRE_FALSE(preprocessor.run(view, cvt::view<float, 3>{out.data(), 3, size.height, size.width}));
            return out;
        };
        const std::vector<float> expected = floats({rgb.data(), width, height});
        for (const bool bgr : {false, true})
            for (const int channels : {3, 4})
                for (const int padding : {0, 1, 13}) {
                    CAPTURE(bgr, channels, padding);
                    const int stride = width * channels + padding;
                    pixels stored(static_cast<std::size_t>(stride * height)), upwards;
                    for (std::size_t i = 0; i < stored.size(); ++i) stored[i] = static_cast<std::uint8_t>(i * 151);  // alpha and padding
                    for (int i = 0; i < width * height * 3; ++i) {
                        const int c = i % 3, x = i / 3 % width, y = i / 3 / width;
                        stored[static_cast<std::size_t>(y * stride + x * channels + (bgr ? 2 - c : c))] = rgb[static_cast<std::size_t>(i)];
                    }
                    for (int y = height - 1; y >= 0; --y)
                        upwards.insert(upwards.end(), &stored[0] + y * stride, &stored[0] + (y + 1) * stride);
                    const cvt::channel_order order = bgr ? cvt::channel_order::bgr : cvt::channel_order::rgb;
                    CHECK((floats({stored.data(), width, height, channels, stride, order}) == expected));
                    CHECK((floats({upwards.data() + stride * (height - 1), width, height, channels, -stride, order}) == expected));
                    if (padding == 0) CHECK((floats({stored.data(), width, height, channels, 0, order}) == expected));
                }
        const pixels grey = synthetic("noise", width, height, 1);
        CHECK((floats({grey.data(), width, height, 1, 0, cvt::channel_order::bgr}) == floats({grey.data(), width, height, 1})));
    }
}

TEST_CASE("images that cannot be preprocessed are refused with a reason") {
    const pixels image = synthetic("noise", 8, 8, 4);
    const cvt::image_view good{image.data(), 8, 8, 3, 0};
    const auto p = cvt::preprocessing::for_size(224);
    CHECK_FALSE(run(good, p));

    const auto refused = [&](const cvt::image_view& view, const cvt::preprocessing& q, cvt::errc code, const char* says) {
        const cvt::error e = run(view, q);
        INFO(says);
        CHECK(e.code() == code);
        CHECK_THAT(e.what(), Catch::Contains(says));
    };
    using cvt::errc;
    refused({nullptr, 8, 8, 3, 0}, p, errc::bad_image, "data is null");
    refused({image.data(), 0, 8, 3, 0}, p, errc::bad_image, "0 x 8");
    refused({image.data(), 8, -1, 3, 0}, p, errc::bad_image, "8 x -1");
    refused({image.data(), 2'000'000, 8, 3, 0}, p, errc::bad_image, "2000000 x 8");
    refused({image.data(), 8, 8, 2, 0}, p, errc::bad_image, "2 channels");
    refused({image.data(), 8, 8, 3, 0, static_cast<cvt::channel_order>(2)}, p, errc::bad_image, "image.order: unknown channel order 2");
    refused({image.data(), 8, 8, 3, 23}, p, errc::bad_image, "row_stride is 23");
    refused({image.data(), 8, 8, 3, -23}, p, errc::bad_image, "row_stride");
    refused({image.data(), 8, 8, 3, std::numeric_limits<std::ptrdiff_t>::max() / 2}, p, errc::bad_image, "row_stride");
    refused({image.data(), 8, 8, 3, std::numeric_limits<std::ptrdiff_t>::min()}, p, errc::bad_image, "row_stride");

    const auto changed = [&](auto change) {
        cvt::preprocessing q = p;
        change(q);
        return q;
    };
    refused(good, changed([](auto& q) { q.short_side = 0; }), errc::invalid_argument, "short_side");
    refused(good, changed([](auto& q) { q.crop_height = -3; }), errc::invalid_argument, "crop_height");
    refused(good, changed([](auto& q) { q.resize = cvt::preprocessing::resize_rule::warp, q.resize_width = 0; }), errc::invalid_argument,
            "resize_width");
    refused(good, changed([](auto& q) { q.mean_count = 1; }), errc::invalid_argument, "found 1 and 3");
    refused(good, changed([](auto& q) { q.std_count = 4; }), errc::invalid_argument, "found 3 and 4");
    refused(good, changed([](auto& q) { q.std[1] = 0.F; }), errc::invalid_argument, "std[1]");
    refused(good, changed([](auto& q) { q.std[2] = -0.F; }), errc::invalid_argument, "std[2]");
    refused(good, changed([](auto& q) { q.mean[0] = std::numeric_limits<float>::quiet_NaN(); }), errc::invalid_argument, "mean[0]");
    refused(good, changed([](auto& q) { q.std[0] = std::numeric_limits<float>::infinity(); }), errc::invalid_argument, "std[0]");
    refused({image.data(), 200, 1, 1, 0}, changed([](auto& q) { q.center_crop = false, q.short_side = 10000; }), errc::bad_image,
            "2000000 x 10000");
    CHECK_THAT(run(good, p, 224, 223).what(), Catch::Contains("expected [3, 224, 224], found [3, 224, 223]"));
}
