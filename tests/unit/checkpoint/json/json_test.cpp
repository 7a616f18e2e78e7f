// json: values against nlohmann-json; refused texts, and the position in the message.
#include <cvt/checkpoint/json/json.hpp>

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "support/json.hpp"

using cvt::checkpoint::json;
using cvt::checkpoint::json_kind;
using cvt::checkpoint::json_value;

namespace {

void check_same(const json_value& ours, const nlohmann::json& theirs) {
    REQUIRE(ours);
    switch (ours.kind()) {
        case json_kind::null: CHECK(theirs.is_null()); return;
        case json_kind::boolean: CHECK(theirs == ours.boolean()); return;
        case json_kind::string: CHECK(theirs == std::string(ours.string())); return;
        case json_kind::number:
            REQUIRE(theirs.is_number());
            CHECK(theirs.get<double>() == ours.number());
            if (ours.integer()) CHECK(theirs.get<std::int64_t>() == *ours.integer());
            return;
        case json_kind::array: {
            REQUIRE(theirs.is_array());
            REQUIRE(theirs.size() == ours.size());
            json_value v = ours.first();
            for (const nlohmann::json& t : theirs) {
                check_same(v, t);
                v = v.next();
            }
            CHECK_FALSE(v);
            return;
        }
        case json_kind::object: {
            REQUIRE(theirs.is_object());
            REQUIRE(theirs.size() == ours.size());
            std::size_t seen = 0;
            for (json_value v = ours.first(); v; v = v.next(), ++seen) {
                const std::string key(v.key());
                REQUIRE(theirs.contains(key));
                check_same(v, theirs[key]);
                check_same(ours.find(key), theirs[key]);
            }
            CHECK(seen == ours.size());
            return;
        }
    }
}

std::string message(std::string_view text) {
    auto r = json::parse(text);
    return r ? "accepted" : r.error().what();
}

bool contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("json: reads what nlohmann-json reads", "[json]") {
    for (const char* text : {"null",
                             "true",
                             " false\r\n\t",
                             "0",
                             "-0",
                             "-12",
                             "3.25",
                             "1e3",
                             "1E-2",
                             "-2.5e+10",
                             "9223372036854775807",
                             "-9223372036854775808",
                             "9223372036854775808",
                             "18446744073709551616",
                             "0.1",
                             "1.7976931348623157e308",
                             "4.9e-324",
                             "123456789012345678901234567890",
                             "\"\"",
                             "\"a\"",
                             R"("\"\\\/\b\f\n\r\t")",
                             R"("\u0041\u00e9\u20AC\ud83d\ude00")",
                             R"("\u0000x")",
                             "\"caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80 \xF4\x8F\xBF\xBF\x7F\"",
                             "[]",
                             "{}",
                             "[ ]",
                             "{ }",
                             "[[],[[]],{}]",
                             "[1, 2.5, \"x\", null, true, [false], {\"k\": []}]",
                             R"({"a": 1, "b": {"a": 2}, "": 3, "c": [{"a": 4}, {"a": 5}]})",
                             R"({"\u0061b": 1, "a\tb": "x\ny", "id2label": {"0": "tench, Tinca tinca", "1": "crane"}})"}) {
        CAPTURE(text);
        auto ours = json::parse(text);
        REQUIRE(ours);
        check_same(ours->root(), cvt_test::parse_json(text));
    }
}

TEST_CASE("json: refuses what nlohmann-json refuses", "[json]") {
    for (const char* text : {"",
                             " ",
                             "{",
                             "[",
                             "]",
                             "[1",
                             "[1,",
                             "[1,]",
                             "[,1]",
                             "{\"a\"",
                             "{\"a\":",
                             "{\"a\":1",
                             "{\"a\":1,",
                             "{\"a\":1,}",
                             "{a:1}",
                             "{1:1}",
                             "{\"a\" 1}",
                             "{\"a\":1 \"b\":2}",
                             "[1 2]",
                             "tru",
                             "truE",
                             "nul",
                             "NaN",
                             "Infinity",
                             "-Infinity",
                             "-",
                             "+1",
                             "01",
                             "-01",
                             ".5",
                             "1.",
                             "1.e3",
                             "1e",
                             "1e+",
                             "0x10",
                             "1e400",
                             "-1e999",
                             "'a'",
                             "\"a",
                             "\"\n\"",
                             "\"\t\"",
                             "\"\\x\"",
                             "\"\\u12\"",
                             "\"\\u12G4\"",
                             "\"\\",
                             "\"\\u\"",
                             R"("\ud800")",
                             R"("\ud800x")",
                             R"("\ud800\n")",
                             R"("\ud800\u0041")",
                             R"("\udc00")",
                             "1 2",
                             "{} {}",
                             "[]]",
                             "// comment\n1",
                             "[1] /* x */",
                             "\"\x80\"",
                             "\"\xC0\xAF\"",
                             "\"\xC3\"",
                             "\"\xC3(\"",
                             "\"\xE0\x80\x80\"",
                             "\"\xE2\x82\"",
                             "\"\xED\xA0\x80\"",
                             "\"\xF0\x80\x80\x80\"",
                             "\"\xF4\x90\x80\x80\"",
                             "\"\xF5\x80\x80\x80\"",
                             "\"\xFF\"",
                             "\x01"}) {
        CAPTURE(text);
        CHECK_FALSE(nlohmann::json::accept(text));
        CHECK_FALSE(json::parse(text));
    }
}

TEST_CASE("json: stricter than most readers", "[json]") {
    CHECK(message("\xEF\xBB\xBF{}") == "JSON line 1, byte 0: expected a value, found byte 0xEF");
    CHECK(message(R"({"a": 1, "b": 2, "a": 3})") == "JSON line 1, byte 20: the key \"a\" occurs twice in one object");
    CHECK(contains(message(R"({"a": 1, "\u0061": 3})"), "the key \"a\" occurs twice"));
    CHECK(message("1e-400") == "JSON line 1, byte 6: a number out of the range of a double");

    const std::string deep(64, '['), close(64, ']');
    CHECK(message(deep + close) == "accepted");
    CHECK(message("[" + deep + close + "]") == "JSON line 1, byte 64: more than 64 levels of lists and objects");
    CHECK(contains(message(std::string(1'000'000, '[')), "more than 64 levels"));

    std::string many = "[";
    for (std::size_t i = 1; i < json::max_nodes - 1; ++i) many += "0,";
    CHECK(message(many + "0]") == "accepted");
    CHECK(contains(message(many + "0,0]"), "more than 4 million values"));
}

TEST_CASE("json: messages give the position", "[json]") {
    CHECK(message("{\n \"a\": [1,\n 2\n") == "JSON line 4, byte 15: expected ',' or ']', found the end of the text");
    CHECK(message("{\"a\": 1 \"b\"}") == "JSON line 1, byte 8: expected ',' or '}', found '\"'");
    CHECK(message("[1,\n nan]") == "JSON line 2, byte 5: expected a value, found 'n'");
    CHECK(message("[\"\\q\"]") == "JSON line 1, byte 3: expected one of \"\\/bfnrtu after a backslash, found 'q'");
    CHECK(message("\"\xC3\"") == "JSON line 1, byte 1: expected valid UTF-8, found byte 0xC3");
}

TEST_CASE("json: a few keys with colliding hashes are found, many are refused", "[json]") {
    // Hashes that agree in 12 bits; the table for 600 keys uses fewer.
    std::vector<std::string> keys;
    for (int i = 0; keys.size() < 600; ++i)
        if (std::string key = std::to_string(i); (cvt::detail::fnv1a(key) & 0xFFF) == 0) keys.push_back(std::move(key));
    const auto object = [&](std::size_t count) {
        std::string text;
        for (std::size_t i = 0; i < count; ++i) text += (i == 0 ? "{\"" : ",\"") + keys[i] + "\":" + std::to_string(i);
        return json::parse(text + "}");
    };
    const auto few = object(400);
    REQUIRE(few);
    for (int i = 0; i < 400; ++i) REQUIRE(few->root().find(keys[static_cast<std::size_t>(i)]).integer() == i);
    CHECK_FALSE(few->root().find(keys[400]));
    const auto many = object(600);
    REQUIRE_FALSE(many);
    CHECK(many.error().code() == cvt::errc::unsupported);
    CHECK_THAT(many.error().what(), Catch::Contains("hash collisions among the keys"));
}

TEST_CASE("json: many keys in many objects are distinguished", "[json]") {
    std::string text = "[";
    for (int o = 0; o < 50; ++o) {
        text += o == 0 ? "{" : ",{";
        for (int k = 0; k < 200; ++k) text += (k == 0 ? "\"" : ",\"") + std::to_string(k) + "\":" + std::to_string(1000 * o + k);
        text += "}";
    }
    auto document = json::parse(text + "]");
    REQUIRE(document);
    int o = 0;
    for (json_value object = document->root().first(); object; object = object.next(), ++o) {
        for (int k = 0; k < 200; ++k) REQUIRE(object.find(std::to_string(k)).integer() == 1000 * o + k);
        CHECK_FALSE(object.find("200"));
        CHECK_FALSE(object.find(""));
    }
    CHECK(o == 50);
    CHECK_FALSE(document->root().find("0"));
    CHECK_FALSE(document->root().first().find("0").find("0"));
}
