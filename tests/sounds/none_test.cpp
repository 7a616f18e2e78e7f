// A program that was built without libsndfile names it for every format of sounds.
#define CVT_SOUND_IMPLEMENTATION
#include <cvt/extra/sound.hpp>

#include <catch2/catch.hpp>
#include <string>

TEST_CASE("without libsndfile, the error names the package and the option") {
    const std::string needs = " file: this program was built without libsndfile (Debian: libsndfile1-dev; CMake: CVT_WITH_SNDFILE)";
    for (const auto& [name, format] : {std::pair{"16.wav", "WAV"}, {"16.flac", "FLAC"}, {"vorbis.ogg", "Ogg"}, {"layer3.mp3", "MP3"}}) {
        const auto sound = cvt::read_sound((std::string{CVT_TEST_DATA "/sounds/"} + name).c_str());
        REQUIRE_FALSE(sound);
        CHECK(sound.error().code() == cvt::errc::unsupported);
        CHECK(sound.error().what() == format + needs);
    }
    CHECK(std::string{cvt::read_sound(CVT_TEST_DATA "/sounds/expected.json").error().what()} ==
          "not a sound of a known format (WAV, FLAC, Ogg, MP3)");
}
