// int8_weights: files with bytes and scales, written by convert() and by a script; files whose scales are missing or do not fit.
#include <cvt/checkpoint/int8_weights.hpp>

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include <cvt/convert.hpp>
#include <cvt/extra/npy.hpp>
#include <cvt/session.hpp>
#include <cvt/verify.hpp>

#include "support/checkpoints.hpp"
#include "support/json.hpp"
#include "support/session_fixture.hpp"
#include "support/temporary_folder.hpp"
#include "support/text_files.hpp"
#include "support/worse.hpp"

using namespace cvt_test;
using Catch::Matchers::Contains;
using nlohmann::json;
namespace ck = cvt::checkpoint;

namespace {

const std::string golden = CVT_TEST_DATA "/checkpoint/tiny-int8/", original = CVT_TEST_DATA "/checkpoint/tiny-hf/";

/// A safetensors file taken apart: its header, and its data.
struct parts {
    json header;
    std::string data;

    explicit parts(const std::string& path) {
        const std::string file = read_file(path);
        std::uint64_t length = 0;
        std::memcpy(&length, file.data(), sizeof length);
        header = parse_json(file.substr(8, static_cast<std::size_t>(length)));
        data = file.substr(8 + static_cast<std::size_t>(length));
    }
    [[nodiscard]] std::string file() const {
        std::string text = header.dump();
        text.resize((text.size() + 7) / 8 * 8, ' ');
        const std::uint64_t length = text.size();
        std::string out(8, '\0');
        std::memcpy(out.data(), &length, sizeof length);
        return out + text + data;
    }
    template <class T>
    [[nodiscard]] std::vector<T> values(const std::string& name) const {
        const std::size_t begin = header.at(name)["data_offsets"][0], end = header.at(name)["data_offsets"][1];
        std::vector<T> out((end - begin) / sizeof(T));
        std::memcpy(out.data(), data.data() + begin, end - begin);
        return out;
    }
};

cvt::result<cvt::model> load(const std::string& file, const std::string& config, const cvt::load_options& options = {}) {
    return cvt::model::from_memory({.weights = std::as_bytes(std::span{file}), .config_json = config, .preprocessor_json = {}}, options);
}

std::vector<float> logits_of(const cvt::model& m) {
    const auto image = cvt::read_npy(CVT_TEST_DATA "/torch/tiny-input.npy");
    REQUIRE(image);
    std::vector<float> out(10);
    cvt::session s{m};
    REQUIRE_FALSE(s.logits({image->values.data(), {3, 32, 48}}, out));
    return out;
}

const std::string fc1 = "cvt.encoder.stages.1.layers.0.intermediate.dense.weight";

}  // namespace

TEST_CASE("a file of compressed-tensors gives the reference's logits in float32, and runs as int8 by default") {
    const auto expected = cvt::read_npy((golden + "int8-logits.npy").c_str());
    REQUIRE(expected);
    const auto as_f32 = cvt::model::load(golden.c_str(), {.gelu = cvt::gelu::quick, .precision = cvt::precision::f32});
    INFO(as_f32.error().what());
    REQUIRE(as_f32);
    CHECK(as_f32->precision() == cvt::precision::f32);
    CHECK(as_f32->info().int8_weights);
    CHECK_THAT(as_f32->warnings().text[0], Contains("float32 does not restore the original ones"));
    float worst = 0, worst_int8 = 0;
    const std::vector<float> exact = logits_of(*as_f32);
    for (std::size_t i = 0; i < exact.size(); ++i) worst = worse(worst, std::fabs(exact[i] - expected->values[i]));
    CHECK(worst < 1e-5F);

    const auto by_default = cvt::model::load(golden.c_str(), {.gelu = cvt::gelu::quick});
    REQUIRE(by_default);
    CHECK(by_default->precision() == cvt::precision::int8);
    CHECK(by_default->warnings().count == 0);
    const std::vector<float> bytes = logits_of(*by_default);
    for (std::size_t i = 0; i < bytes.size(); ++i) worst_int8 = worse(worst_int8, std::fabs(bytes[i] - expected->values[i]));
    CHECK(worst_int8 < 0.1F);
    CHECK(bytes != exact);
}

TEST_CASE("which tensors are stored as bytes") {
    const auto in_bytes = [](const char* name) {
        const cvt::network::tensor_key t = cvt::network::find_tensor(name);
        return cvt::network::is_int8_weight(t.id, t.at);
    };
    CHECK(in_bytes("stage0.blocks.0.attn.proj_q.weight"));
    CHECK(in_bytes("stage2.blocks.11.mlp.fc2.weight"));
    CHECK(in_bytes("stage1.patch_embed.proj.weight"));
    for (const char* name :
         {"stage0.patch_embed.proj.weight", "head.weight", "norm.weight", "stage1.blocks.0.norm1.weight", "stage1.cls_token",
          "stage1.blocks.0.attn.conv_proj_q.conv.weight", "stage1.blocks.0.attn.proj_q.bias", "proj.weight", ""})
        CHECK_FALSE(in_bytes(name));
    std::size_t bytes = 0, elements = 0;
    cvt::network::for_each_tensor(cvt::cvt_13, [&](const cvt::network::tensor_info& t) {
        CHECK(in_bytes(t.name) == cvt::network::is_int8_weight(t.id, t.at));
        (in_bytes(t.name) ? bytes : elements) += static_cast<std::size_t>(t.count());
    });
    CHECK(bytes > 19'000'000);
    CHECK(elements < 1'000'000);
}

TEST_CASE("convert to int8: bytes and scales of the folded weights, loaded at either precision") {
    const temporary_folder folder;
    const std::string out = folder / "out", again = folder / "again";
    const auto done = cvt::convert(original.c_str(), out.c_str(), {.weights = cvt::weight_type::int8});
    INFO(done.error().what());
    REQUIRE(done);
    CHECK(done->self_test);
    const json config = parse_json(read_file(out + "/config.json"));
    CHECK(config["quantization_config"]["quant_method"] == "compressed-tensors");
    CHECK(config["quantization_config"]["config_groups"]["group_0"]["weights"]["strategy"] == "channel");
    CHECK(config["torch_dtype"] == "float32");

    const parts written{out + "/model.safetensors"}, before{original + "model.safetensors"};
    for (const auto& [name, entry] : written.header.items()) {
        if (name == "__metadata__") continue;
        INFO(name);
        const std::string type = entry["dtype"];
        const std::size_t begin = entry["data_offsets"][0];
        CHECK(begin % (type == "I64" ? 8U : type == "F32" ? 4U : 1U) == 0);
        CHECK((type == "I8") == written.header.contains(name + "_scale"));
    }
    CHECK(written.header[fc1]["dtype"] == "I8");
    CHECK(written.header[fc1 + "_scale"]["shape"] == json::array({32, 1}));
    CHECK(written.header["classifier.weight"]["dtype"] == "F32");
    CHECK(written.header["cvt.encoder.stages.1.embedding.convolution_embeddings.projection.weight_scale"]["shape"] ==
          json::array({8, 1, 1, 1}));
    for (const float gain : written.values<float>("cvt.encoder.stages.1.layers.0.layernorm_after.weight")) CHECK(gain == 1.F);

    // fc1, once more in double: W * gain, its rows divided by a 127th of their largest magnitude.
    const std::vector<float> w = before.values<float>(fc1),
                             gain = before.values<float>("cvt.encoder.stages.1.layers.0.layernorm_after.weight"),
                             scale = written.values<float>(fc1 + "_scale");
    const std::vector<std::int8_t> q = written.values<std::int8_t>(fc1);
    REQUIRE(w.size() == 32 * 8);
    for (std::size_t r = 0; r < 32; ++r) {
        double largest = 0;
        for (std::size_t i = 0; i < 8; ++i)
            largest = std::max(largest, std::fabs(static_cast<double>(w[r * 8 + i]) * static_cast<double>(gain[i])));
        CHECK(static_cast<double>(scale[r]) == Approx(largest / 127).epsilon(1e-6));
        for (std::size_t i = 0; i < 8; ++i)
            CHECK(std::fabs(q[r * 8 + i] - static_cast<double>(w[r * 8 + i]) * static_cast<double>(gain[i]) / (largest / 127)) <= 0.50001);
    }

    for (const std::optional<cvt::precision> p : {std::optional<cvt::precision>{}, std::optional{cvt::precision::f32}}) {
        const auto model = cvt::model::load(out.c_str(), {.precision = p});
        REQUIRE(model);
        const auto v = cvt::verify(*model);
        INFO(v.error().what());
        REQUIRE(v);
        CHECK(v->good());
        if (p) CHECK(v->difference == 0);
    }
    REQUIRE(cvt::convert(out.c_str(), again.c_str(), {.weights = cvt::weight_type::int8}));
    CHECK(read_file(out + "/model.safetensors") == read_file(again + "/model.safetensors"));
    CHECK(read_file(out + "/config.json") == read_file(again + "/config.json"));
    const auto restored = cvt::convert(out.c_str(), (folder / "f32").c_str());
    REQUIRE(restored);
    CHECK_THAT(restored->warnings.text[0], Contains("does not restore the original ones"));
    CHECK_FALSE(parts{folder / "f32/model.safetensors"}.header.contains(fc1 + "_scale"));
}

TEST_CASE("int8 weights of a file are those of an int8 model of the original") {
    const temporary_folder folder;
    REQUIRE(cvt::convert(original.c_str(), (folder / "out").c_str(), {.weights = cvt::weight_type::int8}));
    const auto direct = cvt::model::load(original.c_str(), {.precision = cvt::precision::int8}),
               stored = cvt::model::load((folder / "out").c_str());
    REQUIRE(direct);
    REQUIRE(stored);
    const std::vector<float> a = logits_of(*direct), b = logits_of(*stored);
    float worst = 0;
    for (std::size_t i = 0; i < a.size(); ++i) worst = worse(worst, std::fabs(a[i] - b[i]));
    CHECK(worst < 5e-3F);  // scales may differ in their last bit, and then a few bytes of the inputs by one
}

TEST_CASE("scales that are missing or do not fit are refused, and so is what else would need another formula") {
    const std::string config = read_file(golden + "config.json");
    const parts good{golden + "model.safetensors"};
    REQUIRE(load(good.file(), config));
    const auto refused = [&](const parts& p, const std::string& text) {
        const auto m = load(p.file(), config);
        REQUIRE_FALSE(m);
        CHECK_THAT(m.error().what(), Contains(text));
    };
    parts p = good;
    json entry = p.header[fc1 + "_scale"];
    p.header.erase(fc1 + "_scale");
    p.header["unrelated_scale"] = entry;  // the bytes must belong to something
    refused(p, "stage1.blocks.0.mlp.fc1.weight: expected floating-point values, file has 8-bit integers without _scale beside them");
    p = good;
    p.header[fc1 + "_scale"]["shape"] = json::array({4, 8});
    refused(p, "fc1.weight: expected _scale with a number for each row");
    p = good;
    p.header[fc1 + "_scale"]["dtype"] = "I32";
    refused(p, "fc1.weight: expected _scale with a number for each row");
    p = good;
    p.header[fc1 + "_zero_point"] = {{"dtype", "I8"}, {"shape", {32, 1}}, {"data_offsets", {p.data.size(), p.data.size() + 32}}};
    p.data += std::string(32, '\1');
    refused(p, "fc1.weight: expected symmetric 8-bit integers, file has _zero_point beside them");
    p = good;
    p.header[fc1]["dtype"] = "U8";
    refused(p, "fc1.weight: expected floating-point values, file has integers");

    // A scale that is not finite makes weights that are not: int8 refuses them by name, float32 warns.
    p = good;
    const float infinite = std::numeric_limits<float>::infinity();
    std::memcpy(p.data.data() + p.header[fc1 + "_scale"]["data_offsets"][0].get<std::size_t>(), &infinite, sizeof infinite);
    refused(p, "stage1.blocks.0.mlp.fc1.weight: int8: expected finite weights");
    const auto warned = load(p.file(), config, {.precision = cvt::precision::f32});
    REQUIRE(warned);
    CHECK(warned->warnings().count == 2);
}

TEST_CASE("a file with some int8 weights runs as int8 with a warning") {
    parts p{golden + "model.safetensors"};
    const std::vector<float> w = parts{original + "model.safetensors"}.values<float>(fc1);
    const std::size_t bytes = w.size() * sizeof(float);
    p.header[fc1] = {{"dtype", "F32"}, {"shape", {32, 8}}, {"data_offsets", {p.data.size(), p.data.size() + bytes}}};
    p.data.append(reinterpret_cast<const char*>(w.data()), bytes);
    // The scales and the bytes of before become tensors that nothing uses.
    const parts good{golden + "model.safetensors"};
    p.header["counters"] = good.header[fc1];
    p.header["unused"] = good.header[fc1 + "_scale"];
    p.header.erase(fc1 + "_scale");
    json config = parse_json(read_file(golden + "config.json"));
    config["quantization_config"]["ignore"] = {"cvt.encoder.stages.1.layers.0.intermediate.dense"};
    const auto m = load(p.file(), config.dump());
    INFO(m.error().what());
    REQUIRE(m);
    CHECK(m->precision() == cvt::precision::int8);
    std::string all;
    for (int i = 0; i < m->warnings().count; ++i) all += m->warnings().text[i];
    CHECK_THAT(all, Contains("only 19 of 20 weights in the file are int8"));
}

TEST_CASE("a file whose quantization_config describes another scheme is refused") {
    const std::string file = read_file(golden + "model.safetensors");
    json config = parse_json(read_file(golden + "config.json"));
    const auto with = [&](const json& weights) {
        config["quantization_config"]["config_groups"]["group_0"]["weights"] = weights;
        return load(file, config.dump());
    };
    CHECK(with({{"num_bits", 8}, {"strategy", "channel"}}));
    const auto refused = with({{"num_bits", 4}, {"strategy", "channel"}});
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().what(), Contains("config_groups.group_0.weights.num_bits: expected 8, found 4"));
    config.erase("quantization_config");
    CHECK(load(file, config.dump()));
}

TEST_CASE("weights that are not finite are not written as int8") {
    const std::string norm2 = "cvt.encoder.stages.1.layers.0.layernorm_after.weight";
    for (const auto& [tensor, message] : {std::pair{fc1, "stage1.blocks.0.mlp.fc1.weight: int8: expected finite weights, found 1 of 256"},
                                          std::pair{norm2, "stage1.blocks.0.norm2.weight: int8: expected finite weights, found 1 of 8"}}) {
        const temporary_folder folder;
        parts p{original + "model.safetensors"};
        const float nan = std::numeric_limits<float>::quiet_NaN();
        std::memcpy(p.data.data() + p.header[tensor]["data_offsets"][0].get<std::size_t>(), &nan, sizeof nan);
        std::filesystem::create_directory(folder / "in");
        std::ofstream{folder / "in/model.safetensors", std::ios::binary} << p.file();
        std::ofstream{folder / "in/config.json"} << read_file(original + "config.json");
        const auto done = cvt::convert((folder / "in").c_str(), (folder / "out").c_str(), {.weights = cvt::weight_type::int8});
        REQUIRE_FALSE(done);
        CHECK_THAT(done.error().what(), Contains(message));
        CHECK_FALSE(std::filesystem::exists(folder / "out/model.safetensors"));
    }
}
