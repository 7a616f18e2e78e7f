// WebP, GIF, BMP, TIFF and PNM: exactly Pillow's pixels, with any file name; truncated and changed files give errors or pictures.
#include "pictures.hpp"

#include <algorithm>
#include <map>

using namespace pictures;

TEST_CASE("every format decodes to Pillow's pixels") {
    std::map<std::string, int> of_kind;
    for (const golden& g : all()) {
        INFO(g.name);
        const auto image = decode(read_bytes(g.name));
        INFO(image.error().what());
        CHECK(image);
        if (!image) continue;
        CHECK(image->width == g.width);
        CHECK(image->height == g.height);
        const bytes expected = read_bytes(g.name + ".rgb");
        REQUIRE(image->pixels.size() == expected.size());
        const auto differs = std::mismatch(expected.begin(), expected.end(), image->pixels.begin());
        if (differs.first != expected.end())
            FAIL_CHECK("byte " << differs.first - expected.begin() << " is " << int{*differs.second} << ", expected "
                               << int{*differs.first});
        ++of_kind[g.name.substr(g.name.rfind('.'))];
    }
    for (const char* kind : {".webp", ".gif", ".bmp", ".tif", ".ppm", ".pgm", ".pbm"}) CHECK(of_kind[kind] > 1);
}

TEST_CASE("a truncated picture is an error") {
    for (const golden& g : all()) {
        const bytes file = read_bytes(g.name);
        // Data after the first image or of less than a pixel may be missing.
        const bool more = g.name.ends_with(".gif") || g.name.starts_with("text") || g.name.ends_with(".tif") || g.name.ends_with(".bmp");
        if (g.name == "pages.tif") continue;
        for (std::size_t size = 0; size < file.size(); size += 1 + size / 64) {
            INFO(g.name << " cut to " << size);
            const auto image = decode(bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size)));
            if (!more || size < file.size() / 2) REQUIRE_FALSE(image);
        }
    }
}

TEST_CASE("pictures with a changed byte give errors or pictures, and do no harm") {
    for (const golden& g : all()) {
        const bytes file = read_bytes(g.name);
        for (std::size_t at = 0; at < file.size(); at += 1 + at / 100)
            for (const unsigned flip : {0x55U, 0xFFU, 1U}) {
                bytes changed = file;
                changed[at] = static_cast<std::uint8_t>(changed[at] ^ flip);
                const auto image = decode(changed, {1U << 20, 1U << 20});
                if (!image) CHECK(std::string{image.error().what()}.size() > 8);
            }
    }
}

TEST_CASE("limits for every format are checked before decoding") {
    for (const golden& g : all()) {
        INFO(g.name);
        const bytes file = read_bytes(g.name);
        const auto pixels = static_cast<std::uint64_t>(g.width) * static_cast<std::uint64_t>(g.height);
        CHECK(decode(file, {file.size(), pixels}));
        refused(file, cvt::errc::bad_image, "more than the limit", {file.size(), pixels - 1});
        refused(file, cvt::errc::bad_image, "more than the limit", {file.size() - 1, pixels});
    }
}

TEST_CASE("errors name a format without its library, and the package and option that add it") {
    for (const auto& [name, format, way_out] : {std::tuple{"lossy.webp", "WebP", "libwebp (Debian: libwebp-dev; CMake: CVT_WITH_WEBP)"},
                                                {"palette.gif", "GIF", "giflib (Debian: libgif-dev; CMake: CVT_WITH_GIF)"},
                                                {"rgb_raw.tif", "TIFF", "libtiff (Debian: libtiff-dev; CMake: CVT_WITH_TIFF)"}}) {
        const bytes file = read_bytes(name);
        const auto image = cvt::decode(std::as_bytes(std::span{file}), cvt::orientation::exif);  // only by stb_image
        REQUIRE_FALSE(image);
        CHECK(image.error().code() == cvt::errc::unsupported);
        CHECK_THAT(image.error().what(), Catch::Contains(std::string{format} + " file: ") && Catch::Contains(way_out));
    }
    for (const char* name : {"rgb.bmp", "bytes.ppm"}) {
        const bytes file = read_bytes(name);
        CHECK(cvt::decode(std::as_bytes(std::span{file}), cvt::orientation::exif));
    }
}

TEST_CASE("sizes that the data cannot fill are refused before memory is allocated") {
    bytes file = read_bytes("palette.gif");
    for (const std::size_t at : {6U, 8U}) file[at] = 0, file[at + 1] = 0x20;
    const auto comma = std::search(file.begin(), file.end(), std::begin(",\0\0\0\0"), std::begin(",\0\0\0\0") + 5);
    REQUIRE(comma != file.end());
    comma[6] = comma[8] = 0x20;
    refused(file, cvt::errc::malformed, "cannot hold");
    file = read_bytes("rgb.bmp");
    file[19] = 0x20;
    refused(file, cvt::errc::malformed, "truncated");
    file = read_bytes("bytes.ppm");
    file[4] = '9';
    refused(file, cvt::errc::malformed, "truncated");
    for (const char* name : {"rgb_raw.tif", "rgb_tiff_lzw.tif", "rgb_packbits.tif", "rgb_tiff_adobe_deflate.tif"}) {
        file = read_bytes(name);
        for (const std::uint8_t tag : {std::uint8_t{0}, std::uint8_t{1}}) {  // width and height
            const bytes entry{tag, 1, 3, 0, 1, 0, 0, 0};
            auto at = std::search(file.begin(), file.end(), entry.begin(), entry.end());
            const bytes wide{tag, 1, 4, 0, 1, 0, 0, 0};
            if (at == file.end()) at = std::search(file.begin(), file.end(), wide.begin(), wide.end());
            REQUIRE(at != file.end());
            at[9] = 0x20;
        }
        const auto image = decode(file);
        REQUIRE_FALSE(image);
        CHECK(image.error().code() == cvt::errc::malformed);
    }
}

TEST_CASE("a WebP that ends before its first chunk is refused") {
    // Found by fuzzing: the chunk of 8 KB is after the end in the header, and after the end of the file.
    for (const char size : {'\0', '\3'}) {
        std::string file{"RIFF....WEBPV\0\0\0WP8X\n\0~\0\0\0\0\0W\0RA", 32};
        file.replace(4, 4, std::string{size, 0, 0, 0});
        refused(bytes(file.begin(), file.end()), cvt::errc::malformed, "bytes of chunks, expected");
    }
}

TEST_CASE("errors name pictures that cannot be decoded") {
    bytes file = read_bytes("rgb.bmp");
    file[14] = 41;
    refused(file, cvt::errc::malformed, "a header of 41 bytes");
    file = read_bytes("rgb.bmp");
    file[30] = 4;
    refused(file, cvt::errc::unsupported, "compression 4");
    const std::string text = "P6 13 0 255 ", wrong = "P2 2 1 9 5 10", letters = "P2 2 1 9 5 x ", header = "P5 70000 1 255 ";
    refused(bytes(text.begin(), text.end()), cvt::errc::bad_image, "13 x 0");
    refused(bytes(wrong.begin(), wrong.end()), cvt::errc::malformed, "exceeds the largest");
    refused(bytes(letters.begin(), letters.end()), cvt::errc::malformed, "not a number");
    refused(bytes(header.begin(), header.end()), cvt::errc::malformed, "expected numbers up to 65535 after P");
    file = read_bytes("rgb_tiff_lzw.tif");
    const bytes compression{3, 1, 3, 0, 1, 0, 0, 0, 5, 0};
    const auto at = std::search(file.begin(), file.end(), compression.begin(), compression.end());
    REQUIRE(at != file.end());
    at[8] = 6;
    refused(file, cvt::errc::unsupported, "compression 6");
}
