// libjpeg-turbo and libpng behind the preflight: pixels within 3 levels of stb_image, and the same files refused.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <sys/resource.h>

#define CVT_WITH_SYSTEM_CODECS
#include <cvt/extra/codecs.hpp>
#include <cvt/extra/decode.hpp>

namespace {

namespace fs = std::filesystem;
using bytes = std::vector<char>;

bytes read_bytes(const fs::path& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

cvt::result<cvt::image> with_system(const bytes& file, const cvt::decode_limits& limits = {}) {
    return cvt::detail::decode_with(cvt_codecs::decoder, std::as_bytes(std::span{file}), cvt::orientation::exif, limits);
}

std::vector<fs::path> pictures() {
    std::vector<fs::path> found;
    for (const char* folder : {CVT_TEST_DATA "/preprocessing", CVT_TEST_DATA "/../../examples/images"})
        for (const auto& entry : fs::directory_iterator{folder})
            if (entry.path().extension() == ".jpg" || entry.path().extension() == ".png") found.push_back(entry.path());
    return found;
}

/// Returns 1 + 258 * `copies` letters, compressed by zlib: a literal with a fixed Huffman code, then copies of 258 from the previous byte.
std::string packed_letters(std::size_t copies) {
    std::string out{"\x78\x01", 2};
    unsigned held = 0, bits = 0;
    const auto put = [&](unsigned code, int size) {  // Huffman codes are stored from their highest bit
        for (int i = size - 1; i >= 0; --i) {
            held |= (code >> i & 1) << bits;
            if (++bits == 8) out += static_cast<char>(held), held = bits = 0;
        }
    };
    put(0b110, 3);  // the last block, fixed codes
    put(0x30 + 'a', 8);
    for (std::size_t i = 0; i < copies; ++i) put(0b1100010100000, 13);
    put(0, 7 + 7);  // the end of the block, padded to whole bytes
    std::uint32_t a = 1, b = 0;
    for (std::size_t i = 0; i < 1 + 258 * copies; ++i) a = (a + 'a') % 65521, b = (b + a) % 65521;
    for (const std::uint32_t sum : {b, a}) out += static_cast<char>(sum >> 8), out += static_cast<char>(sum);
    return out;
}

std::string png_chunk(std::string body) {
    const std::uint32_t crc = cvt::detail::png_crc({reinterpret_cast<const std::uint8_t*>(body.data()), body.size()});
    std::string out;
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>((body.size() - 4) >> shift);
    out += body;
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(crc >> shift);
    return out;
}

}  // namespace

TEST_CASE("text chunks of a PNG are not decompressed") {
    bytes file = read_bytes(CVT_TEST_DATA "/preprocessing/rgb8.png");
    const std::string text = png_chunk(std::string{"zTXtk\0\0", 7} + packed_letters(4000));  // 7 kB, a megabyte decompressed
    std::string texts;
    for (int i = 0; i < 400; ++i) texts += text;
    file.insert(file.begin() + 8 + 25, texts.begin(), texts.end());
    const auto peak = [] {
        rusage used{};
        getrusage(RUSAGE_SELF, &used);
        return used.ru_maxrss / 1024;
    };
    const long before = peak();
    const auto image = with_system(file);
    REQUIRE(image);
    CHECK(peak() - before < 100);
}

TEST_CASE("both backends decode the same pixels: PNG exactly, JPEG within 3 levels") {
    CHECK(cvt::decoder_name() == std::string{"stb_image"});
    for (const fs::path& path : pictures()) {
        INFO(path);
        const bytes file = read_bytes(path);
        const auto stb = cvt::decode(std::as_bytes(std::span{file}), cvt::orientation::exif), system = with_system(file);
        INFO(system.error().what());
        REQUIRE(stb);
        REQUIRE(system);
        REQUIRE(system->width == stb->width);
        REQUIRE(system->height == stb->height);
        int worst = 0;
        for (std::size_t i = 0; i < stb->pixels.size(); ++i) worst = std::max(worst, std::abs(stb->pixels[i] - system->pixels[i]));
        CHECK(worst <= (path.extension() == ".png" ? 0 : 3));
    }
    CHECK(pictures().size() > 40);
}

TEST_CASE("truncated and changed files give errors or pictures, and do no harm") {
    for (const char* name : {"420.jpg", "progressive.jpg", "cmyk.jpg", "rgb8.png", "palette4i.png"}) {
        const bytes file = read_bytes(fs::path{CVT_TEST_DATA "/preprocessing"} / name);
        for (std::size_t size = 0; size < file.size(); ++size) {
            INFO(name << " cut to " << size);
            REQUIRE_FALSE(with_system(bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size))));
        }
        for (std::size_t at = 0; at < file.size(); ++at) {
            bytes changed = file;
            changed[at] = static_cast<char>(changed[at] ^ 0x55);
            const auto image = with_system(changed, {1U << 20, 1U << 20});
            if (!image) CHECK(std::string{image.error().what()}.size() > 8);
        }
    }
}

TEST_CASE("errors of the libraries are returned as values, with their texts") {
    bytes file = read_bytes(CVT_TEST_DATA "/preprocessing/rgb8.png");
    const std::string header{"IDAT"};
    const auto at = std::search(file.begin(), file.end(), header.begin(), header.end()) + 4;
    // Replaces the compressed stream by another one of the same length, with the right checksum.
    const std::size_t size = cvt::detail::read_be32({reinterpret_cast<const std::uint8_t*>(&*at) - 8, 4}, 0);
    std::fill(at + 2, at + static_cast<std::ptrdiff_t>(size), '\x07');
    const std::uint32_t crc = cvt::detail::png_crc({reinterpret_cast<const std::uint8_t*>(&*at) - 4, size + 4});
    for (int i = 0; i < 4; ++i) at[static_cast<std::ptrdiff_t>(size) + i] = static_cast<char>(crc >> (24 - 8 * i));
    const auto image = with_system(file);
    REQUIRE_FALSE(image);
    CHECK(image.error().code() == cvt::errc::malformed);
    CHECK_THAT(image.error().what(), Catch::Contains("libpng: "));
}

TEST_CASE("a lack of memory is an out_of_memory error") {
    const auto reason = [](const char* name, std::size_t limit) {
        const bytes file = read_bytes(std::string{CVT_TEST_DATA "/preprocessing/"} + name);
        int width = 0, height = 0, channels = 0;
        const char* why = "";
        const cvt_codec& codec = fs::path{name}.extension() == ".png" ? cvt_system::png : cvt_system::jpeg;
        unsigned char* pixels = codec.decode(reinterpret_cast<const unsigned char*>(file.data()), static_cast<int>(file.size()), limit,
                                             &width, &height, &channels, &why);
        if (pixels != nullptr) cvt_codecs::decoder.release(pixels);
        return pixels != nullptr ? std::string{} : std::string{why != nullptr ? why : "out of memory"};
    };
    for (const char* name : {"420.jpg", "progressive.jpg", "rgb8.png"}) {
        CHECK(reason(name, 10) == "out of memory");
        CHECK(reason(name, 1U << 20).empty());
    }
}
