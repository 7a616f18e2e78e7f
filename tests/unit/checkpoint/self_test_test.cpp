// self_test: the record is read back as written, and malformed records are refused.
#include <cvt/checkpoint/self_test.hpp>

#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include "support/json.hpp"

namespace ck = cvt::checkpoint;
using nlohmann::json;

namespace {

ck::self_test example() {
    ck::self_test t;
    t.height = 160;
    t.width = 1024;
    t.seed = 3;
    t.gelu = cvt::gelu::erf;
    std::snprintf(t.computed_by, sizeof t.computed_by, "cvt 9.9.9, sse2");
    for (const float v : {0.F, -0.F, 1.F, -1.F / 3, std::numeric_limits<float>::max(), std::numeric_limits<float>::denorm_min(), 1e-7F})
        REQUIRE(t.values.push_back(v));
    return t;
}

std::string text_of(const ck::self_test& t) {
    ck::json_writer out{ck::json_writer::layout::one_line};
    write_self_test(t, out);
    REQUIRE(out.good());
    return std::string{out.text()};
}

std::string refused(const std::string& text) {
    const auto t = ck::read_self_test(text);
    return t ? "accepted" : t.error().what();
}

}  // namespace

TEST_CASE("self-test: the record is read back as written", "[self-test]") {
    const ck::self_test t = example();
    const std::string text = text_of(t);
    const auto back = ck::read_self_test(text);
    INFO(back.error().what());
    REQUIRE(back);
    CHECK(back->height == 160);
    CHECK(back->width == 1024);
    CHECK(back->seed == 3);
    CHECK(back->gelu == cvt::gelu::erf);
    CHECK(back->logits);
    CHECK(std::string{back->computed_by} == "cvt 9.9.9, sse2");
    REQUIRE(back->values.size() == t.values.size());
    for (std::size_t i = 0; i < t.values.size(); ++i) {
        CHECK(back->values[i] == t.values[i]);
        CHECK(std::signbit(back->values[i]) == std::signbit(t.values[i]));
    }
    CHECK(cvt_test::parse_json(text)["values"].size() == t.values.size());
}

TEST_CASE("self-test: malformed records are refused", "[self-test]") {
    const json good = cvt_test::parse_json(text_of(example()));
    const auto with = [&](const char* key, const json& value) {
        json changed = good;
        changed[key] = value;
        return refused(changed.dump());
    };
    CHECK(refused(good.dump()) == "accepted");
    CHECK(refused("").starts_with("self-test: JSON"));
    CHECK(refused("{").starts_with("self-test: JSON"));
    CHECK(refused("[]") == "self-test: the record: expected an object");
    CHECK(with("format", 2) == "self-test: format: expected 1: the file comes from a later version");
    CHECK(with("format", "1") == "self-test: format: expected a number");
    CHECK(with("extra", 1).starts_with("self-test: the record"));
    CHECK(with("image", "photo").starts_with("self-test: the record"));
    for (const json& seed : {json(-1), json(1.5), json("1"), json(nullptr), json(1e30)})
        CHECK(with("seed", seed).starts_with("self-test: seed"));
    for (const char* side : {"height", "width"})
        for (const json& value : {json(0), json(-1), json(1025), json(2.5), json(1LL << 40), json("9")})
            CHECK(with(side, value) == "self-test: height, width: expected 1 to 1024 pixels");
    CHECK(with("gelu", "tanh") == "self-test: gelu: expected quick or erf");
    CHECK(with("gelu", 1) == "self-test: gelu: expected quick or erf");
    CHECK(with("output", "both") == "self-test: output: expected logits or embedding");
    CHECK(with("computed_by", "").starts_with("self-test: computed_by"));
    CHECK(with("computed_by", std::string(64, 'x')).starts_with("self-test: computed_by"));
    CHECK(with("computed_by", "\x1B[2J").starts_with("self-test: computed_by"));
    CHECK(with("values", json::array()).starts_with("self-test: values"));
    CHECK(with("values", 1).starts_with("self-test: values"));
    CHECK(with("values", json::array({1, "2"})) == "self-test: values: expected float32 numbers");
    CHECK(with("values", json::array({1e39})) == "self-test: values: expected float32 numbers");
    CHECK(with("values", json::array({nullptr})) == "self-test: values: expected float32 numbers");
    CHECK(with("values", std::vector<int>(65536, 1)) == "accepted");
    CHECK(with("values", std::vector<int>(65537, 1)).starts_with("self-test: values"));
    for (const auto& [key, value] : good.items()) {
        json changed = good;
        changed.erase(key);
        INFO(key);
        CHECK(refused(changed.dump()).starts_with("self-test: "));
    }
}
