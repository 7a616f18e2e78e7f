// resampler against torchaudio (tests/golden/make_audio.py): eleven rates, in one piece and in many.
#include "support/counted_new.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include <cvt/audio/resample.hpp>

#include "support/json.hpp"
#include "support/sounds.hpp"
#include "support/text_files.hpp"
#include "support/worse.hpp"

namespace {

const nlohmann::json& golden() {
    static const nlohmann::json all = cvt_test::parse_json(cvt_test::read_file(CVT_TEST_DATA "/audio/golden.json"));
    return all;
}

std::vector<float> resampled(const cvt::resampler& r, const std::vector<float>& x) {
    std::vector<float> y(static_cast<std::size_t>(r.output_size(static_cast<std::int64_t>(x.size()))));
    r.run(x, 0, 0, y);
    return y;
}

}  // namespace

TEST_CASE("a resampled sound is within 2e-7 of torchaudio's", "[resample]") {
    int count = 0;
    for (const nlohmann::json& c : golden()["resampled"]) {
        const int rate = c["rate"];
        CAPTURE(rate);
        cvt::resampler r;
        REQUIRE_FALSE(r.plan(rate, 16000));
        const std::vector<float> y = resampled(r, cvt_test::sound(rate, static_cast<std::size_t>(rate)));
        REQUIRE(y.size() == c["size"].get<std::size_t>());
        double worst = 0, squares = 0;
        for (std::size_t i = 0; i < c["at"].size(); ++i)
            worst = cvt_test::worse(worst, std::fabs(static_cast<double>(y[c["at"][i].get<std::size_t>()]) - c["values"][i].get<double>()));
        for (const float v : y) squares += static_cast<double>(v) * static_cast<double>(v);
        CHECK(worst < 2e-7);
        CHECK(squares == Approx(c["squares"].get<double>()).epsilon(1e-7));
        ++count;
    }
    CHECK(count == 11);
}

TEST_CASE("values that were computed with torchaudio by hand", "[resample]") {
    struct anchor {
        int rate;
        double first, middle, last, squares;
    };
    for (const anchor& a : {anchor{44100, 0.0333122872, 0.284648925, -0.273374349, 720.901314},
                            anchor{48000, 0.0340084769, 0.287070185, -0.272662044, 721.289598},
                            anchor{22050, 0.0175661743, 0.281744659, -0.27080065, 720.835039},
                            anchor{8000, 4.02701626e-05, 0.283633471, -0.201373562, 698.357220}}) {
        CAPTURE(a.rate);
        cvt::resampler r;
        REQUIRE_FALSE(r.plan(a.rate, 16000));
        const std::vector<float> y = resampled(r, cvt_test::sound(a.rate, static_cast<std::size_t>(a.rate)));
        REQUIRE(y.size() == 16000);
        CHECK(std::fabs(static_cast<double>(y[0]) - a.first) < 1e-7);
        CHECK(std::fabs(static_cast<double>(y[160]) - a.middle) < 1e-7);
        CHECK(std::fabs(static_cast<double>(y[15999]) - a.last) < 1e-7);
        double squares = 0;
        for (const float v : y) squares += static_cast<double>(v) * static_cast<double>(v);
        CHECK(std::fabs(squares - a.squares) < 1e-4);
    }
}

TEST_CASE("a sound resampled in parts has the same bits as in one piece", "[resample]") {
    for (const int rate : {8000, 11025, 16000, 44100, 48000, 250000}) {
        CAPTURE(rate);
        cvt::resampler r;
        REQUIRE_FALSE(r.plan(rate, 16000));
        const std::vector<float> x = cvt_test::sound(rate, static_cast<std::size_t>(rate / 5 + 7)), whole = resampled(r, x);
        std::vector<float> parts;
        const auto total = static_cast<std::int64_t>(whole.size()), size = static_cast<std::int64_t>(x.size());
        for (std::int64_t at = 0, step = 1; at < total; at += step, step = step % 977 + 113) {
            const std::int64_t count = std::min(step, total - at);
            cvt::resampler::range needed = r.inputs_of(at, count);
            needed.begin = std::clamp<std::int64_t>(needed.begin, 0, size);
            needed.end = std::clamp<std::int64_t>(needed.end, 0, size);
            const std::vector<float> piece(x.data() + needed.begin, x.data() + needed.end);
            std::vector<float> y(static_cast<std::size_t>(count));
            r.run(piece, needed.begin, at, y);
            parts.insert(parts.end(), y.begin(), y.end());
        }
        CHECK(parts == whole);
        if (rate == 16000) CHECK(whole == x);
    }
}

TEST_CASE("nothing is allocated after plan(), and rates out of range are errors", "[resample]") {
    cvt::resampler r;
    REQUIRE_FALSE(r.plan(44100, 16000));
    const std::vector<float> x = cvt_test::sound(44100, 4410);
    std::vector<float> y(static_cast<std::size_t>(r.output_size(4410)));
    CHECK(y.size() == 1600);
    const long before = cvt_test::allocations::count;
    r.run(x, 0, 0, y);
    CHECK(cvt_test::allocations::count == before);
    for (const int wrong : {0, -1, 99, 1000001}) {
        CHECK(r.plan(wrong, 16000).code() == cvt::errc::invalid_argument);
        CHECK(r.plan(16000, wrong).code() == cvt::errc::invalid_argument);
    }
    CHECK(std::string{r.plan(0, 16000).what()} == "sample rate: expected 100 to 1000000, found 0");
    for (const int rate : {100, 384000, 999983, 1000000}) REQUIRE_FALSE(r.plan(rate, 16000));
    // An empty sound, and a part without samples, are silent.
    std::vector<float> silent(4, 1.F);
    r.run({}, 0, 0, silent);
    CHECK(silent == std::vector<float>(4, 0.F));
    CHECK(r.output_size(0) == 0);
}
