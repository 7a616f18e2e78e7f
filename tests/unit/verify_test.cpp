// verify(): weights, activations and self-test records that differ from those of the conversion.
#include <cvt/verify.hpp>

#include <cvt/convert.hpp>
#include <cvt/kernels/select.hpp>

#include <catch2/catch.hpp>
#include <fstream>
#include <string>

#include "support/executors.hpp"
#include "support/json.hpp"
#include "support/safetensors_writer.hpp"
#include "support/temporary_folder.hpp"
#include "support/text_files.hpp"
#include "support/tiny_config.hpp"

using namespace cvt_test;

namespace {

/// A converted model; the tests change its record and weights.
struct converted_model {
    std::string config, data;
    nlohmann::json header, record;

    explicit converted_model(const std::string& from = CVT_TEST_DATA "/torch/tiny-hf", const cvt::load_options& options = {}) {
        const temporary_folder folder;
        const auto done = cvt::convert(from.c_str(), (folder / "out").c_str(), {.load = options});
        INFO(done.error().what());
        REQUIRE(done);
        config = read_file(folder / "out/config.json");
        const std::string file = read_file(folder / "out/model.safetensors");
        const std::size_t data_at = file.size() - static_cast<std::size_t>(done->weight_bytes);
        header = parse_json(file.substr(8, data_at - 8));
        record = parse_json(header["__metadata__"]["cvt.self_test"].get<std::string>());
        data = file.substr(data_at);
    }

    [[nodiscard]] cvt::result<cvt::verification> verify(const cvt::load_options& options = {}) const {
        nlohmann::json changed = header;
        changed["__metadata__"]["cvt.self_test"] = record.dump();
        const std::string file = raw_safetensors(changed.dump(), data);
        const auto model = cvt::model::from_memory({as_bytes(file), config, {}}, options);
        INFO(model.error().what());
        REQUIRE(model);
        return cvt::verify(*model);
    }
    [[nodiscard]] std::string message(const cvt::load_options& options = {}) const {
        const auto v = verify(options);
        return v ? "accepted" : v.error().what();
    }
};

}  // namespace

TEST_CASE("verify: an unchanged conversion passes", "[verify]") {
    const converted_model m;
    const auto v = m.verify();
    REQUIRE(v);
    CHECK(v->good());
    CHECK(v->difference == 0);
    CHECK(v->limit >= 4e-5);
    CHECK(v->limit < 1e-3);
    CHECK(v->values == 10);
    CHECK(v->height == 224);
    CHECK(std::string{v->output} == "logits");
    CHECK(std::string{v->stored_by}.starts_with("cvt " CVT_VERSION_STRING ", "));
    for (const char* kernels : {"eigen", "sse2", "avx2", "avx512", "neon", "neon_dotprod"}) {
        if (!cvt::kernels::select(kernels)) continue;
        const auto other = m.verify({.kernels = kernels});
        REQUIRE(other);
        CHECK(other->good());
    }
}

TEST_CASE("verify: detects changed weights", "[verify]") {
    converted_model m;
    const std::size_t last = m.data.size() - 4;  // of the head: the sign of one number
    m.data[last + 3] = static_cast<char>(m.data[last + 3] ^ '\x80');
    const auto v = m.verify();
    REQUIRE(v);
    CHECK_FALSE(v->good());
    CHECK(v->difference > 1e-3);
    m.data.replace(last, 4, "\0\0\xC0\x7F", 4);  // NaN
    const auto nan = m.verify();
    REQUIRE(nan);
    CHECK_FALSE(nan->good());
    m.data.replace(last, 4, "\0\0\x80\x7F", 4);  // infinity
    const auto infinite = m.verify();
    REQUIRE(infinite);
    CHECK_FALSE(infinite->good());
}

TEST_CASE("verify: the difference is the maximum, and the limit scales with the values", "[verify]") {
    converted_model m;
    m.record["values"][4] = m.record["values"][4].get<double>() + 0.5;
    m.record["values"][9] = m.record["values"][9].get<double>() - 0.25;
    const auto v = m.verify();
    REQUIRE(v);
    CHECK_FALSE(v->good());
    CHECK(v->difference == Approx(0.5));
    m.record["values"][0] = -1000;
    CHECK(m.verify()->limit == Approx(0.04));
}

TEST_CASE("verify: a model without a head compares its embedding", "[verify]") {
    const converted_model m{CVT_TEST_DATA "/torch/tiny-encoder.pth", {.config = tiny()}};
    const auto v = m.verify();
    REQUIRE(v);
    CHECK(v->good());
    CHECK(std::string{v->output} == "embedding");
    CHECK(v->values == 12);
}

TEST_CASE("verify: no self-test, or that of another model", "[verify]") {
    const auto plain = cvt::model::load(CVT_TEST_DATA "/torch/tiny-hf");
    REQUIRE(plain);
    const auto none = cvt::verify(*plain);
    REQUIRE_FALSE(none);
    CHECK(none.error().code() == cvt::errc::invalid_argument);
    CHECK(std::string{none.error().what()}.find("no self-test") != std::string::npos);

    converted_model m;
    CHECK(m.message() == "accepted");
    CHECK(m.message({.gelu = cvt::gelu::quick}) == "self-test: stored for erf GELU, the model runs with quick GELU");
    m.record["values"].erase(0);
    CHECK(m.message() == "self-test: expected 10 logits, found 9 logits");
    m.record["output"] = "embedding";
    CHECK(m.message() == "self-test: expected 10 logits, found 9 embedding");
    m.record["height"] = 1;
    m.record["output"] = "logits";
    m.record["values"].push_back(0);
    CHECK(m.message().find("at least") != std::string::npos);
    m.record["height"] = 1025;
    CHECK(m.message().starts_with("self-test: height, width:"));
}

TEST_CASE("verify: runs on the caller's threads", "[verify]") {
    const converted_model m;
    const auto model = [&] {
        const std::string file = raw_safetensors(m.header.dump(), m.data);
        return cvt::model::from_memory({as_bytes(file), m.config, {}});
    }();
    REQUIRE(model);
    const auto v = cvt::verify(*model, threaded(3));
    REQUIRE(v);
    CHECK(v->difference == 0);
}
