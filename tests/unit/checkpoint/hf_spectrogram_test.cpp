// hf_spectrogram: what is written reads back, missing keys, other feature extractors, wrong values.
#include <cvt/checkpoint/hf_spectrogram.hpp>

#include <catch2/catch.hpp>
#include <string>

#include "support/json.hpp"

namespace ck = cvt::checkpoint;

namespace {

std::string written(const cvt::spectrogram& s) {
    ck::json_writer json{ck::json_writer::layout::indented};
    REQUIRE_FALSE(write_hf_spectrogram(s, json));
    return std::string{json.text()};
}

std::string refused(const nlohmann::json& changes, cvt::errc code = cvt::errc::bad_config) {
    nlohmann::json j = cvt_test::parse_json(written(cvt::protoclr));
    j.merge_patch(changes);
    const auto read = ck::read_hf_spectrogram(j.dump());
    REQUIRE_FALSE(read);
    CHECK(read.error().code() == code);
    return read.error().what();
}

}  // namespace

TEST_CASE("a spectrogram is read back as it was written", "[hf_spectrogram]") {
    cvt::spectrogram other;
    other.rate = 22050;
    other.length = 33333;
    other.n_fft = 600;
    other.window = 500;
    other.hop = 123;
    other.mels = 64;
    other.f_min = 20.5;
    other.f_max = 11000;
    other.scale = cvt::mel_scale::slaney;
    other.slaney_norm = true;
    other.power = 1;
    other.floor = 1e-5;
    other.top_db = 80;
    other.mean = -4.2677393;
    other.deviation = 4.5689974;
    other.padding = cvt::sound_padding::zeros;
    for (const cvt::loudness l : {cvt::loudness::linear, cvt::loudness::decibels, cvt::loudness::natural_log}) {
        other.loudness = l;
        for (const cvt::spectrogram& s : {other, cvt::protoclr, cvt::spectrogram{}}) {
            const std::string text = written(s);
            INFO(text);
            CHECK(ck::is_for_sounds(text));
            const auto back = ck::read_hf_spectrogram(text);
            INFO(back.error().what());
            REQUIRE(back);
            CHECK(*back == s);
        }
    }
    const nlohmann::json j = cvt_test::parse_json(written(cvt::protoclr));
    CHECK(j["feature_extractor_type"] == "CvtSpectrogram");
    CHECK(j["sampling_rate"] == 16000);
    CHECK(j["max_length_s"] == 6.0);
    CHECK(j["log_mel"] == "dB");
    CHECK(j["padding"] == "repeat");
}

TEST_CASE("missing keys have torchaudio's defaults, and those that decide the size are required", "[hf_spectrogram]") {
    const auto least = ck::read_hf_spectrogram(R"({"feature_extractor_type": "CvtSpectrogram", "sampling_rate": 8000, "hop_length": 100,
        "nb_max_samples": 8000, "fft_window_size": 256, "feature_size": 32})");
    INFO(least.error().what());
    REQUIRE(least);
    cvt::spectrogram expected;
    expected.rate = expected.length = 8000;
    expected.n_fft = expected.window = 256;
    expected.hop = 100;
    expected.mels = 32;
    expected.f_max = 4000;
    CHECK(*least == expected);
    for (const char* key : {"sampling_rate", "nb_max_samples", "fft_window_size", "hop_length", "feature_size"})
        CHECK(refused({{key, nullptr}}) == std::string{"preprocessor_config.json: "} + key + ": expected an integer, found nothing");
    CHECK(ck::is_for_sounds(R"({"feature_extractor_type": "CvtSpectrogram"})"));
    CHECK_FALSE(ck::is_for_sounds(R"({"feature_extractor_type": "ConvNextFeatureExtractor"})"));
    CHECK_FALSE(ck::is_for_sounds("{"));
    const auto plain = ck::read_hf_spectrogram(R"({"feature_extractor_type": "CvtSpectrogram", "sampling_rate": 8000, "hop_length": 100,
        "nb_max_samples": 8000, "fft_window_size": 256, "feature_size": 32, "do_normalize": false, "mean": 1, "std": 2})");
    REQUIRE(plain);
    CHECK(plain->mean == 0);
    CHECK(plain->deviation == 1);
}

TEST_CASE("other feature extractors and wrong values are refused", "[hf_spectrogram]") {
    CHECK(refused({{"feature_extractor_type", "ASTFeatureExtractor"}}, cvt::errc::unsupported) ==
          "preprocessor_config.json: feature_extractor_type: expected \"CvtSpectrogram\", found \"ASTFeatureExtractor\"");
    CHECK(refused({{"feature_extractor_type", nullptr}}, cvt::errc::unsupported) ==
          "preprocessor_config.json: feature_extractor_type: expected \"CvtSpectrogram\", found nothing");
    CHECK(refused({{"sampling_rate", 0}}) == "preprocessor_config.json: spectrogram.rate: expected 100 to 1000000, found 0");
    CHECK(refused({{"mel_scale", "kaldi"}}) == "preprocessor_config.json: mel_scale: expected \"htk\" or \"slaney\", found \"kaldi\"");
    CHECK(refused({{"norm", "l1"}}) == "preprocessor_config.json: norm: expected null or \"slaney\", found \"l1\"");
    CHECK(refused({{"log_mel", "log10"}}) == "preprocessor_config.json: log_mel: expected \"dB\", \"log\" or null, found \"log10\"");
    CHECK(refused({{"padding", "repeatpad"}}) == "preprocessor_config.json: padding: expected \"pad\" or \"repeat\", found \"repeatpad\"");
    CHECK(refused({{"hop_length", 0.5}}) == "preprocessor_config.json: hop_length: expected an integer, found the real number 0.5");
    CHECK_FALSE(ck::is_for_sounds(R"({"size": 224})"));
    CHECK_FALSE(ck::is_for_sounds("{"));
}
