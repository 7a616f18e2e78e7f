// AVIF and HEIC: pixels within 2 levels of avifdec and heif-convert; rotation; no threads; nothing larger than the preflight allowed.
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

#if !defined(CVT_PORTABLE_ONLY)
// Overrides pthread_create: counts the threads that this program starts.
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*), void* argument) {
    ++threads_started;
    using function = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
    static const auto next = reinterpret_cast<function>(dlsym(RTLD_NEXT, "pthread_create"));
    return next(thread, attributes, run, argument);
}
#endif

TEST_CASE("AVIF and HEIC are within 2 levels of avifdec and heif-convert, without threads") {
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

TEST_CASE("truncated and changed HEIF files give errors or pictures, and do no harm") {
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

TEST_CASE("limits for HEIF are checked before decoding") {
    for (const char* name : {"444.avif", "444.heic", "grid.avif", "irot1.avif", "alpha.heic"}) {
        INFO(name);
        const bytes file = read_bytes(name, "heif");
        const auto image = decode(file);
        REQUIRE(image);
        const auto pixels = static_cast<std::uint64_t>(image->width) * static_cast<std::uint64_t>(image->height);
        const std::uint64_t tile = 64 * 64;  // the minimum of heif-enc, which crops with a grid of one tile
        CHECK(decode(file, {file.size(), std::max(pixels, tile)}));
        refused(file, cvt::errc::bad_image, "more than the limit", {file.size(), pixels - 1});
    }
}

TEST_CASE("tiles may share their data, up to 4 bytes for each pixel") {
    bytes file = read_bytes("shared.avif", "heif");
    REQUIRE(decode(file));
    const std::string name{"iloc"};
    const auto at = std::search(file.begin(), file.end(), name.begin(), name.end(), [](std::uint8_t a, char b) { return a == b; });
    REQUIRE(at != file.end());
    std::uint8_t* place = &at[4];
    REQUIRE((int{place[0]} == 0 && int{place[4]} == 0x44 && int{place[5]} == 0 && int{place[7]} == 5));  // five items, widths of four bytes
    place += 8;
    bytes offset;
    int shared = 0;
    for (int item = 0; item < 5; ++item, place += 14) {
        if (offset == bytes(place + 6, place + 10)) ++shared;
        offset.assign(place + 6, place + 10);
        if (item > 0) place[11] = 1;  // 64 KiB longer
    }
    CHECK(shared == 3);
    file.resize(file.size() + (66U << 10));
    refused(file, cvt::errc::unsupported, "or more: tiles share bytes of the file of ");
}

TEST_CASE("coded pictures must not be larger than the file says") {
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

TEST_CASE("libheif gets only tables that the preflight wrote") {
    // Found by fuzzing: an alpha image that is a grid of its own picture. libheif 1.15 recurses until its stack overflows. It
    // also does so if a reference is longer than its table, whose end other readers respect.
    bytes file = read_bytes("alpha.heic", "heif");
    const bytes kind{'d', 'i', 'm', 'g'};
    const auto first = std::search(file.begin(), file.end(), kind.begin(), kind.end());
    REQUIRE(first != file.end());
    const auto second = std::search(first + 1, file.end(), kind.begin(), kind.end());
    REQUIRE(second != file.end());
    REQUIRE(int{second[9]} == 3);
    second[9] = 2;
    CHECK(decode(file));  // the alpha image is not used
    second[-2] = 0x7E;
    refused(file, cvt::errc::malformed, "the table iref is damaged");
}

TEST_CASE("the data for the decoders of HEIF are checked first") {
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
    refused(file, cvt::errc::malformed, "truncated HEVC parameters");
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
    refused(file, cvt::errc::malformed, "not a still picture");
}

TEST_CASE("HEVC with more than a still picture does not reach the decoder") {
    using gate = cvt::detail::hevc_gate;
    const auto check = [](gate& g, const bytes& unit, bool expect_needed) {
        bool needed = false;
        const char* why = g.check(unit, needed);
        CHECK(needed == expect_needed);
        return std::string{why != nullptr ? why : ""};
    };
    const auto unit = [](unsigned kind) { return bytes{static_cast<std::uint8_t>(kind << 1), 1, 0x80}; };
    gate slices{4096};
    for (int i = 0; i < gate::max_slices; ++i) CHECK(check(slices, unit(20), true).empty());
    CHECK_THAT(check(slices, unit(20), false), Catch::Contains("more than 32 slices"));
    gate sets{4096};
    for (int i = 0; i < gate::max_parameter_sets; ++i) CHECK(check(sets, unit(34), true).empty());
    CHECK_THAT(check(sets, unit(34), false), Catch::Contains("more than 8 parameter sets"));
    gate others{4096};
    for (const unsigned note : {35U, 39U, 40U}) CHECK(check(others, unit(note), false).empty());
    CHECK(check(others, {20 << 1, 1 | 1 << 3, 0x80}, false).empty());  // of another layer
    for (const unsigned film : {0U, 1U, 15U, 22U, 31U, 41U, 63U}) CHECK_FALSE(check(others, unit(film), false).empty());
    CHECK_FALSE(check(others, {20 << 1}, false).empty());
}

TEST_CASE("AV1 with more than one frame does not reach the decoder") {
    const auto check = [](const bytes& data) {
        const char* why = cvt::detail::check_av1_units(data);
        return std::string{why != nullptr ? why : "good"};
    };
    const bytes frame{6 << 3 | 2, 1, 0}, extended{3 << 3 | 4 | 2, 0, 1, 0}, large{6 << 3 | 2, 0x81, 0};
    bytes data{1 << 3 | 2, 2, 0, 0};  // a sequence header
    for (const bytes& next : {frame, extended, frame}) data.insert(data.end(), next.begin(), next.end());
    CHECK(check(data) == "good");
    bytes last = data;
    last.insert(last.end(), {6 << 3, 1, 2, 3});  // without a size: extends to the end
    CHECK(check(last) == "good");
    last = data;
    last.insert(last.end(), {2 << 3 | 2, 0, 6 << 3 | 2, 1, 0, 6 << 3 | 2, 1, 0});
    CHECK(check(last) == "AV1 of more than 4 frames");
    for (const bytes& cut :
         {large, bytes{6 << 3 | 2}, bytes{6 << 3 | 4}, bytes{6 << 3 | 2, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, bytes{6 << 3 | 2, 2, 0}})
        CHECK(check(cut) == "truncated AV1 data");
    bytes file = read_bytes("444.avif", "heif");
    const std::string kind{"mdat"};
    const auto at = std::search(file.begin(), file.end(), kind.begin(), kind.end());
    REQUIRE(at != file.end());
    std::fill(at + 4, file.end(), std::uint8_t{6 << 3 | 2});  // units of 50 bytes, the last of which has fewer
    refused(file, cvt::errc::malformed, "truncated AV1 data");
}

TEST_CASE("an HEVC sequence of a different size from the tables is refused before memory is allocated") {
    // A sequence parameter set in bits: temporal layers, any profile and level, then numbers, then the rest.
    const auto number = [](std::uint32_t value) {
        std::string digits;
        for (std::uint32_t v = value + 1; v != 0; v >>= 1) digits.insert(digits.begin(), (v & 1U) != 0 ? '1' : '0');
        return std::string(digits.size() - 1, '0') + digits;
    };
    const auto unit = [](const std::string& bits) {
        bytes plain{33 << 1, 1}, stuffed;
        for (std::size_t i = 0; i < bits.size(); i += 8) {
            unsigned byte = 0;
            for (std::size_t k = i; k < i + 8; ++k) byte = byte << 1 | (k < bits.size() && bits[k] == '1' ? 1U : 0U);
            plain.push_back(static_cast<std::uint8_t>(byte));
        }
        int zeros = 0;
        for (const std::uint8_t byte : plain) {
            if (zeros >= 2 && byte <= 3) stuffed.push_back(3), zeros = 0;
            stuffed.push_back(byte);
            zeros = byte == 0 ? zeros + 1 : 0;
        }
        return stuffed;
    };
    const std::string level(96, '0'), one = "0001" + level;
    const std::string three = "0101" + level + "1101" + std::string(12, '0') + std::string(88 + 8 + 8, '1');
    const auto sequence = [&](const std::string& layers, std::vector<std::uint32_t> n) {  // chroma, sizes, bits, blocks, transforms, depths
        std::string bits = "0000" + layers + number(0) + number(n[0]) + (n[0] == 3 ? "0" : "") + number(n[1]) + number(n[2]) + '1';
        for (std::uint32_t cut = 0; cut < 4; ++cut) bits += number(cut);
        bits += number(n[3]) + number(n[4]) + number(4) + '0' + number(1) + number(0) + number(1 << 18);
        for (std::size_t i = 5; i < n.size(); ++i) bits += number(n[i]);
        return unit(bits + "1");
    };
    const auto check = [](const bytes& of, std::uint64_t area) {
        const char* why = cvt::detail::check_hevc_sequence(of, area);
        return std::string{why != nullptr ? why : "good"};
    };
    const std::vector<std::uint32_t> good{1, 640, 4320, 0, 0, 0, 3, 0, 3, 4, 4};
    for (const std::string& layers : {one, three})
        for (const std::uint32_t chroma : {0U, 1U, 3U}) {
            std::vector<std::uint32_t> n = good;
            n[0] = chroma;
            CHECK(check(sequence(layers, n), 640 * 4352) == "good");  // in blocks of 64
            CHECK(check(sequence(layers, n), 640 * 4352 - 1) == "an HEVC picture that is larger than its tables say");
            n[1] = n[2] = 65528;
            CHECK(check(sequence(layers, n), 100'000'000) == "an HEVC picture that is larger than its tables say");
        }
    for (const auto& [place, value] : std::vector<std::pair<std::size_t, std::uint32_t>>{
             {0, 4}, {1, 641}, {2, 4321}, {3, 9}, {4, 9}, {5, 4}, {6, 4}, {7, 1}, {8, 4}, {9, 5}, {10, 5}}) {
        INFO(place);
        std::vector<std::uint32_t> n = good;
        n[place] = value;
        CHECK(check(sequence(one, n), ~std::uint64_t{0}) == "HEVC parameters out of range");
    }
    bytes cut = sequence(one, good);
    while (cut.size() > 2) {
        cut.pop_back();
        if (cut.size() < 35) CHECK(check(cut, 640 * 4352) == "truncated HEVC parameters");
    }
    CHECK(check(unit("0000" + one + std::string(40, '0') + "1"), 640 * 4352) == "truncated HEVC parameters");

    // From a file of 400 bytes: libde265 allocated tables of 20 GB for 65528 x 65528 here, with 64 x 64 elsewhere.
    bytes file = read_bytes("444.heic", "heif");
    const bytes size{0x90, 0x04, 0x10, 0x20, 0xB2};  // from the chroma format on: 1.., 65, 65
    const auto at = std::search(file.begin(), file.end(), size.begin(), size.end());
    REQUIRE(at != file.end());
    at[1] = at[4] = 0;  // more leading zeros make longer numbers
    refused(file, cvt::errc::malformed, "HEVC parameters out of range");
}

TEST_CASE("errors name other codecs in HEIF, and the missing library") {
    bytes file = read_bytes("444.heic", "heif");
    const auto image = cvt::decode(std::as_bytes(std::span{file}), cvt::orientation::exif);  // only by stb_image
    REQUIRE_FALSE(image);
    CHECK_THAT(image.error().what(), Catch::Contains("HEIC file: ") && Catch::Contains("Debian: libheif-dev; CMake: CVT_WITH_HEIF"));
    const bytes kind{'g', 'r', 'i', 'd'};
    const auto at = std::search(file.begin(), file.end(), kind.begin(), kind.end());
    REQUIRE(at != file.end());
    std::copy_n("iovl", 4, at);
    refused(file, cvt::errc::unsupported, "an overlay");
}
