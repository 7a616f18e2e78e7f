// text.hpp: every sequence of up to three bytes as UTF-8, JSON escapes, names for messages, the hash and the bounded search.
#include <cvt/text.hpp>

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "support/json.hpp"

using namespace cvt::detail;

namespace {

/// Whether nlohmann-json, another implementation of table 3-7, accepts the text as one sequence.
bool is_utf8(const std::string& text) {
    try {
        (void)nlohmann::json(text).dump();
        return true;
    } catch (const nlohmann::json::type_error&) {
        return false;
    }
}

std::string escaped(std::string_view text, std::string_view invalid = {}) {
    std::string out;
    escape_json(text, invalid, [&](std::string_view part) { out += part; });
    return out;
}

std::string shown(const std::string& name) { return printable{name}.text; }

}  // namespace

TEST_CASE("utf8_length: all first and second bytes, with boundary values of the others", "[text]") {
    CHECK(utf8_length("") == 0);
    int wrong = 0;
    for (int first = 0; first < 256; ++first) {
        const std::string one(1, static_cast<char>(first));
        wrong += utf8_length(one) == (first < 0x80 ? 1U : 0U) ? 0 : 1;
        for (int second = 0; second < 256; ++second) {
            const std::string two = one + static_cast<char>(second);
            if (first >= 0x80) wrong += (utf8_length(two) == 2) == is_utf8(two) ? 0 : 1;
            for (const char third : {'\x7F', '\x80', '\xBF', '\xC0'}) {
                const std::string three = two + third;
                if (first >= 0xE0) wrong += (utf8_length(three) == 3) == is_utf8(three) ? 0 : 1;
                for (const char fourth : {'\x7F', '\x80', '\xBF', '\xC0'})
                    if (first >= 0xF0) wrong += (utf8_length(three + fourth) == 4) == is_utf8(three + fourth) ? 0 : 1;
            }
        }
    }
    CHECK(wrong == 0);
    CHECK(utf8_length("\xE2\x82\xAC and more") == 3);
}

TEST_CASE("escape_json: another reader reads the same text", "[text]") {
    std::string every;
    for (int c = 0; c < 128; ++c) every += static_cast<char>(c);
    every += "\xC3\xA9\xF0\x9F\x8F\x8C";
    CHECK(cvt_test::parse_json('"' + escaped(every) + '"') == every);
    CHECK(escaped("a\"b\\c\n\x7F") == "a\\\"b\\\\c\\u000a\\u007f");
    CHECK(escaped("") == "");
    CHECK(escaped("a\xFF\xC3") == "a\xFF\xC3");
    CHECK(escaped("a\xFF\xC3", "?!") == "a?!?!");
    CHECK(escaped("\xE2\x82z\xC3\xA9", "?") == "??z\xC3\xA9");
}

TEST_CASE("printable: names are cut and cleaned", "[text]") {
    CHECK(shown("head.weight") == "head.weight");
    CHECK(shown("caf\xC3\xA9") == "caf\xC3\xA9");
    CHECK(shown("a\x1B[2J\n\x7F\xFF\xC3") == "a?[2J????");
    CHECK(shown(std::string("a\0b", 3)) == "a?b");
    CHECK(shown("a\xC2\x80"
                "b\xC2\x9B"
                "2J\xC2\xA0\xC3\x9B") == "a?b?2J\xC2\xA0\xC3\x9B");  // U+009B begins a terminal's commands
    CHECK(shown(std::string(155, 'x') + "\xC2\x9B") == std::string(155, 'x') + '?');
    CHECK(shown(std::string(156, 'x')) == std::string(156, 'x'));
    CHECK(shown(std::string(157, 'x')) == std::string(156, 'x') + "...");
    CHECK(shown(std::string(155, 'x') + "\xC3\xA9") == std::string(155, 'x') + "...");  // no partial character
    CHECK(shown(std::string(154, 'x') + "\xC3\xA9") == std::string(154, 'x') + "\xC3\xA9");
    CHECK(shown("").empty());
}

TEST_CASE("fnv1a: the published values", "[text]") {
    CHECK(fnv1a("") == 0xCBF29CE484222325U);
    CHECK(fnv1a("a") == 0xAF63DC4C8601EC8CU);
    CHECK(fnv1a("foobar") == 0x85944171F73967E8U);
    CHECK(fnv1a("bar", fnv1a("foo")) == fnv1a("foobar"));
}

TEST_CASE("place_of: the slot of the name, else the first free slot from its hash on, with wrap-around") {
    std::vector<std::uint32_t> table{0, 0, 0, 7};
    const auto is = [](std::uint32_t wanted) { return [wanted](std::uint32_t entry) { return entry == wanted; }; };
    CHECK(place_of(table, 2, is(5)) == 2);
    CHECK(place_of(table, 3, is(7)) == 3);
    CHECK(place_of(table, 7, is(7)) == 3);  // only the lower bits of a hash select a slot
    CHECK(place_of(table, 3, is(5)) == 0);
    table[0] = 5;
    CHECK(place_of(table, 3, is(5)) == 0);
    CHECK(place_of(table, 3, is(6)) == 1);
}

TEST_CASE("place_of: gives up after max_probes slots, also in a full table") {
    std::vector<std::uint32_t> table(4 * max_probes, 1);
    table[max_probes] = 2;
    const auto two = [](std::uint32_t entry) { return entry == 2; };
    CHECK(place_of(table, 0, two) == table.size());
    CHECK(place_of(table, 1, two) == max_probes);
    const std::vector<std::uint32_t> full(2, 1);
    CHECK(place_of(full, 0, two) == full.size());
}

TEST_CASE("precedes and same_text: the order of the bytes, as that of std::string_view", "[text]") {
    const std::string texts[]{"", std::string(1, '\0'), "a", std::string("a\0", 2), "a.b", "a/b", "ab", "b", "\x7f", "\x80", "\xff"};
    for (const std::string& a : texts)
        for (const std::string& b : texts) {
            CAPTURE(a, b);
            CHECK(cvt::detail::precedes(a, b) == (std::string_view{a} < std::string_view{b}));
            CHECK(cvt::detail::same_text(a, b) == (a == b));
        }
}
