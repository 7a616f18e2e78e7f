// sound_chunks: the chunks of a recording are those of the whole resampled sound; the memory of ten hours is that of ten minutes.
#include <sndfile.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <cvt/model.hpp>
#include <cvt/session.hpp>

#include "../../examples/common/sound_chunks.hpp"
#include "support/checkpoints.hpp"
#include "support/sounds.hpp"
#include "support/temporary_folder.hpp"

namespace {

/// Writes a FLAC file of 16 bits and one channel, `repeats` times the same samples.
void write_flac(const std::string& path, int rate, const std::vector<float>& samples, int repeats = 1) {
    SF_INFO info{};
    info.samplerate = rate;
    info.channels = 1;
    info.format = SF_FORMAT_FLAC | SF_FORMAT_PCM_16;
    SNDFILE* const file = sf_open(path.c_str(), SFM_WRITE, &info);
    REQUIRE(file != nullptr);
    for (int i = 0; i < repeats; ++i) {
        const auto count = static_cast<sf_count_t>(samples.size());
        REQUIRE(sf_writef_float(file, samples.data(), count) == count);
    }
    sf_close(file);
}

/// The largest memory of this process since reset_peak(), from Linux's /proc.
double peak_bytes() {
    std::ifstream status{"/proc/self/status"};
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("VmHWM:")) return 1024 * std::stod(line.substr(6));
    FAIL("no VmHWM in /proc/self/status");
    return 0;
}
void reset_peak() { std::ofstream{"/proc/self/clear_refs"} << '5'; }

}  // namespace

TEST_CASE("the chunks of a recording have the bits of the whole resampled sound") {
    const cvt_test::temporary_folder folder;
    cvt::spectrogram rules = cvt::protoclr;
    rules.length = 7001;
    for (const int rate : {8000, 16000, 22050, 44100, 48000}) {
        for (const std::size_t count : {std::size_t{1}, static_cast<std::size_t>(rate), static_cast<std::size_t>(3 * rate + 11)}) {
            CAPTURE(rate, count);
            write_flac(folder / "a.flac", rate, cvt_test::sound(rate, count));
            const auto whole = cvt::read_sound((folder / "a.flac").c_str());
            REQUIRE(whole);
            cvt::resampler resampler;
            REQUIRE_FALSE(resampler.plan(rate, 16000));
            std::vector<float> expected(static_cast<std::size_t>(resampler.output_size(static_cast<std::int64_t>(count))));
            resampler.run({whole->samples.data(), whole->samples.size()}, 0, 0, expected);

            auto chunks = sound_chunks::open((folder / "a.flac").c_str(), rules);
            REQUIRE(chunks);
            std::vector<float> found, chunk;
            for (;;) {
                REQUIRE_FALSE(chunks->next(chunk));
                if (chunk.empty()) break;
                found.insert(found.end(), chunk.begin(), chunk.end());
            }
            REQUIRE_FALSE(chunks->next(chunk));
            CHECK(chunk.empty());
            CHECK(found == expected);
        }
    }
}

TEST_CASE("chunks that overlap or leave gaps are parts of the whole resampled sound") {
    const cvt_test::temporary_folder folder;
    cvt::spectrogram rules = cvt::protoclr;
    rules.length = 4001;
    for (const int rate : {16000, 44100}) {
        const std::size_t count = static_cast<std::size_t>(3 * rate + 11);
        write_flac(folder / "a.flac", rate, cvt_test::sound(rate, count));
        const auto whole = cvt::read_sound((folder / "a.flac").c_str());
        REQUIRE(whole);
        cvt::resampler resampler;
        REQUIRE_FALSE(resampler.plan(rate, 16000));
        std::vector<float> all(static_cast<std::size_t>(resampler.output_size(static_cast<std::int64_t>(count))));
        resampler.run({whole->samples.data(), whole->samples.size()}, 0, 0, all);
        for (const std::int64_t hop : {1777, 4001, 4002, 9000, 100'000}) {
            CAPTURE(rate, hop);
            auto chunks = sound_chunks::open((folder / "a.flac").c_str(), rules, hop);
            REQUIRE(chunks);
            std::vector<float> chunk;
            std::int64_t begin = 0, end = 0;
            const auto total = static_cast<std::int64_t>(all.size());
            for (; begin < total && end < total; begin += hop) {
                REQUIRE_FALSE(chunks->next(chunk));
                CHECK(chunks->begin() == begin);
                end = std::min(begin + rules.length, total);
                CHECK(std::equal(chunk.begin(), chunk.end(), all.begin() + begin, all.begin() + end));
            }
            REQUIRE_FALSE(chunks->next(chunk));
            CHECK(chunk.empty());
        }
    }
}

TEST_CASE("the embeddings of ten hours take the memory of those of ten minutes", "[.long]") {
    const cvt_test::temporary_folder folder;
    cvt::config c = cvt::cvt_13;
    c.num_channels = 1;
    c.num_classes = 0;
    std::optional<cvt::model> model;
    {
        const std::string weights = cvt_test::formula_file(c);
        auto loaded = cvt::model::from_memory(std::as_bytes(std::span{weights}));
        REQUIRE(loaded);
        model.emplace(*std::move(loaded));
    }
    cvt::session session{*model};
    cvt::audio_preprocessor preprocessor{cvt::protoclr};
    std::vector<float> samples, input(128 * 301), embedding(384);
    const cvt::view<float, 3> tensor{input.data(), 1, 128, 301};
    constexpr int rate = 48000;  // of most recorders; resampled on the way
    std::vector<float> minute = cvt_test::sound(rate, 60 * rate);
    for (float& v : minute) v /= 256;  // ten hours of a louder sound would take 2 GB
    const auto embed_all = [&](int minutes) {
        write_flac(folder / "a.flac", rate, minute, minutes);
        reset_peak();
        auto chunks = sound_chunks::open((folder / "a.flac").c_str(), cvt::protoclr);
        REQUIRE(chunks);
        int count = 0;
        for (;; ++count) {
            if (chunks->next(samples)) FAIL("a chunk cannot be read");
            if (samples.empty()) break;
            if (preprocessor.run(std::span<const float>{samples}, tensor)) FAIL("a chunk has no spectrogram");
            if (session.embedding(tensor, embedding)) FAIL("a chunk has no embedding");
        }
        CHECK(count == 10 * minutes);
        return peak_bytes();
    };
    const double ten_minutes = embed_all(10), ten_hours = embed_all(600);
    std::printf("peak memory: %.1f MB after ten minutes, %.1f MB after ten hours, ratio %.3f\n", ten_minutes / 1e6, ten_hours / 1e6,
                ten_hours / ten_minutes);
    CHECK(ten_hours <= 1.05 * ten_minutes);
}
