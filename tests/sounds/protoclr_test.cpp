// ProtoCLR from a recording to its embedding: the published layout of tensors with generated weights, against its authors' pipeline in
// float64 (tests/golden/make_protoclr.py).
#include <catch2/catch.hpp>
#include <chrono>
#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include <cvt/audio.hpp>
#include <cvt/extra/sound.hpp>
#include <cvt/model.hpp>
#include <cvt/session.hpp>

#include "support/checkpoints.hpp"
#include "support/json.hpp"
#include "support/sounds.hpp"
#include "support/text_files.hpp"
#include "support/worse.hpp"

namespace {

/// A WAV file of 16 bits and one channel at 44.1 kHz.
std::string wav(const std::vector<float>& samples) {
    std::string file = "RIFF";
    const auto append = [&file](auto value) { file.append(reinterpret_cast<const char*>(&value), sizeof value); };
    const auto bytes = static_cast<std::uint32_t>(2 * samples.size());
    append(36 + bytes);
    file += "WAVEfmt ";
    append(std::uint32_t{16});
    append(std::uint16_t{1});
    append(std::uint16_t{1});
    append(std::uint32_t{44100});
    append(std::uint32_t{88200});
    append(std::uint16_t{2});
    append(std::uint16_t{16});
    file += "data";
    append(bytes);
    for (const float v : samples) append(static_cast<std::int16_t>(std::lrint(static_cast<double>(v) * 32768)));
    return file;
}

using milliseconds = std::chrono::duration<double, std::milli>;

}  // namespace

TEST_CASE("ProtoCLR's embeddings of a WAV and a FLAC file are within 1.5e-5 of its authors' code") {
    cvt::config c = cvt::cvt_13;
    c.num_channels = 1;
    c.num_classes = 0;
    const std::string weights = cvt_test::formula_file(c);
    const auto model = cvt::model::from_memory(std::as_bytes(std::span{weights}));
    INFO(model.error().what());
    REQUIRE(model);
    CHECK(std::string{model->info().variant} == "ProtoCLR");
    CHECK(model->config().gelu == cvt::gelu::erf);
    CHECK(model->warnings().count == 0);
    REQUIRE(model->spectrogram());
    const nlohmann::json golden = cvt_test::parse_json(cvt_test::read_file(CVT_TEST_DATA "/audio/protoclr.json"));
    cvt::session session{*model};
    cvt::audio_preprocessor preprocessor{*model->spectrogram()};
    std::vector<float> input(128 * 301), embedding(384);
    const cvt::view<float, 3> tensor{input.data(), 1, 128, 301};

    const std::string generated = wav(cvt_test::sound(44100, 6 * 44100));
    for (const char* name : {"wav", "flac"}) {
        CAPTURE(name);
        const auto sound = name == std::string{"wav"} ? cvt::decode_sound(std::as_bytes(std::span{generated}))
                                                      : cvt::read_sound(CVT_TEST_DATA "/sounds/16.flac");
        INFO(sound.error().what());
        REQUIRE(sound);
        cvt::resampler resampler;
        REQUIRE_FALSE(resampler.plan(sound->rate, 16000));
        std::vector<float> samples(static_cast<std::size_t>(resampler.output_size(static_cast<std::int64_t>(sound->samples.size()))));
        resampler.run({sound->samples.data(), sound->samples.size()}, 0, 0, samples);
        REQUIRE_FALSE(preprocessor.run(std::span<const float>{samples}, tensor));
        REQUIRE_FALSE(session.embedding(tensor, embedding));
        double worst = 0, largest = 0;
        for (std::size_t i = 0; i < embedding.size(); ++i) {
            const double expected = golden[name][i];
            worst = cvt_test::worse(worst, std::fabs(static_cast<double>(embedding[i]) - expected));
            largest = std::max(largest, std::fabs(expected));
        }
        std::printf("%s: largest difference %.2g of values up to %.2g\n", name, worst, largest);
        CHECK(worst < 1.5e-5);
    }
}

TEST_CASE("resampling and the spectrogram of 6 s at 48 kHz take at most 15 % of the forward pass", "[.long]") {
    cvt::config c = cvt::cvt_13;
    c.num_channels = 1;
    c.num_classes = 0;
    const std::string weights = cvt_test::formula_file(c);
    const auto model = cvt::model::from_memory(std::as_bytes(std::span{weights}));
    REQUIRE(model);
    cvt::session session{*model};
    cvt::audio_preprocessor preprocessor{cvt::protoclr};
    cvt::resampler resampler;
    REQUIRE_FALSE(resampler.plan(48000, 16000));
    const std::vector<float> sound = cvt_test::sound(48000, 6 * 48000);
    std::vector<float> samples(96000), input(128 * 301), embedding(384);
    const cvt::view<float, 3> tensor{input.data(), 1, 128, 301};
    std::vector<double> shares;
    for (int i = 0; i < 21; ++i) {
        const auto begin = std::chrono::steady_clock::now();
        resampler.run(sound, 0, 0, samples);
        REQUIRE_FALSE(preprocessor.run(std::span<const float>{samples}, tensor));
        const auto middle = std::chrono::steady_clock::now();
        REQUIRE_FALSE(session.embedding(tensor, embedding));
        const auto end = std::chrono::steady_clock::now();
        shares.push_back(milliseconds{middle - begin} / milliseconds{end - middle});
    }
    std::sort(shares.begin(), shares.end());
    std::printf("front end / forward pass: %.3f\n", shares[10]);
    CHECK(shares[10] < 0.15);
}
