// json_writer: nlohmann-json reads the same values from its text.
#include <cvt/checkpoint/json/writer.hpp>

#include <catch2/catch.hpp>
#include <cstdint>
#include <limits>
#include <string>

#include "support/json.hpp"

using cvt::checkpoint::json_writer;
using nlohmann::json;

TEST_CASE("json_writer: structure, in both layouts", "[json]") {
    for (const auto layout : {json_writer::layout::one_line, json_writer::layout::indented}) {
        json_writer w{layout};
        w.begin_object().key("empty").begin_object().end_object().key("none").begin_list().end_list();
        w.key("list").begin_list().integer(1).integer(-2).real(0.5).string("[").boolean(true).boolean(false).end_list();
        w.key("in").begin_object().key("a").string("{").key("b").begin_list().begin_list().integer(7).end_list().integer(8).end_list();
        w.end_object().key("last").string("").end_object();
        REQUIRE(w.good());
        const std::string text{w.text()};
        INFO(text);
        CHECK(cvt_test::parse_json(text) == cvt_test::parse_json(R"({"empty": {}, "none": [], "list": [1, -2, 0.5, "[", true, false],
            "in": {"a": "{", "b": [[7], 8]}, "last": ""})"));
        CHECK((text.find('\n') == std::string::npos) == (layout == json_writer::layout::one_line));
    }
}

TEST_CASE("json_writer: every byte in a string", "[json]") {
    std::string every;
    for (int c = 0; c < 128; ++c) every += static_cast<char>(c);
    every += "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x8F\x8C";
    json_writer w{json_writer::layout::one_line};
    w.begin_object().key(every).string(every).end_object();
    CHECK(cvt_test::parse_json(std::string{w.text()}) == json{{every, every}});
}

TEST_CASE("json_writer: numbers read back as the same values", "[json]") {
    const auto back = [](auto write) {
        json_writer w{json_writer::layout::one_line};
        write(w);
        return cvt_test::parse_json(std::string{w.text()});
    };
    for (const float v : {0.F, 1.F, -1.5F, 0.1F, 1.F / 3, 3.4028235e38F, 1e-45F, 16777216.F, 0.485F})
        CHECK(static_cast<float>(back([&](json_writer& w) { w.real(v); }).get<double>()) == v);
    for (const double v : {0.34, 1.0 / 255, 1e300, 5e-324, 4.0}) CHECK(back([&](json_writer& w) { w.real(v); }).get<double>() == v);
    CHECK(back([&](json_writer& w) { w.real(4.0); }).is_number_float());
    CHECK(back([&](json_writer& w) { w.integer(std::numeric_limits<std::int64_t>::min()); }) == std::numeric_limits<std::int64_t>::min());
    CHECK(back([&](json_writer& w) { w.integer(std::numeric_limits<std::uint64_t>::max()); }) == std::numeric_limits<std::uint64_t>::max());
}
