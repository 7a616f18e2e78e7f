// audio_preprocessor against a float64 restatement and torchaudio (tests/golden/make_audio.py); padding, silence, wrong sounds, memory.
#include "support/counted_new.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <cvt/audio.hpp>

#include "support/json.hpp"
#include "support/sounds.hpp"
#include "support/text_files.hpp"
#include "support/worse.hpp"

namespace {

cvt::spectrogram fields_of(const nlohmann::json& j) {
    cvt::spectrogram s;
    s.rate = j["rate"];
    s.length = j["length"];
    s.n_fft = j["n_fft"];
    s.window = j["window"];
    s.hop = j["hop"];
    s.mels = j["mels"];
    s.f_min = j["f_min"];
    s.f_max = j["f_max"];
    s.scale = j["scale"] == "htk" ? cvt::mel_scale::htk : cvt::mel_scale::slaney;
    s.slaney_norm = j["slaney_norm"];
    s.power = j["power"];
    for (const cvt::loudness l : {cvt::loudness::linear, cvt::loudness::decibels, cvt::loudness::natural_log})
        if (j["loudness"] == cvt::to_string(l)) s.loudness = l;
    s.floor = j["floor"];
    s.top_db = j["top_db"];
    s.min_max = j["min_max"];
    s.mean = j["mean"];
    s.deviation = j["deviation"];
    return s;
}

template <class T = double>
std::vector<T> made(const cvt::spectrogram& s, const std::vector<float>& samples) {
    cvt::audio_preprocessor preprocessor{s};
    std::vector<T> out(static_cast<std::size_t>(s.mels) * static_cast<std::size_t>(s.frames()));
    const cvt::error e = preprocessor.run(samples, cvt::view<T, 3>{out.data(), 1, s.mels, s.frames()});
    INFO(e.what());
    REQUIRE_FALSE(e);
    return out;
}

std::string refused(const cvt::spectrogram& s, const std::vector<float>& samples, cvt::errc code = cvt::errc::invalid_argument) {
    cvt::audio_preprocessor preprocessor{s};
    std::vector<float> out(static_cast<std::size_t>(s.mels) * static_cast<std::size_t>(s.frames()));
    const cvt::error e = preprocessor.run(samples, cvt::view<float, 3>{out.data(), 1, s.mels, s.frames()});
    CHECK(e.code() == code);
    return e.what();
}

}  // namespace

TEST_CASE("spectrograms are within 1e-9 of the formulas in float64, and within 2.5e-4 of torchaudio", "[audio]") {
    const nlohmann::json golden = cvt_test::parse_json(cvt_test::read_file(CVT_TEST_DATA "/audio/golden.json"));
    int count = 0;
    for (const nlohmann::json& c : golden["spectrograms"]) {
        const cvt::spectrogram s = fields_of(c["fields"]);
        CAPTURE(c["name"].get<std::string>());
        REQUIRE(c["shape"] == nlohmann::json{s.mels, s.frames()});
        const std::vector<float> samples = cvt_test::sound(s.rate, static_cast<std::size_t>(s.length));
        const std::vector<double> z = made(s, samples);
        const std::vector<float> single = made<float>(s, samples);
        // Energies without a logarithm are up to 100: their bound is relative.
        const double scale = s.loudness == cvt::loudness::linear ? 100 : 1;
        double worst = 0, worst_torch = 0, worst_float = 0, mean = 0, squares = 0;
        for (std::size_t i = 0; i < c["at"].size(); ++i) {
            const std::size_t at =
                c["at"][i][0].get<std::size_t>() * static_cast<std::size_t>(s.frames()) + c["at"][i][1].get<std::size_t>();
            worst = cvt_test::worse(worst, std::fabs(z[at] - c["values"][i].get<double>()) / scale);
            worst_torch = cvt_test::worse(worst_torch, std::fabs(z[at] - c["torchaudio"][i].get<double>()) / scale);
            worst_float = cvt_test::worse(worst_float, std::fabs(z[at] - static_cast<double>(single[at])) / (1 + std::fabs(z[at])));
        }
        for (const double v : z) {
            mean += v / static_cast<double>(z.size());
            squares += v * v / static_cast<double>(z.size());
        }
        CHECK(worst < 1e-9);
        CHECK(worst_torch < 2.5e-4);
        CHECK(worst_float < 6e-8);
        CHECK(std::fabs(mean - c["mean"].get<double>()) < 1e-9 * scale);
        CHECK(std::fabs(std::sqrt(squares - mean * mean) - c["std"].get<double>()) < 1e-8 * scale);
        if (c["name"] == "protoclr") CHECK(s.frames() == 301);
        if (c["name"] == "protoclr") {
            cvt::spectrogram preset = cvt::protoclr;
            CHECK(preset == s);
        }
        ++count;
    }
    CHECK(count == 4);
}

TEST_CASE("values of ProtoCLR's front end that were computed with torchaudio by hand", "[audio]") {
    const std::vector<float> x = cvt_test::sound(16000, 96000);
    for (const auto& [i, expected] : {std::pair{0, -0.00527089F}, {1, 0.2754424F}, {2, 0.20885868F}, {3, -0.11720539F}})
        CHECK(std::fabs(x[static_cast<std::size_t>(i)] - expected) < 1e-7F);
    struct point {
        std::size_t row, column;
        double value;
    };
    const auto check = [](const std::vector<double>& found, std::initializer_list<point> points, double bound) {
        for (const point& p : points) CHECK(std::fabs(found[p.row * 301 + p.column] - p.value) < bound);
    };
    check(made(cvt::protoclr, x), {{0, 0, -0.224939}, {3, 1, -1.458047}, {40, 75, -1.051724}, {90, 150, -0.486386}, {127, 300, -0.044148}},
          1e-6);
    cvt::spectrogram energies = cvt::protoclr;
    energies.loudness = cvt::loudness::linear;
    energies.min_max = false;
    energies.mean = 0;
    energies.deviation = 1;
    check(made(energies, x),
          {{0, 0, 0.196456359}, {3, 1, 0.0241473167}, {40, 75, 0.0481787121}, {90, 150, 0.125962476}, {127, 300, 0.267142792}}, 1e-9);
    cvt::spectrogram decibels = energies;
    decibels.loudness = cvt::loudness::decibels;
    const std::vector<double> d = made(decibels, x);
    CHECK(std::fabs(*std::min_element(d.begin(), d.end()) + 56.542142) < 1e-6);
    CHECK(std::fabs(*std::max_element(d.begin(), d.end()) - 39.091893) < 1e-6);
    check(d, {{2, 111, -56.542142}, {83, 228, 39.091893}}, 1e-6);
}

TEST_CASE("mel filters of ProtoCLR: 1,005 weights in the bins 4 to 511", "[audio]") {
    cvt::detail::mel_filters filters;
    REQUIRE_FALSE(filters.plan(cvt::protoclr));
    std::vector<double> bins(513), bands(128);
    std::vector<int> weights(bands.size());
    std::vector<std::size_t> used;
    for (std::size_t k = 0; k < bins.size(); ++k) {
        bins[k] = 1;
        filters.run(bins.data(), bands.data(), 1);
        bins[k] = 0;
        for (std::size_t j = 0; j < bands.size(); ++j) {
            if (bands[j] == 0) continue;
            ++weights[j];
            used.push_back(k);
        }
    }
    REQUIRE(used.size() == 1005);
    CHECK(used.front() == 4);
    CHECK(used.back() == 511);
    CHECK(std::count(weights.begin(), weights.end(), 0) == 0);
    CHECK(std::count(weights.begin(), weights.end(), 1) == 2);
}

TEST_CASE("a short sound is repeated or filled with zeros", "[audio]") {
    cvt::spectrogram s = cvt::protoclr;
    const std::vector<float> x = cvt_test::sound(16000, 41000);
    std::vector<float> repeated = x, filled = x;
    while (repeated.size() < 96000) repeated.push_back(repeated[repeated.size() - 41000]);
    filled.resize(96000, 0.F);
    CHECK(made(s, x) == made(s, repeated));
    s.padding = cvt::sound_padding::zeros;
    CHECK(made(s, x) == made(s, filled));
    CHECK(made(s, x) != made(s, repeated));
    s.padding = cvt::sound_padding::repeat;
    CHECK(made(s, {x[0], x[1]}).size() == 128U * 301U);
}

TEST_CASE("silence, sounds of a wrong length and samples that are not numbers are errors", "[audio]") {
    const cvt::spectrogram& s = cvt::protoclr;
    const std::string silence = "sound: every value of the spectrogram is -100, as for silence: it has no range to normalise";
    CHECK(refused(s, std::vector<float>(96000, 0.F), cvt::errc::bad_sound) == silence);
    CHECK(refused(s, {0.F}, cvt::errc::bad_sound) == silence);
    CHECK(refused(s, {}) == "sound: expected 1 to 96000 samples, found 0");
    CHECK(refused(s, std::vector<float>(96001, 0.F)) == "sound: expected 1 to 96000 samples, found 96001");
    std::vector<float> x = cvt_test::sound(16000, 96000);
    x[17] = std::numeric_limits<float>::quiet_NaN();
    CHECK(refused(s, x) == "sound: sample 17 is NaN or infinite");
    x[17] = std::numeric_limits<float>::infinity();
    CHECK(refused(s, x) == "sound: sample 17 is NaN or infinite");
    x[17] = std::numeric_limits<float>::max();
    for (const float v : made<float>(s, x)) REQUIRE(std::isfinite(v));
    // Without min-max, silence has values.
    cvt::spectrogram plain = s;
    plain.min_max = false;
    for (const double v : made(plain, {0.F})) REQUIRE(v == Approx((-100 - 0.5347) / 0.0772));
    std::vector<float> out(128 * 300);
    cvt::audio_preprocessor preprocessor{s};
    const cvt::error e = preprocessor.run(cvt_test::sound(16000, 100), cvt::view<float, 3>{out.data(), 1, 128, 300});
    CHECK(std::string{e.what()} == "spectrogram: expected [1, 128, 301], found [1, 128, 300]");
}

TEST_CASE("every field of a spectrogram is checked", "[audio]") {
    const auto wrong = [](auto change) {
        cvt::spectrogram s = cvt::protoclr;
        change(s);
        const cvt::error e = cvt::validate(s);
        CHECK(e.code() == cvt::errc::invalid_argument);
        cvt::audio_preprocessor preprocessor{s};
        CHECK(preprocessor.plan().code() == cvt::errc::invalid_argument);
        return std::string{e.what()};
    };
    using s = cvt::spectrogram;
    CHECK_FALSE(cvt::validate(cvt::protoclr));
    CHECK_FALSE(cvt::validate(cvt::spectrogram{}));
    CHECK(wrong([](s& v) { v.rate = 0; }) == "spectrogram.rate: expected 100 to 1000000, found 0");
    CHECK(wrong([](s& v) { v.n_fft = 15; }) == "spectrogram.n_fft: expected 16 to 65536, found 15");
    CHECK(wrong([](s& v) {
              v.n_fft = 1025;
              v.window = 400;
          }) == "spectrogram.n_fft: expected an even product of primes up to 31, found 1025");
    CHECK(wrong([](s& v) {
              v.n_fft = 74;
              v.window = 74;
          }) == "spectrogram.n_fft: expected an even product of primes up to 31, found 74");
    CHECK(wrong([](s& v) { v.window = 1025; }) == "spectrogram.window: expected 2 to 1024, found 1025");
    CHECK(wrong([](s& v) { v.hop = 0; }) == "spectrogram.hop: expected 1 to 65536, found 0");
    CHECK(wrong([](s& v) { v.mels = 0; }) == "spectrogram.mels: expected 1 to 4096, found 0");
    CHECK(wrong([](s& v) { v.length = 512; }) == "spectrogram.length: expected 513 to 67108864, found 512");
    CHECK(wrong([](s& v) { v.f_max = 8001; }) == "spectrogram.f_min, f_max: expected 0 <= f_min < f_max <= 8000, found 50 and 8001");
    CHECK(wrong([](s& v) { v.f_min = 8000; }) == "spectrogram.f_min, f_max: expected 0 <= f_min < f_max <= 8000, found 8000 and 8000");
    CHECK(wrong([](s& v) { v.power = 3; }) == "spectrogram.power: expected 1 or 2, found 3");
    CHECK(wrong([](s& v) { v.floor = 0; }) == "spectrogram.floor: expected a positive number, found 0");
    CHECK(wrong([](s& v) { v.top_db = -1; }) == "spectrogram.top_db: expected 0 or a positive number, found -1");
    CHECK(wrong([](s& v) { v.deviation = 0; }) == "spectrogram.deviation: expected a positive number, found 0");
    CHECK_FALSE(wrong([](s& v) { v.mean = std::numeric_limits<double>::quiet_NaN(); }).empty());
}

TEST_CASE("nothing is allocated after plan(), and each lack of memory before it is an error", "[audio]") {
    const std::vector<float> x = cvt_test::sound(16000, 96000);
    std::vector<float> out(128 * 301), again(128 * 301);
    const cvt::view<float, 3> tensor{out.data(), 1, 128, 301};
    cvt::audio_preprocessor preprocessor{cvt::protoclr};
    REQUIRE_FALSE(preprocessor.plan());
    const long before = cvt_test::allocations::count;
    REQUIRE_FALSE(preprocessor.run(x, tensor));
    REQUIRE_FALSE(preprocessor.run(x, cvt::view<float, 3>{again.data(), 1, 128, 301}));
    CHECK(cvt_test::allocations::count == before);
    CHECK(out == again);
    for (long allowed = 0;; ++allowed) {
        REQUIRE(allowed < 100);
        cvt::audio_preprocessor fresh{cvt::protoclr};
        cvt_test::allocations::left = allowed;
        const cvt::error e = fresh.run(x, tensor);
        cvt_test::allocations::left = -1;
        if (!e) break;
        CHECK(e.code() == cvt::errc::out_of_memory);
    }
    CHECK(out == again);
}
