// Resizing by every filter: Pillow's bytes, and those of a plain restatement of Pillow's loops.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <cvt/image.hpp>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace {

using cvt::resampling;
using pixels = std::vector<std::uint8_t>;

constexpr resampling all_filters[]{resampling::nearest, resampling::lanczos, resampling::bilinear,
                                   resampling::bicubic, resampling::box,     resampling::hamming};

/// The same bytes as the functions of these names in make_preprocessing.py.
pixels synthetic(const std::string& kind, int width, int height) {
    pixels out;
    for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(width * height * 3); ++i) {
        std::uint32_t v = i * 2654435761U + static_cast<std::uint32_t>(width * 97 + height);
        v = (v ^ v >> 15) * 2246822519U;
        v = (v ^ v >> 13) * 3266489917U;
        v >>= 24;
        out.push_back(static_cast<std::uint8_t>(kind == "steps" ? (v >= 128 ? 255 : 0) : v));
    }
    return out;
}

/// The bytes (H, W, 3) that a warp to this size gives.
pixels warped(const pixels& image, int width, int height, int to_width, int to_height, resampling how) {
    cvt::preprocessing p;
    p.resize = cvt::preprocessing::resize_rule::warp;
    p.resize_width = to_width;
    p.resize_height = to_height;
    p.resample = how;
    p.center_crop = p.normalize = false;
    p.rescale_factor = 1;
    std::vector<float> out(3 * static_cast<std::size_t>(to_width * to_height), -1.F);
    const cvt::error e = cvt::preprocess({image.data(), width, height}, p, cvt::view<float, 3>{out.data(), 3, to_height, to_width});
    INFO(e.what());
    REQUIRE_FALSE(e);
    pixels bytes;
    const std::size_t plane = out.size() / 3;
    for (std::size_t i = 0; i < plane; ++i)
        for (std::size_t c = 0; c < 3; ++c) bytes.push_back(static_cast<std::uint8_t>(out[c * plane + i]));
    return bytes;
}

std::uint64_t fnv(const pixels& bytes) {
    std::uint64_t h = 0xCBF29CE484222325U;
    for (const std::uint8_t b : bytes) h = (h ^ b) * 0x100000001B3U;
    return h;
}

// --- Pillow's Resample.c and Geometry.c, written down once more without windows, planes or vectors.

double rounded(double v) {  // what FMA would not do
    volatile double kept = v;
    return kept;
}

double sinc(double x) { return x == 0 ? 1.0 : rounded(std::sin(rounded(x * M_PI))) / rounded(x * M_PI); }

double weight(resampling how, double x) {
    const double a = std::abs(x);
    switch (how) {
        case resampling::box: return x > -0.5 && x <= 0.5 ? 1 : 0;
        case resampling::bilinear: return a < 1 ? 1 - a : 0;
        case resampling::hamming: {
            if (a >= 1) return 0;
            const double cosine = rounded(static_cast<double>(0.46F) * std::cos(rounded(a * M_PI)));
            return a == 0 ? 1 : rounded(sinc(a)) * rounded(static_cast<double>(0.54F) + cosine);
        }
        case resampling::bicubic:
            if (a < 1) return rounded(rounded((rounded(1.5 * a) - 2.5) * a) * a) + 1;
            if (a < 2) return (rounded((rounded((a - 5) * a) + 8) * a) - 4) * -0.5;
            return 0;
        case resampling::lanczos: return -3 <= x && x < 3 ? rounded(sinc(x)) * rounded(sinc(x / 3)) : 0;
        case resampling::nearest: break;
    }
    return 0;
}

double support(resampling how) {
    switch (how) {
        case resampling::box: return 0.5;
        case resampling::bicubic: return 2;
        case resampling::lanczos: return 3;
        default: return 1;
    }
}

/// One line of pixels `step` bytes apart.
std::vector<int> resized_line(const std::vector<int>& in, int out, resampling how) {
    const int size = static_cast<int>(in.size());
    if (size == out) return in;
    std::vector<int> line;
    const double scale = static_cast<double>(size) / out, stretch = std::max(scale, 1.0), reach = support(how) * stretch;
    double at = scale * 0.5;
    for (int x = 0; x < out; ++x, at += scale) {
        if (how == resampling::nearest) {
            line.push_back(in[static_cast<std::size_t>(at)]);
            continue;
        }
        const double centre = rounded((x + 0.5) * scale);
        const int from = std::max(0, static_cast<int>(centre - reach + 0.5)), to = std::min(size, static_cast<int>(centre + reach + 0.5));
        std::vector<double> weights;
        double total = 0;
        for (int i = 0; i < to - from; ++i) {
            weights.push_back(weight(how, rounded(rounded(i + from - centre) + 0.5) * (1 / stretch)));
            total += weights.back();
        }
        std::int32_t sum = 1 << 21;
        for (int i = 0; i < to - from; ++i) {
            const double w = weights[static_cast<std::size_t>(i)] / (total != 0 ? total : 1);
            sum += in[static_cast<std::size_t>(from + i)] * static_cast<std::int32_t>(rounded(w * (1 << 22)) + (w < 0 ? -0.5 : 0.5));
        }
        line.push_back(std::clamp(sum >> 22, 0, 255));
    }
    return line;
}

pixels naive(const pixels& image, int width, int height, int to_width, int to_height, resampling how) {
    const auto at = [](int x, int y, int c, int w) { return static_cast<std::size_t>((y * w + x) * 3 + c); };
    pixels rows(static_cast<std::size_t>(3 * to_width * height)), out(static_cast<std::size_t>(3 * to_width * to_height));
    std::vector<int> line;
    for (int c = 0; c < 3; ++c) {
        for (int y = 0; y < height; ++y) {
            line.clear();
            for (int x = 0; x < width; ++x) line.push_back(image[at(x, y, c, width)]);
            line = resized_line(line, to_width, how);
            for (int x = 0; x < to_width; ++x) rows[at(x, y, c, to_width)] = static_cast<std::uint8_t>(line[static_cast<std::size_t>(x)]);
        }
        for (int x = 0; x < to_width; ++x) {
            line.clear();
            for (int y = 0; y < height; ++y) line.push_back(rows[at(x, y, c, to_width)]);
            line = resized_line(line, to_height, how);
            for (int y = 0; y < to_height; ++y) out[at(x, y, c, to_width)] = static_cast<std::uint8_t>(line[static_cast<std::size_t>(y)]);
        }
    }
    return out;
}

resampling filter_called(const std::string& name) {
    for (const resampling how : all_filters)
        if (name == cvt::to_string(how)) return how;
    FAIL("no filter is called " + name);
    return resampling::bicubic;
}

}  // namespace

TEST_CASE("every filter gives Pillow's bytes") {
    std::ifstream cases{std::string{CVT_TEST_DATA} + "/preprocessing/filters.txt"};
    REQUIRE(cases);
    int count = 0;
    for (std::string line; std::getline(cases, line);) {
        if (line[0] == '#') continue;
        std::istringstream fields{line};
        std::string filter, source;
        int width = 0, height = 0, results = 0, to_width = 0, to_height = 0;
        std::uint64_t hash = 0;
        fields >> filter >> source >> width >> height >> results;
        if (results == 1) fields >> to_width >> to_height;
        fields >> std::hex >> hash;
        REQUIRE(fields);
        const pixels image = synthetic(source, width, height);
        pixels all;
        for (int i = 1; i <= results; ++i) {
            const pixels one = results == 1 ? warped(image, width, height, to_width, to_height, filter_called(filter))
                                            : warped(image, width, height, i, 41 - i, filter_called(filter));
            all.insert(all.end(), one.begin(), one.end());
        }
        INFO(line);
        CHECK(fnv(all) == hash);
        ++count;
    }
    CHECK(count == 600);
}

TEST_CASE("every filter agrees with a plain restatement of Pillow's loops") {
    std::uint32_t random = 1;
    const auto below = [&random](int end) {
        random = random * 1664525U + 1013904223U;
        return static_cast<int>((random >> 8) % static_cast<std::uint32_t>(end));
    };
    for (const resampling how : all_filters) {
        CAPTURE(cvt::to_string(how));
        for (int in = 1; in <= 17; ++in)
            for (int out = 1; out <= 17; ++out) {
                CAPTURE(in, out);
                const pixels image = synthetic("steps", in, 18 - in);
                CHECK(warped(image, in, 18 - in, out, in, how) == naive(image, in, 18 - in, out, in, how));
            }
        for (int i = 0; i < 40; ++i) {
            const int width = 1 + below(150), height = 1 + below(150), to_width = 1 + below(150), to_height = 1 + below(150);
            CAPTURE(width, height, to_width, to_height);
            const pixels image = synthetic("noise", width, height);
            CHECK(warped(image, width, height, to_width, to_height, how) == naive(image, width, height, to_width, to_height, how));
        }
    }
}

TEST_CASE("a crop of a resized image is the same part of the whole, with every filter") {
    const int width = 301, height = 97;
    const pixels image = synthetic("noise", width, height);
    for (const resampling how : all_filters) {
        CAPTURE(cvt::to_string(how));
        cvt::preprocessing p = cvt::preprocessing::for_size(112);
        p.resample = how;
        p.normalize = false;
        p.rescale_factor = 1;
        const int whole_width = 128 * width / height, left = (whole_width - 112) / 2, top = (128 - 112) / 2;
        REQUIRE((whole_width - 112) % 2 == 1);
        const pixels whole = naive(image, width, height, whole_width, 128, how);
        p.rounding = cvt::crop_rounding::hf;
        std::vector<float> out(3 * 112 * 112);
        REQUIRE_FALSE(cvt::preprocess({image.data(), width, height}, p, cvt::view<float, 3>{out.data(), 3, 112, 112}));
        int different = 0;
        for (int c = 0; c < 3; ++c)
            for (int y = 0; y < 112; ++y)
                for (int x = 0; x < 112; ++x) {
                    const std::uint8_t expected = whole[static_cast<std::size_t>(((y + top) * whole_width + x + left) * 3 + c)];
                    different += out[static_cast<std::size_t>((c * 112 + y) * 112 + x)] != static_cast<float>(expected) ? 1 : 0;
                }
        CHECK(different == 0);
    }
}

TEST_CASE("sums of taps fit 32 bits at every size") {
    // 255 times the taps above zero must stay below 2^31: a sum below 2 in units of a whole pixel.
    for (const resampling how : all_filters) {
        double worst = 0;
        for (int in = 1; in <= 64; ++in)
            for (const int out : {1, 2, 3, 5, 7, 16, 31, 64, 65, 129, 1000}) {
                cvt::detail::resize_taps taps;
                REQUIRE_FALSE(taps.plan(in, out, 0, out, how));
                for (int x = 0; !taps.identity && x < out; ++x) {
                    double sum = 0;
                    for (int t = 0; t < taps.count; ++t) sum += std::max(0, taps.tap(x, t));
                    worst = std::max(worst, sum / (1 << 22));
                }
            }
        CAPTURE(cvt::to_string(how), worst);
        CHECK(worst >= 1);
        CHECK(worst < 2);
    }
}

TEST_CASE("nearest: places far out, an image of one pixel, and a long strip end in time") {
    const pixels strip = synthetic("noise", 1, 100'001);
    std::vector<float> out(std::size_t{3} * 8 * 8);
    cvt::preprocessing p = cvt::preprocessing::for_size(8);
    p.resample = resampling::nearest;
    p.short_side = 65536;  // 6.5 thousand million rows, of which the crop keeps 8
    p.normalize = false;
    p.rescale_factor = 1;
    REQUIRE_FALSE(cvt::preprocess({strip.data(), 1, 100'001}, p, cvt::view<float, 3>{out.data(), 3, 8, 8}));
    for (std::size_t i = 0; i < out.size(); ++i) CHECK(out[i] == out[i / 64 * 64]);  // eight rows of one pixel
    CHECK(out[0] == strip[3 * 50'000]);
}

TEST_CASE("an unknown filter is refused") {
    const pixels image(3);
    cvt::preprocessing p = cvt::preprocessing::for_size(8);
    p.resample = static_cast<resampling>(6);
    CHECK(std::string{cvt::to_string(p.resample)} == "unknown");
    const auto size = cvt::output_size(p, 10, 10);
    REQUIRE_FALSE(size);
    CHECK(size.error().code() == cvt::errc::invalid_argument);
    CHECK(std::string{size.error().what()} == "preprocessing.resample: unknown filter 6");
}

TEST_CASE("other factors than 1/255 multiply the pixels before the normalisation") {
    pixels every;
    for (int i = 0; i < 256; ++i) every.insert(every.end(), 3, static_cast<std::uint8_t>(i));
    cvt::preprocessing p;
    p.resize = cvt::preprocessing::resize_rule::none;
    p.center_crop = false;
    std::vector<float> out(3 * 256);
    const auto run = [&] { return cvt::preprocess({every.data(), 256, 1}, p, cvt::view<float, 3>{out.data(), 3, 1, 256}); };
    for (const double factor : {1.0, 1 / 127.5, 1 / 256.0, 0.00392156862745098, 3.0}) {
        CAPTURE(factor);
        p.rescale_factor = factor;
        REQUIRE_FALSE(run());
        for (std::size_t i = 0; i < 3 * 256; ++i) {
            const std::size_t c = i / 256;
            const auto scaled = static_cast<float>(static_cast<double>(i % 256) * factor);
            const float expected = (scaled - p.mean[c]) / p.std[c];
            if (factor < 0.0039 || factor > 0.004) CHECK(out[i] == expected);
            CHECK(out[i] == Approx(expected).margin(1e-5));
        }
    }
    for (const double wrong : {0.0, -1.0, 1e39, 1e-60}) {
        p.rescale_factor = wrong;
        const cvt::error e = run();
        CHECK(e.code() == cvt::errc::invalid_argument);
        CHECK_THAT(e.what(), Catch::Contains("preprocessing.rescale_factor: expected a finite number above zero, found"));
    }
}
