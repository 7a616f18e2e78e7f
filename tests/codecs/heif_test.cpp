// AVIF and HEIC: the pixels of avifdec and heif-convert within 2 levels; turned as they say; no threads; nothing larger than the preflight
// saw.
#include <pthread.h>

#include <dlfcn.h>
#include <algorithm>
#include <atomic>
#include <cstdlib>

#include "pictures.hpp"

using namespace pictures;

namespace {

std::atomic<int> threads_started{0};

}  // namespace

// In front of the C library's: counts the threads that anything in this program starts.
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*), void* argument) {
    ++threads_started;
    using function = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
    static const auto next = reinterpret_cast<function>(dlsym(RTLD_NEXT, "pthread_create"));
    return next(thread, attributes, run, argument);
}

TEST_CASE("AVIF and HEIC are within 2 levels of avifdec and heif-convert, without a thread") {
    int files = 0;
    for (const golden& g : all("heif")) {
        INFO(g.name);
        const auto image = decode(read_bytes(g.name, "heif"));
        INFO(image.error().what());
        CHECK(image);
        if (!image) continue;
        CHECK(image->width == g.width);
        CHECK(image->height == g.height);
        const bytes expected = read_bytes(g.name + ".rgb", "heif");
        REQUIRE(image->pixels.size() == expected.size());
        int worst = 0;
        for (std::size_t i = 0; i < expected.size(); ++i) worst = std::max(worst, std::abs(image->pixels[i] - expected[i]));
        CHECK(worst <= 2);
        ++files;
    }
    CHECK(files > 25);
    CHECK(threads_started == 0);
}

TEST_CASE("HEIF files cut short or changed are errors or pictures, never harm") {
    for (const golden& g : all("heif")) {
        const bytes file = read_bytes(g.name, "heif");
        for (std::size_t size = 0; size < file.size(); size += 1 + size / 16) {
            INFO(g.name << " cut to " << size);
            const auto image = decode(bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size)));
            if (size < file.size() / 2) CHECK_FALSE(image);
        }
        for (std::size_t at = 0; at < file.size(); at += 3) {
            bytes changed = file;
            changed[at] = static_cast<std::uint8_t>(changed[at] ^ (at % 2 != 0 ? 0xFFU : 0x55U));
            const auto image = decode(changed, {1U << 20, 1U << 20});
            if (!image) CHECK(std::string{image.error().what()}.size() > 8);
        }
    }
}

TEST_CASE("limits hold for HEIF before anything is decoded") {
    for (const char* name : {"444.avif", "444.heic", "grid.avif", "irot1.avif", "alpha.heic"}) {
        INFO(name);
        const bytes file = read_bytes(name, "heif");
        const auto image = decode(file);
        REQUIRE(image);
        const auto pixels = static_cast<std::uint64_t>(image->width) * static_cast<std::uint64_t>(image->height);
        const std::uint64_t tile = 64 * 64;  // heif-enc codes no less, and crops by a grid of one tile
        CHECK(decode(file, {file.size(), std::max(pixels, tile)}));
        refused(file, cvt::errc::bad_image, "more than the limit", {file.size(), pixels - 1});
    }
}

TEST_CASE("what is coded may not be larger than the file says") {
    for (const char* name : {"444.avif", "444.heic"}) {
        INFO(name);
        const bytes file = read_bytes(name, "heif");
        for (const std::uint8_t width : {std::uint8_t{1}, std::uint8_t{200}}) {  // instead of 32
            bytes lies = file;
            const bytes size{'i', 's', 'p', 'e', 0, 0, 0, 0, 0, 0, 0, 32};
            const auto at = std::search(lies.begin(), lies.end(), size.begin(), size.end());
            REQUIRE(at != lies.end());
            at[11] = width;
            CHECK_FALSE(decode(lies));
        }
        if (name != std::string{"444.avif"}) continue;
        bytes huge = file;
        const bytes size{'i', 's', 'p', 'e', 0, 0, 0, 0, 0, 0, 0, 32};
        std::search(huge.begin(), huge.end(), size.begin(), size.end())[10] = 0x50;
        refused(huge, cvt::errc::bad_image, "expected sides");
    }
}

TEST_CASE("libheif sees no table but ours") {
    // Found by fuzzing: an alpha that is a grid of the picture whose alpha it is. libheif 1.15 goes round until its stack is full, and
    // does so too where a reference is longer than its table, behind which nobody else looks.
    bytes file = read_bytes("alpha.heic", "heif");
    const bytes kind{'d', 'i', 'm', 'g'};
    const auto first = std::search(file.begin(), file.end(), kind.begin(), kind.end());
    REQUIRE(first != file.end());
    const auto second = std::search(first + 1, file.end(), kind.begin(), kind.end());
    REQUIRE(second != file.end());
    REQUIRE(int{second[9]} == 3);
    second[9] = 2;
    CHECK(decode(file));  // of the alpha nobody asks
    second[-2] = 0x7E;
    refused(file, cvt::errc::malformed, "the table iref is damaged");
}

TEST_CASE("what would reach a decoder in HEIF is checked first") {
    const auto after = [](bytes& file, const std::string& kind) {
        const auto at = std::search(file.begin(), file.end(), kind.begin(), kind.end(), [](std::uint8_t a, char b) { return a == b; });
        REQUIRE(at != file.end());
        return at + 4;
    };
    bytes file = read_bytes("444.heic", "heif");
    after(file, "hvcC")[21] &= 0xFC;
    refused(file, cvt::errc::unsupported, "lengths");
    file = read_bytes("444.heic", "heif");
    after(file, "hvcC")[23] = 1;
    refused(file, cvt::errc::malformed, "units of kind 1");
    file = read_bytes("444.heic", "heif");
    after(file, "hvcC")[24] = 0xFF;
    refused(file, cvt::errc::malformed, "cut short");
    file = read_bytes("444.avif", "heif");
    after(file, "av1C")[-1] = 'X';
    refused(file, cvt::errc::malformed, "no parameters of AV1");
    file = read_bytes("444.heic", "heif");
    after(file, "pitm")[-1] = 'X';
    refused(file, cvt::errc::malformed, "no table pitm");
    file = read_bytes("444.heic", "heif");
    file.resize(100);
    refused(file, cvt::errc::malformed, "truncated: the box at byte 28 goes past the end of the file (100 bytes)");
    file = read_bytes("444.heic", "heif");
    after(file, "mdat")[4] = 1 << 1;  // a slice that may need other pictures
    refused(file, cvt::errc::malformed, "no still picture");
}

TEST_CASE("pictures in HEIF that are neither HEVC nor AV1 are named, and so is the missing library") {
    bytes file = read_bytes("444.heic", "heif");
    const auto image = cvt::decode(std::as_bytes(std::span{file}), cvt::orientation::exif);  // by stb_image alone
    REQUIRE_FALSE(image);
    CHECK_THAT(image.error().what(), Catch::Contains("HEIC file: ") && Catch::Contains("Debian: libheif-dev; CMake: CVT_WITH_HEIF"));
    const bytes kind{'g', 'r', 'i', 'd'};
    const auto at = std::search(file.begin(), file.end(), kind.begin(), kind.end());
    REQUIRE(at != file.end());
    std::copy_n("iovl", 4, at);
    refused(file, cvt::errc::unsupported, "an overlay");
}
