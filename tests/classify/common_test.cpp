// examples/common: file names, escaped text, lines of text files, class names, hashes.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cvt/extra/json.hpp>
#include <fstream>

#include "common/class_names.hpp"
#include "common/failure.hpp"
#include "common/fnv1a.hpp"
#include "common/media_files.hpp"
#include "common/sha256.hpp"
#include "common/suggest.hpp"
#include "common/text.hpp"
#include "common/text_lines.hpp"
#include "input/manifest.hpp"
#include "input/skipped_entries.hpp"
#include "support/temporary_folder.hpp"

TEST_CASE("images and archives are recognised by their names, in any case", "[common]") {
    for (const char* name : {"a.jpg", "a.JPEG", "a.b.Png", "a.jfif", "a.mpo", "a.HEIC", "a.tif", "dir.x/a.webp"})
        CHECK(app::has_name_of(app::media::pictures, name));
    for (const char* name : {"a", "jpg", "a.jpg.txt", "a.tar", "", "a."}) CHECK_FALSE(app::has_name_of(app::media::pictures, name));
    CHECK(app::has_archive_name("x.TAR"));
    CHECK_FALSE(app::has_archive_name("x.tar.gz"));
    CHECK(app::extension_of("A.Tar") == ".tar");
}

TEST_CASE("litter is recognised by its names", "[common]") {
    for (const char* name : {".DS_Store", "._a.jpg", "__macosx", "@EADIR", "thumbs.DB"}) CHECK(app::is_litter(name));
    for (const char* name : {"a.jpg", "MACOSX", "thumbs.dbx"}) CHECK_FALSE(app::is_litter(name));
    CHECK(app::is_litter_member("__MACOSX/a.jpg"));
    CHECK(app::is_litter_member("x/@eaDir/a.jpg"));
    CHECK(app::is_litter_member(".cache/._a.jpg"));
    CHECK_FALSE(app::is_litter_member(".cache/a.jpg"));
}

TEST_CASE("text is escaped for JSON, CSV and terminals", "[common]") {
    CHECK(app::json_string("a\"\\\n\xFF") == "\"a\\\"\\\\\\u000a\xEF\xBF\xBD\"");
    CHECK(app::csv_field("plain") == "plain");
    CHECK(app::csv_field("a,\"b\"") == "\"a,\"\"b\"\"\"");
    CHECK(app::terminal_text("a\x1b\xC2\x9B\xC3\xA4") == "a\\x1b\\xc2\\x9b\xC3\xA4");
    CHECK(app::padded("a\xC3\xA4", 4) == "a\xC3\xA4  ");
    CHECK(app::padded("long", 3) == "long");
    for (const char* good : {"", "a", "\xC3\xA4", "\xE2\x82\xAC \xF0\x9F\x90\x88"}) CHECK(cvt::is_utf8(good));
    for (const char* bad : {"\xE4", "a\xC3", "\xC0\x80", "\xED\xA0\x80"}) CHECK_FALSE(cvt::is_utf8(bad));
    CHECK(app::with_commas(0) == "0");
    CHECK(app::with_commas(1234567) == "1,234,567");
    CHECK(app::text("%03d|%s", 7, "x") == "007|x");
}

TEST_CASE("fnv1a: the published values", "[common]") {
    CHECK(app::fnv1a("") == 0xCBF29CE484222325U);
    CHECK(app::fnv1a("foobar") == 0x85944171F73967E8U);
}

TEST_CASE("skipped entries are counted by kind, the most frequent first", "[common]") {
    app::skipped_entries skipped;
    for (int i = 0; i < 3; ++i) skipped.add(".txt");
    skipped.add("");
    CHECK(skipped.text() == "4 other entries skipped (3 .txt, 1 without an extension)");
    for (int i = 0; i < 1000; ++i) skipped.add('.' + std::to_string(i));
    CHECK(skipped.total() == 1004);
    CHECK(skipped.text().ends_with(" more)"));
}

TEST_CASE("a manifest line names a path and an id", "[common]") {
    const auto line = app::parse_manifest_line(R"({"path": "a.jpg", "id": 9007199254740993, "more": []})");
    REQUIRE(line);
    CHECK(line->path == "a.jpg");
    CHECK(line->id.json() == "9007199254740993");
    for (const char* wrong :
         {"{", "{}", R"({"path": ""})", R"({"path": "a\u0000b"})", R"({"path": "a", "id": 1.5})", R"({"path": "a", "id": []})"})
        CHECK_FALSE(app::parse_manifest_line(wrong));
}

TEST_CASE("a word is suggested only if it is near", "[common]") {
    CHECK(app::did_you_mean("cvt13", {"cvt-13", "cvt-21"}).find("cvt-13") != std::string::npos);
    CHECK(app::did_you_mean("something", {"cvt-13", "cvt-21"}).empty());
}

TEST_CASE("classes are found by label, synonym, index and mapping", "[common]") {
    const std::vector<std::string> labels{"tench, Tinca tinca", "French horn", "golf_ball"};
    const app::class_names names{labels, ""};
    CHECK(names.find("French_horn").index == 1U);
    CHECK(names.find("tench").index == 0U);
    CHECK(names.find("2").index == 2U);
    CHECK_FALSE(names.find("cat").index);
    CHECK_FALSE(names.find("cat").why_not.empty());
    const cvt_test::temporary_folder folder;
    const std::string file = folder / "classes.txt";
    std::ofstream{file} << "n01 golf ball\nn02 0\n";
    const app::class_names mapped{labels, file};
    CHECK(mapped.find("n01").index == 2U);
    CHECK(mapped.find("n02").index == 0U);
    std::ofstream{file} << "n01 0\nn01 1\n";
    CHECK_THROWS_AS((app::class_names{labels, file}), app::failure);
}

TEST_CASE("lines of a text file are read without line ends and byte order mark", "[common]") {
    const cvt_test::temporary_folder folder;
    const std::string file = folder / "lines.txt";
    std::ofstream{file, std::ios::binary} << "\xEF\xBB\xBFone \r\n\r\ntwo";
    const std::vector<app::text_line> lines = app::read_lines("--labels", file);
    REQUIRE(lines.size() == 3);
    CHECK(lines[0].text == "one");
    CHECK(lines[1].text.empty());
    CHECK(lines[2].number == 3);
    CHECK_THROWS_AS(app::read_lines("--labels", folder / "missing"), app::failure);
}

TEST_CASE("SHA-256 of FIPS 180-4's examples and of bytes in pieces", "[common]") {
    const auto hex = [](const std::string& bytes, std::size_t piece) {
        app::sha256 hash;
        for (std::size_t at = 0; at < bytes.size(); at += piece)
            hash.add(std::as_bytes(std::span{bytes}.subspan(at, std::min(piece, bytes.size() - at))));
        std::string out;
        for (const std::uint8_t byte : hash.finish()) out += app::text("%02x", byte);
        return out;
    };
    CHECK(hex("", 1) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(hex("abc", 3) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    const std::string a(1'000'000, 'a');
    for (const std::size_t piece : {std::size_t{1'000'000}, std::size_t{64}, std::size_t{7}})
        CHECK(hex(a, piece) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}
