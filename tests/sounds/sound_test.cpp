// sound.hpp: every format against torchaudio (tests/golden/make_sounds.py); parts, limits, truncated and changed files.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <cvt/extra/sound.hpp>

#include "support/json.hpp"
#include "support/worse.hpp"

namespace {

const std::string folder = CVT_TEST_DATA "/sounds/";

std::string content(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

const nlohmann::json& all() {
    static const nlohmann::json expected = cvt_test::parse_json(content(folder + "expected.json"));
    return expected;
}

std::span<const std::byte> bytes(const std::string& file) { return std::as_bytes(std::span{file}); }

#if defined(CVT_TEST_HAS_SNDFILE)

std::string refused(const std::string& file, cvt::errc code, const cvt::sound_limits& limits = {}) {
    const auto sound = cvt::decode_sound(bytes(file), limits);
    REQUIRE_FALSE(sound);
    CHECK(cvt::to_string(sound.error().code()) == std::string{cvt::to_string(code)});
    return sound.error().what();
}

template <class T>
void append(std::string& to, T value) {
    to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

/// A WAV file of 16 bits with any header.
std::string wav(int rate, int channels, std::size_t frames, std::uint32_t data_size, const std::string& before = "") {
    std::string format = "fmt ";
    append<std::uint32_t>(format, 16);
    append<std::uint16_t>(format, 1);
    append<std::uint16_t>(format, static_cast<std::uint16_t>(channels));
    append<std::uint32_t>(format, static_cast<std::uint32_t>(rate));
    append<std::uint32_t>(format, static_cast<std::uint32_t>(rate * channels * 2));
    append<std::uint16_t>(format, static_cast<std::uint16_t>(channels * 2));
    append<std::uint16_t>(format, 16);
    std::string samples;
    for (std::size_t i = 0; i < frames * static_cast<std::size_t>(channels); ++i)
        append<std::int16_t>(samples, static_cast<std::int16_t>(i * 321 % 20000));
    std::string file = "RIFF";
    append<std::uint32_t>(file, static_cast<std::uint32_t>(28 + before.size() + samples.size()));
    file += "WAVE" + before + format + "data";
    append<std::uint32_t>(file, data_size);
    return file + samples;
}
std::string wav(int rate, int channels, std::size_t frames) {
    return wav(rate, channels, frames, static_cast<std::uint32_t>(frames * static_cast<std::size_t>(channels) * 2));
}

#endif

}  // namespace

TEST_CASE("the formats of sounds are known by their first bytes") {
    const auto format = [](std::string_view head) {
        return std::string{
            cvt::detail::to_string(cvt::detail::find_sound_format({reinterpret_cast<const unsigned char*>(head.data()), head.size()}))};
    };
    CHECK(format("RIFF\1\2\3\4WAVE") == "WAV");
    CHECK(format("RF64\xFF\xFF\xFF\xFFWAVE") == "WAV");
    CHECK(format("RIFF\1\2\3\4WEBP") == "unknown");
    CHECK(format("fLaC") == "FLAC");
    CHECK(format("OggS") == "Ogg");
    CHECK(format("ID3\3") == "MP3");
    CHECK(format("\xFF\xFB\x90\x44") == "MP3");
    CHECK(format("\xFF\xD8\xFF\xE0") == "unknown");  // JPEG
    CHECK(format("\xFF\xFE\x41") == "unknown");      // UTF-16
    CHECK(format("") == "unknown");
    for (const nlohmann::json& c : all()) CHECK(cvt::is_sound(bytes(content(folder + c["name"].get<std::string>()))));
    CHECK_FALSE(cvt::is_sound(bytes("\x89PNG\r\n")));
}

#if defined(CVT_TEST_HAS_SNDFILE)

TEST_CASE("every format decodes to what torchaudio decodes, whole and in parts, from a file and from memory") {
    int count = 0;
    for (const nlohmann::json& c : all()) {
        const std::string name = c["name"];
        CAPTURE(name);
        const auto whole = cvt::read_sound((folder + name).c_str());
        INFO(whole.error().what());
        REQUIRE(whole);
        CHECK(whole->rate == c["rate"]);
        REQUIRE(whole->samples.size() == c["frames"].get<std::size_t>());
        // PCM is exact but for the mean of the channels. torchaudio rounds Vorbis to 16 bits.
        const double bound = name.ends_with(".mp3") ? 4e-6 : name.ends_with(".ogg") ? 1.6e-5 : 1e-7;
        double worst = 0, squares = 0;
        for (std::size_t i = 0; i < c["at"].size(); ++i)
            worst = cvt_test::worse(
                worst, std::fabs(static_cast<double>(whole->samples[c["at"][i].get<std::size_t>()]) - c["values"][i].get<double>()));
        for (const float v : whole->samples) squares += static_cast<double>(v) * static_cast<double>(v);
        CHECK(worst < bound);
        CHECK(squares == Approx(c["squares"].get<double>()).epsilon(1e-5));

        const std::string file = content(folder + name);
        auto parts = cvt::sound_file::from_memory(bytes(file));
        REQUIRE(parts);
        CHECK(parts->rate() == c["rate"]);
        CHECK(parts->channels() == c["channels"]);
        std::vector<float> read;
        for (std::size_t step = 1;; step = step % 1000 + 37) {
            std::vector<float> part(step);
            const auto got = parts->read(part);
            REQUIRE(got);
            read.insert(read.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(*got));
            if (*got < step) break;
        }
        CHECK(std::equal(read.begin(), read.end(), whole->samples.begin(), whole->samples.end()));
        CHECK(parts->position() == read.size());
        float after = 0;
        CHECK(*parts->read({&after, 1}) == 0);
        ++count;
    }
    CHECK(count == 9);
}

TEST_CASE("limits of bytes, channels, rate and frames") {
    CHECK(cvt::decode_sound(bytes(wav(384000, 1, 10))));
    CHECK(cvt::decode_sound(bytes(wav(16000, 32, 10))));
    CHECK(refused(wav(16000, 33, 10), cvt::errc::bad_sound) == "sound: 33 channels, more than the limit of 32");
    CHECK(refused(wav(16000, 0, 0), cvt::errc::malformed) == "sound: expected at least 1 channel, the header says 0");
    CHECK(refused(wav(0, 1, 10), cvt::errc::malformed) == "sound: expected a sample rate of at least 1, the header says 0");
    CHECK(refused(wav(768001, 1, 10), cvt::errc::bad_sound) == "sound: 768001 samples per second, more than the limit of 768000");
    CHECK(refused(wav(-1, 1, 10), cvt::errc::bad_sound) == "sound: 4294967295 samples per second, more than the limit of 768000");
    CHECK(refused(wav(16000, 1, 10), cvt::errc::bad_sound, {.max_bytes = 63}) == "sound file has 64 bytes, more than the limit of 63");
    CHECK(refused(wav(16000, 1, 10), cvt::errc::bad_sound, {.max_frames = 9}) == "sound: more frames than the limit of 9");
    CHECK(cvt::decode_sound(bytes(wav(16000, 1, 10)), {.max_bytes = 64, .max_frames = 10}));
    CHECK(refused(content(folder + "16.flac"), cvt::errc::bad_sound, {.max_channels = 1}) == "sound: 2 channels, more than the limit of 1");
}

TEST_CASE("sounds of no sample and of one") {
    const auto none = cvt::decode_sound(bytes(wav(16000, 1, 0)));
    REQUIRE(none);
    CHECK(none->samples.empty());
    const auto one = cvt::decode_sound(bytes(wav(16000, 2, 1)));
    REQUIRE(one);
    CHECK(one->samples.size() == 1);
    CHECK(one->samples[0] == Approx(321 / 65536.0));
}

TEST_CASE("a truncated WAV or FLAC file is an error; a WAV that was written as a stream is read to its end") {
    std::string file = wav(16000, 1, 100);
    CHECK(refused(file.substr(0, file.size() - 2), cvt::errc::malformed) ==
          "WAV file is truncated: its header says 200 bytes of samples, the file has 198");
    for (const std::uint32_t size : {0xFFFFFFFFU, 0x7FFFFFFFU, 0x80000000U}) {
        const auto streamed = cvt::decode_sound(bytes(wav(16000, 1, 100, size)));
        INFO(streamed.error().what());
        REQUIRE(streamed);
        CHECK(streamed->samples.size() == 100);
    }
    const std::string flac = content(folder + "16.flac");
    for (const std::size_t size : {flac.size() / 4, flac.size() / 2, flac.size() - 100}) {
        CAPTURE(size);
        CHECK_FALSE(refused(flac.substr(0, size), cvt::errc::malformed).empty());
    }
    // What follows the last frame is not damage: a tag, or the zeros of a recorder that reserves space.
    const std::size_t frames = cvt::decode_sound(bytes(flac))->samples.size();
    for (const std::string& after : {"TAG" + std::string(125, ' '), std::string(4096, '\0'), std::string(4096, '\xFF')}) {
        const auto tagged = cvt::decode_sound(bytes(flac + after));
        INFO(tagged.error().what());
        REQUIRE(tagged);
        CHECK(tagged->samples.size() == frames);
    }
    // Unknown chunks are skipped, and a file without a format or without samples is refused.
    std::string list = "LIST";
    append<std::uint32_t>(list, 5);
    CHECK(cvt::decode_sound(bytes(wav(16000, 1, 10, 20, list + std::string(6, 'x'))))->samples.size() == 10);
    CHECK(refused(std::string{"RIFF\4\0\0\0WAVE", 12}, cvt::errc::malformed) == "WAV file has no format before its samples");
    CHECK(refused(file.substr(0, 40), cvt::errc::malformed) == "WAV file has no samples");
    std::string data = "data";
    append<std::uint32_t>(data, 0);
    CHECK(refused(wav(16000, 1, 10, 20, data), cvt::errc::malformed) == "WAV file has no format before its samples");
}

TEST_CASE("files that are not sounds, under any name") {
    CHECK(refused("", cvt::errc::malformed) == "sound file is empty");
    CHECK(refused("\x89PNG\r\n\x1A\n............", cvt::errc::unsupported) == "not a sound of a known format (WAV, FLAC, Ogg, MP3)");
    CHECK_FALSE(refused("fLaC and then something else", cvt::errc::malformed).empty());
    CHECK_FALSE(refused("OggS and then something else", cvt::errc::malformed).empty());
    CHECK(refused(content(folder + "layer3.mp3").substr(0, 44), cvt::errc::malformed) ==
          "MP3 file is damaged or of a kind that is not decoded (libsndfile: no MPEG frame found)");
    CHECK(cvt::read_sound("/nonexistent/a.wav").error().code() == cvt::errc::io);
    CHECK_FALSE(cvt::read_sound("/"));
    CHECK(cvt::read_sound(static_cast<const char*>(nullptr)).error().code() == cvt::errc::invalid_argument);
}

TEST_CASE("truncated sounds and sounds with a changed byte give errors or sounds, and do no harm") {
    const cvt::sound_limits limits{.max_bytes = 1U << 20, .max_frames = 1U << 20};
    const auto check = [&](const std::string& file) {
        const auto sound = cvt::decode_sound(bytes(file), limits);
        if (!sound) CHECK(std::strlen(sound.error().what()) > 8);
    };
    for (const nlohmann::json& c : all()) {
        const std::string file = content(folder + c["name"].get<std::string>());
        for (std::size_t size = 0; size < file.size(); size += 1 + size / 32) check(file.substr(0, size));
        for (std::size_t at = 0; at < file.size(); at += 1 + at / 60)
            for (const unsigned flip : {0x55U, 0xFFU, 1U}) {
                std::string changed = file;
                changed[at] = static_cast<char>(static_cast<unsigned char>(changed[at]) ^ flip);
                check(changed);
            }
    }
}

#endif
