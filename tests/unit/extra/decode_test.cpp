// extra/decode.hpp: pixels against Pillow, orientation, and files that must be refused.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <cvt/extra/decode.hpp>
#include <fstream>
#include <functional>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

namespace {

using bytes = std::vector<std::uint8_t>;

std::string data_path(const std::string& name) { return std::string{CVT_TEST_DATA} + "/preprocessing/" + name; }

bytes read_bytes(const std::string& name) {
    std::ifstream file{data_path(name), std::ios::binary};
    REQUIRE(file);
    return {std::istreambuf_iterator<char>{file}, {}};
}

auto decode(const bytes& file, const cvt::decode_limits& limits = {}, cvt::orientation turn = cvt::orientation::exif) {
    return cvt::decode(std::as_bytes(std::span{file}), turn, limits);
}

void refused(const bytes& file, cvt::errc code, const char* says, const cvt::decode_limits& limits = {}) {
    const auto image = decode(file, limits);
    REQUIRE_FALSE(image);
    INFO(says);
    CHECK(cvt::to_string(image.error().code()) == std::string{cvt::to_string(code)});
    CHECK_THAT(image.error().what(), Catch::Contains(says));
}

/// Returns the offset of the n-th occurrence of `marker` (JPEG: FF xx) or chunk name.
std::size_t find(const bytes& file, const std::string& what, int n = 0) {
    auto at = file.begin();
    for (;; ++at) {
        at =
            std::search(at, file.end(), what.begin(), what.end(), [](std::uint8_t a, char b) { return a == static_cast<std::uint8_t>(b); });
        REQUIRE(at != file.end());
        if (n-- == 0) return static_cast<std::size_t>(at - file.begin());
    }
}

/// Returns a PNG with one chunk changed and its checksum corrected.
bytes changed_png(const std::string& name, const std::string& chunk, const std::function<void(bytes& body)>& change) {
    bytes file = read_bytes(name);
    const std::size_t at = find(file, chunk) - 4;
    const std::size_t size = cvt::detail::read_be32(file, at);
    const auto body_at = file.begin() + static_cast<std::ptrdiff_t>(at) + 8;
    bytes body{body_at, body_at + static_cast<std::ptrdiff_t>(size)};
    change(body);
    bytes fresh(chunk.begin(), chunk.end());
    fresh.insert(fresh.end(), body.begin(), body.end());
    const std::uint32_t crc = cvt::detail::png_crc(fresh);
    for (int shift = 24; shift >= 0; shift -= 8) fresh.push_back(static_cast<std::uint8_t>(crc >> shift));
    for (int shift = 0; shift <= 24; shift += 8) fresh.insert(fresh.begin(), static_cast<std::uint8_t>(body.size() >> shift));
    const auto from = file.erase(body_at - 8, body_at + static_cast<std::ptrdiff_t>(size) + 4);
    file.insert(from, fresh.begin(), fresh.end());
    return file;
}

bytes changed(const std::string& name, const std::string& after, std::size_t offset, std::uint8_t value) {
    bytes file = read_bytes(name);
    file[find(file, after) + offset] = value;
    return file;
}

}  // namespace

TEST_CASE("decoded pixels agree with Pillow: PNG exactly, JPEG within 4 levels") {
    std::ifstream list{data_path("decode.txt")};
    REQUIRE(list);
    int count = 0;
    for (std::string line; std::getline(list, line);) {
        if (line[0] == '#') continue;
        std::istringstream fields{line};
        std::string name;
        int width = 0, height = 0;
        fields >> name >> width >> height;
        INFO(name);
        const auto image = cvt::read_image(data_path(name).c_str(), cvt::orientation::exif);
        INFO(image.error().what());
        REQUIRE(image);
        REQUIRE(image->width == width);
        REQUIRE(image->height == height);
        const bytes expected = read_bytes(name + ".rgb");
        REQUIRE(image->pixels.size() == expected.size());
        int worst = 0, total = 0;
        for (std::size_t i = 0; i < expected.size(); ++i) {
            const int difference = std::abs(image->pixels[i] - expected[i]);
            worst = std::max(worst, difference);
            total += difference;
        }
        const bool lossy = name.ends_with(".jpg");
        CHECK(worst <= (lossy ? 4 : 0));
        CHECK(total <= static_cast<int>(expected.size()) / 5);
        ++count;
    }
    CHECK(count > 40);
}

TEST_CASE("orientation is applied unless ignored") {
    const bytes stored = read_bytes("exif6.jpg");
    const auto turned = decode(stored), raw = decode(stored, {}, cvt::orientation::ignore), upright = decode(read_bytes("exif1.jpg"));
    REQUIRE(turned);
    REQUIRE(raw);
    REQUIRE(upright);
    CHECK(turned->width == 11);
    CHECK(turned->height == 17);
    CHECK(raw->width == 17);
    CHECK(std::equal(raw->pixels.begin(), raw->pixels.end(), upright->pixels.begin(), upright->pixels.end()));
    CHECK(turned->pixels[0] == raw->pixels[10 * 17 * 3]);
    CHECK(turned->view().width == 11);
}

TEST_CASE("damaged EXIF data is ignored") {
    bytes tiff{'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0};
    CHECK(cvt::detail::exif_orientation(tiff) == 6);
    for (std::size_t size = 0; size < tiff.size(); ++size) {
        const bytes part(tiff.begin(),
                         tiff.begin() + static_cast<std::ptrdiff_t>(size));  // so that a read past its end is detected
        CHECK(cvt::detail::exif_orientation(part) == 1);
    }
    for (const auto& [at, value] :
         {std::pair{0, 'M'}, {2, '+'}, {4, '\xFF'}, {7, '\x7F'}, {12, '\2'}, {14, '\0'}, {17, '\1'}, {18, '\0'}, {18, '\t'}}) {
        bytes wrong = tiff;
        wrong[static_cast<std::size_t>(at)] = static_cast<std::uint8_t>(value);
        CHECK(cvt::detail::exif_orientation(wrong) == 1);
    }
}

TEST_CASE("the EXIF orientation may be an integer of any type, or the first of several values") {
    const auto orientation = [](int type, std::uint8_t count, bytes values, bool little = true) {
        bytes tiff = little ? bytes{'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, static_cast<std::uint8_t>(type), 0, count, 0, 0, 0}
                            : bytes{'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, static_cast<std::uint8_t>(type), 0, 0, 0, count};
        tiff.insert(tiff.end(), values.begin(), values.end());
        return cvt::detail::exif_orientation(tiff);
    };
    for (const int type : {1, 3, 4, 6, 8, 9}) {  // signed and unsigned
        CHECK(orientation(type, 1, {6, 0, 0, 0}) == 6);
        const bool byte = type == 1 || type == 6, half = type == 3 || type == 8;
        CHECK(orientation(type, 1, byte ? bytes{6, 0, 0, 0} : half ? bytes{0, 6, 0, 0} : bytes{0, 0, 0, 6}, false) == 6);
    }
    CHECK(orientation(3, 2, {8, 0, 1, 0}) == 8);
    CHECK(orientation(4, 2, {22, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0}) == 5);
    CHECK(orientation(4, 2, {22, 0, 0, 0, 5, 0, 0, 0}) == 1);  // the second value is missing
    CHECK(orientation(5, 1, {22, 0, 0, 0, 5, 0, 0, 0}) == 1);  // a fraction
    CHECK(orientation(9, 1, {0xFA, 0xFF, 0xFF, 0xFF}) == 1);
    bytes photo = read_bytes("exif6.jpg");  // the tag as 32 bits, as some phones write it
    const bytes tag{0x12, 0x01, 3, 0};
    const auto at = std::search(photo.begin(), photo.end(), tag.begin(), tag.end());
    REQUIRE(at != photo.end());
    at[2] = 4;
    const auto turned = decode(photo);
    REQUIRE(turned);
    CHECK(turned->width == 11);
}

TEST_CASE("every truncation is an error") {
    for (const char* name : {"420.jpg", "progressive.jpg", "cmyk.jpg", "exif6.jpg", "rgb8.png", "palette4i.png", "exif6.png"}) {
        const bytes file = read_bytes(name);
        for (std::size_t size = 0; size < file.size(); ++size) {
            INFO(name << " cut to " << size);
            REQUIRE_FALSE(decode(bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size))));
        }
    }
    refused(bytes{}, cvt::errc::malformed, "empty");
    bytes cut = read_bytes("420.jpg");
    cut.resize(cut.size() - 2);
    refused(cut, cvt::errc::malformed, "truncated");
    cut = read_bytes("rgb8.png");
    cut.resize(cut.size() - 12);
    refused(cut, cvt::errc::malformed, "truncated");
}

TEST_CASE("a PNG without its last chunk is refused with the reason") {
    bytes file = read_bytes("rgb8.png");
    file.resize(file.size() - 12);
    refused(file, cvt::errc::malformed, "without an IEND chunk");
}

TEST_CASE("a JPEG without Huffman tables gets the standard ones, as for MJPEG") {
    // 444.jpg was written with these tables.
    const bytes file = read_bytes("444.jpg");
    bytes bare{file[0], file[1]};
    for (std::size_t at = 2; at < file.size();) {
        const std::size_t size = file[at + 1] == 0xDA ? file.size() - at : 2 + std::size_t{cvt::detail::read_be16(file, at + 2)};
        const auto from = file.begin() + static_cast<std::ptrdiff_t>(at);
        if (file[at + 1] != 0xC4) bare.insert(bare.end(), from, from + static_cast<std::ptrdiff_t>(size));
        at += size;
    }
    REQUIRE(bare.size() == file.size() - 416 - 16);
    const auto with = decode(file), without = decode(bare);
    REQUIRE(with);
    INFO(without.error().what());
    REQUIRE(without);
    CHECK(std::equal(with->pixels.begin(), with->pixels.end(), without->pixels.begin(), without->pixels.end()));
    bytes progressive = bare;  // in a progressive file the tables matter to each scan
    progressive[find(progressive, "\xFF\xC0") + 1] = 0xC2;
    CHECK_FALSE(decode(progressive));
}

TEST_CASE("EXIF in a PNG's text chunks is used if there is no eXIf chunk") {
    // {tag 0x0112, SHORT, 6} in hexadecimal; then compressed by Python's zlib with fixed codes, dynamic codes and stored.
    const std::string hex = "\nexif\n      26\n49492a00080000000100120103000100000006000000\n00000000\n";
    const auto with = [](const std::string& name, const std::string& body, const std::string& second = {}) {
        bytes file = read_bytes("rgb8.png");
        for (const auto& [chunk, content] : {std::pair{name, body}, {std::string{"eXIf"}, second}}) {
            if (content.empty()) continue;
            bytes fresh(chunk.begin(), chunk.end());
            fresh.insert(fresh.end(), content.begin(), content.end());
            const std::uint32_t crc = cvt::detail::png_crc(fresh);
            for (int shift = 24; shift >= 0; shift -= 8) fresh.push_back(static_cast<std::uint8_t>(crc >> shift));
            for (int shift = 0; shift <= 24; shift += 8) fresh.insert(fresh.begin(), static_cast<std::uint8_t>(content.size() >> shift));
            file.insert(file.begin() + 33, fresh.begin(), fresh.end());
        }
        const auto image = decode(file);
        REQUIRE(image);
        return image->width;
    };
    const std::string key{"Raw profile type exif\0", 22}, app1{"Raw profile type APP1\0", 22};
    REQUIRE(with("tEXt", "Comment") == 13);
    CHECK(with("tEXt", key + hex) == 9);
    CHECK(with("tEXt", app1 + "\nAPP1\n32\n457869660000" + hex.substr(hex.find("4949"))) == 9);
    CHECK(with("iTXt", key + std::string{"\0\0en\0\0", 6} + hex) == 9);
    const std::string tiff{"II*\0\10\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0", 26}, prefix{"Exif\0\0", 6};
    CHECK(with("eXIf", tiff) == 9);
    CHECK(with("eXIf", prefix + tiff) == 9);  // against the standard
    for (const char* name : {"fixed", "dynamic", "stored"}) {
        const bytes packed = read_bytes(std::string{"raw_profile_"} + name + ".zlib");
        const std::string text(packed.begin(), packed.end());
        CHECK(with("zTXt", key + '\0' + text) == 9);
        CHECK(with("iTXt", key + std::string{"\1\0\0\0", 4} + text) == 9);
        for (std::size_t size = 0; size < text.size(); ++size) with("zTXt", key + '\0' + text.substr(0, size));
        for (std::size_t at = 0; at < text.size(); ++at) {
            std::string changed = text;
            changed[at] = static_cast<char>(changed[at] ^ 0x5A);
            with("zTXt", key + '\0' + changed);
        }
    }
    const std::string upright{"II*\0\x8\0\0\0\1\0\x12\1\3\0\1\0\0\0\1\0\0\0\0\0\0\0", 26};
    CHECK(with("tEXt", key + hex, upright) == 13);
}

TEST_CASE("bytes after the end are ignored") {
    for (const char* name : {"420.jpg", "rgb8.png"}) {
        bytes file = read_bytes(name);
        file.insert(file.end(), {0, 1, 2, 3});
        CHECK(decode(file));
    }
}

TEST_CASE("errors name other formats") {
    const auto named = [](const std::string& text, const char* says) {
        refused(bytes(text.begin(), text.end()), cvt::errc::unsupported, says);
    };
    named("GIF89a............", "GIF file: this program was built without giflib (Debian: libgif-dev; CMake: CVT_WITH_GIF)");
    named("RIFF....WEBPVP8 ..", "WebP file: this program was built without libwebp (Debian: libwebp-dev; CMake: CVT_WITH_WEBP)");
    named(std::string{"II*\0........", 12},
          "TIFF file: this program was built without libtiff (Debian: libtiff-dev; CMake: CVT_WITH_TIFF)");
    named("%PDF-1.4", "looks like PDF");
    named("<!DOCTYPE html><ht", "HTML");
    named("hello", "not a picture of a known format");
    named("x", "not a picture of a known format");
}

TEST_CASE("limits on bytes and pixels are enforced") {
    const bytes file = read_bytes("rgb8.png");  // 13 x 9
    CHECK(decode(file, {file.size(), 117}));
    refused(file, cvt::errc::bad_image, "more than the limit", {file.size() - 1, 117});
    refused(file, cvt::errc::bad_image, "13 x 9", {file.size(), 116});
    CHECK(cvt::read_image(data_path("rgb8.png").c_str(), cvt::orientation::exif, {10, 117}).error().code() == cvt::errc::bad_image);
    const auto sized = [](std::uint8_t a, std::uint8_t b) {
        return changed_png("rgb8.png", "IHDR", [=](bytes& body) { body[2] = a, body[3] = b; });
    };
    refused(sized(0, 0), cvt::errc::bad_image, "0 x 9");
    refused(sized(0x40, 1), cvt::errc::bad_image, "16385 x 9");
    refused(sized(1, 0), cvt::errc::malformed, "stb_image");  // fewer pixels than the header says
    refused(changed("420.jpg", "\xFF\xC0", 5, 0x80), cvt::errc::bad_image, "expected sides");
}

TEST_CASE("a header is refused if the data is too short for its pixels") {
    // 16,000 x 6,000 pixels are within the limits and would take 288 MB; the data after these headers have a few hundred bytes.
    const auto sides = [](bytes& body, std::size_t at) {
        body[at + 2] = 0x3E, body[at + 3] = 0x80, body[at + 6] = 0x17, body[at + 7] = 0x70;
    };
    refused(changed_png("rgb8.png", "IHDR", [&](bytes& body) { sides(body, 0); }), cvt::errc::malformed, "cannot hold 16000 x 6000");
    for (const auto& [name, frame] : {std::pair{"420.jpg", "\xFF\xC0"}, {"progressive.jpg", "\xFF\xC2"}, {"grey.jpg", "\xFF\xC0"}}) {
        bytes file = read_bytes(name);
        const std::size_t at = find(file, frame) + 5;
        file[at] = 0x17, file[at + 1] = 0x70, file[at + 2] = 0x3E, file[at + 3] = 0x80;
        refused(file, cvt::errc::malformed, "16000 x 6000");
    }
    // The highest compression of deflate is still accepted.
    refused(changed_png("grey8.png", "IHDR", [](bytes& body) { body[2] = 0x10, body[6] = 0x04; }), cvt::errc::malformed, "cannot hold");
}

TEST_CASE("PNG files with inconsistent chunks are refused") {
    using cvt::errc;
    const auto with = [](std::size_t at, std::uint8_t value) {
        return changed_png("rgb8.png", "IHDR", [=](bytes& body) { body[at] = value; });
    };
    refused(with(8, 4), errc::malformed, "colour type 2 with 4 bits");
    refused(with(9, 5), errc::malformed, "colour type 5");
    refused(with(9, 3), errc::malformed, "without a palette");
    refused(with(10, 1), errc::malformed, "unknown compression 1");
    refused(with(12, 2), errc::malformed, "interlace 2");
    bytes file = read_bytes("rgb8.png");
    file[find(file, "IDAT") + 6] ^= 1;
    refused(file, errc::malformed, "wrong checksum in chunk IDAT");
    file = read_bytes("rgb8.png");
    file[find(file, "IHDR") - 1] = 12;
    refused(file, errc::malformed, "PNG");
    refused(changed_png("rgb8.png", "IDAT", [](bytes& body) { body.assign(3, 0); }), errc::malformed, "stb_image");
    refused(changed_png("palette4.png", "PLTE", [](bytes& body) { body.resize(47); }), errc::malformed, "palette of 47 bytes");
    refused(changed_png("palette4.png", "PLTE", [](bytes& body) { body.resize(51); }), errc::malformed, "palette of 51 bytes");
    refused(changed_png("palette8_trns.png", "tRNS", [](bytes& body) { body.resize(257); }), errc::malformed, "tRNS");
}

TEST_CASE("JPEG files with inconsistent segments are refused") {
    using cvt::errc;
    // Counts that sum to more than 256: stb_image 2.27 alone writes past an array here.
    bytes counts = read_bytes("444.jpg");
    const std::size_t table = find(counts, "\xFF\xC4") + 5;
    std::fill_n(counts.begin() + static_cast<std::ptrdiff_t>(table) + 8, 8, std::uint8_t{255});
    refused(counts, errc::malformed, "Huffman");
    refused(changed("444.jpg", "\xFF\xC4", 5, 3), errc::malformed, "do not fit");
    refused(changed("444.jpg", "\xFF\xC4", 4, 7), errc::malformed, "Huffman table");
    refused(changed("444.jpg", "\xFF\xC4", 21, 16), errc::malformed, "DC Huffman");
    refused(changed("444.jpg", "\xFF\xDB", 4, 4), errc::malformed, "quantisation");
    refused(changed("444.jpg", "\xFF\xC0", 1, 0xC3), errc::unsupported, "lossless");
    refused(changed("444.jpg", "\xFF\xC0", 1, 0xC9), errc::unsupported, "arithmetic");
    refused(changed("444.jpg", "\xFF\xC0", 4, 12), errc::unsupported, "12 bits");
    refused(changed("444.jpg", "\xFF\xC0", 9, 2), errc::unsupported, "2 components");
    refused(changed("444.jpg", "\xFF\xC0", 11, 0x51), errc::malformed, "component");
    refused(changed("444.jpg", "\xFF\xC0", 12, 7), errc::malformed, "component");
    refused(changed("444.jpg", "\xFF\xC0", 13, 1), errc::malformed, "the same id");
    refused(changed("444.jpg", "\xFF\xDA", 5, 9), errc::malformed, "unknown");
    refused(changed("444.jpg", "\xFF\xDA", 6, 0x33), errc::malformed, "without its tables");
    refused(changed("444.jpg", "\xFF\xDA", 13, 0x11), errc::malformed, "scan header");
    refused(changed("444.jpg", "\xFF\xDB", 0, 0x12), errc::malformed, "expected a marker");
    bytes gone = read_bytes("444.jpg");
    const auto dht = static_cast<std::ptrdiff_t>(find(gone, "\xFF\xC4"));
    gone.erase(gone.begin() + dht,
               gone.begin() + dht + 2 + static_cast<std::ptrdiff_t>(cvt::detail::read_be16(gone, static_cast<std::size_t>(dht) + 2)));
    refused(gone, errc::malformed, "without its tables");
    for (const int shift : {0x0E, 0xE0, 0xFF})
        refused(changed("progressive.jpg", "\xFF\xDA", 13, static_cast<std::uint8_t>(shift)), errc::malformed, "scan header");
    // A progressive file whose second scan (the first of AC coefficients) comes without the first.
    bytes scans = read_bytes("progressive.jpg");
    const auto first = static_cast<std::ptrdiff_t>(find(scans, "\xFF\xDA"));
    const auto next = static_cast<std::ptrdiff_t>(find(scans, "\xFF\xC4", 2));
    REQUIRE(next > first);
    scans.erase(scans.begin() + first, scans.begin() + next);
    refused(scans, errc::malformed, "refines nothing");
}

TEST_CASE("a scan that ends inside a code is decoded up to there") {
    // stb_image 2.27 then has a bit count of -8, and shifts a zero by more than its width for the third block. With its
    // compiler flags no sanitizer may report that.
    bytes file{0xFF, 0xD8, 0xFF, 0xDB, 0, 67, 0};
    file.resize(file.size() + 64, 1);
    const bytes frame{0xFF, 0xC2, 0, 11, 8, 0, 8, 0, 24, 1, 1, 0x11, 0},                      // 24 x 8, grey, progressive
        codes{0xFF, 0xC4, 0, 21, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 15, 15},  // 0 and 100000000
        scan{0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 0, 0}, data{0x00, 0x00, 0x80, 0x00}, end{0xFF, 0xD9};
    for (const bytes& part : {frame, codes, scan, data, end}) file.insert(file.end(), part.begin(), part.end());
    const auto image = decode(file);
    if (!image) FAIL(image.error().what());
    CHECK(image->width == 24);
    CHECK(image->height == 8);
}

TEST_CASE("a file with too many scans is refused") {
    bytes file = read_bytes("progressive.jpg");
    std::size_t last = 0;
    for (std::size_t at = 0; at + 1 < file.size(); ++at)
        if (file[at] == 0xFF && file[at + 1] == 0xDA) last = at;
    bytes scan(file.begin() + static_cast<std::ptrdiff_t>(last), file.end() - 2);
    const auto with_copies = [&](int count) {
        bytes more = file;
        for (int i = 0; i < count; ++i) more.insert(more.end() - 2, scan.begin(), scan.end());
        return more;
    };
    REQUIRE(scan[7] == 1);
    REQUIRE(scan[8] == 63);
    CHECK(decode(with_copies(0)));
    refused(with_copies(13), cvt::errc::unsupported, "too many scans");
    scan[8] = 1;  // of one coefficient each
    refused(with_copies(100), cvt::errc::unsupported, "more than 100 scans");
    scan[8] = 63;
    scan[9] = 0;  // a first pass again
    refused(with_copies(2), cvt::errc::unsupported, "too many scans");
}

TEST_CASE("components called R, G and B are RGB unless the file says otherwise") {
    bytes file = read_bytes("444.jpg");
    const std::size_t frame = find(file, "\xFF\xC0"), scan = find(file, "\xFF\xDA");
    for (std::size_t i = 0; i < 3; ++i) file[frame + 10 + 3 * i] = file[scan + 5 + 2 * i] = static_cast<std::uint8_t>("RGB"[i]);
    refused(file, cvt::errc::unsupported, "R, G and B");  // its JFIF segment means YCbCr
    bytes bare = file;
    const auto jfif = bare.begin() + static_cast<std::ptrdiff_t>(find(bare, "\xFF\xE0"));
    bare.erase(jfif, jfif + 18);
    const auto rgb = decode(bare), ycc = decode(read_bytes("444.jpg"));
    REQUIRE(rgb);
    REQUIRE(ycc);
    CHECK_FALSE(std::equal(rgb->pixels.begin(), rgb->pixels.end(), ycc->pixels.begin()));
    const bytes adobe{0xFF, 0xEE, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, 1};
    bare.insert(bare.begin() + 2, adobe.begin(), adobe.end());
    refused(bare, cvt::errc::unsupported, "R, G and B");
    bare[2 + 15] = 0;  // Adobe's code for RGB
    CHECK(decode(bare));
}

TEST_CASE("unreadable files are io errors") {
    CHECK(cvt::read_image("/nonexistent/photo.jpg", cvt::orientation::exif).error().code() == cvt::errc::io);
    CHECK_THAT(cvt::read_image("/nonexistent/photo.jpg", cvt::orientation::exif).error().what(), Catch::Contains("/nonexistent/photo.jpg"));
    CHECK(cvt::read_image(CVT_TEST_DATA, cvt::orientation::exif).error().code() == cvt::errc::io);
    CHECK(cvt::read_image(nullptr, cvt::orientation::exif).error().code() == cvt::errc::invalid_argument);
}
