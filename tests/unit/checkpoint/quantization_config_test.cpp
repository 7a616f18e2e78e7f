// quantization_config: what other writers of the same scheme say is accepted; each value that needs another computation is refused by name.
#include <cvt/checkpoint/hf_config.hpp>

#include <catch2/catch.hpp>
#include <string>

#include "support/json.hpp"

using Catch::Matchers::Contains;
using nlohmann::json;
namespace ck = cvt::checkpoint;

namespace {

/// As llmcompressor writes it for int8 weights with dynamic inputs: keys of calibration, null for what does not apply.
const json published = cvt_test::parse_json(R"({
    "config_groups": {"group_0": {
        "format": "int-quantized",
        "input_activations": {"actorder": null, "block_structure": null, "dynamic": true, "group_size": null, "num_bits": 8,
                              "observer": null, "observer_kwargs": {}, "scale_dtype": null, "strategy": "token", "symmetric": true,
                              "type": "int", "zp_dtype": null},
        "output_activations": null,
        "targets": ["Linear"],
        "weights": {"actorder": null, "block_structure": null, "dynamic": false, "group_size": null, "num_bits": 8,
                    "observer": "minmax", "observer_kwargs": {}, "scale_dtype": null, "strategy": "channel", "symmetric": true,
                    "type": "int", "zp_dtype": null}}},
    "format": "int-quantized",
    "global_compression_ratio": 1.46,
    "ignore": ["classifier"],
    "kv_cache_scheme": null,
    "quant_method": "compressed-tensors",
    "quantization_status": "compressed",
    "sparsity_config": {},
    "transform_config": {},
    "version": "0.12.2"})");

cvt::error read(const json& quantization) {
    const auto config = ck::read_hf_config(json{{"model_type", "cvt"}, {"quantization_config", quantization}}.dump());
    return config ? cvt::error{} : config.error();
}

/// The published form with one value replaced: "weights/num_bits" is that of the only group; "/format" is outside the groups.
json with(const std::string& key, const json& value) {
    json changed = published;
    changed[json::json_pointer{key[0] == '/' ? key : "/config_groups/group_0/" + key}] = value;
    return changed;
}

void accepted(const json& quantization) {
    const cvt::error e = read(quantization);
    INFO(quantization.dump() << ": " << e.what());
    CHECK_FALSE(e);
}

void refused(const std::string& key, const json& value, const std::string& message) {
    const cvt::error e = read(with(key, value));
    INFO(key << ": " << value.dump());
    CHECK(e.code() == cvt::errc::unsupported);
    const std::string path = key[0] == '/' ? "" : "config_groups.group_0.";
    CHECK_THAT(e.what(), Contains("config.json: quantization_config." + path + message));
}

}  // namespace

TEST_CASE("the scheme is accepted as other writers spell it") {
    accepted(published);
    accepted(nullptr);
    accepted({{"quant_method", "compressed-tensors"}, {"format", "int-quantized"}});
    accepted(with("/quantization_status", "frozen"));
    accepted(with("/sparsity_config", {{"format", "dense"}}));
    accepted(with("/transform_config", {{"config_groups", json::object()}}));
    accepted(with("weights", {{"strategy", "channel"}}));
    accepted(with("weights", {{"group_size", -1}}));
    accepted(with("input_activations/symmetric", false));
    accepted(with("input_activations", nullptr));
    accepted(with("/config_groups/more", published["config_groups"]["group_0"]));
    accepted(with("/ignore", {"re:.*stages.0.*"}));
}

TEST_CASE("the written form is accepted") {
    for (const int classes : {0, 10}) {
        cvt::config c = cvt::cvt_13;
        c.num_classes = classes;
        ck::json_writer writer{ck::json_writer::layout::indented};
        REQUIRE_FALSE(ck::write_hf_config(c, 224, {}, ck::dtype::i8, writer));
        const auto config = ck::read_hf_config(writer.text());
        INFO(config.error().what());
        CHECK(config);
    }
}

TEST_CASE("another method, format or status is refused by its key") {
    refused("/quant_method", "gptq", "quant_method: expected \"compressed-tensors\", found \"gptq\"");
    refused("/quant_method", nullptr, "quant_method: expected \"compressed-tensors\", found nothing");
    refused("/quant_method", 8, "quant_method: expected \"compressed-tensors\", found 8");
    refused("/format", "pack-quantized", "format: expected \"int-quantized\", found \"pack-quantized\"");
    refused("/format", nullptr, "format: expected \"int-quantized\", found nothing");
    refused("/quantization_status", "calibration", "quantization_status: expected \"compressed\", found \"calibration\"");
    refused("format", "float-quantized", "format: expected \"int-quantized\", found \"float-quantized\"");
    const cvt::error e = read("int8");
    CHECK(e.code() == cvt::errc::bad_config);
    CHECK_THAT(e.what(), Contains("quantization_config: expected an object, found \"int8\""));
}

TEST_CASE("caches, transforms and sparse weights are refused by their keys") {
    refused("/kv_cache_scheme", {{"num_bits", 8}}, "kv_cache_scheme: expected null, found an object");
    refused("/transform_config", {{"config_groups", {{"R1", {{"type", "hadamard"}}}}}}, "transform_config: expected null, found an object");
    refused("/transform_config", {{"other", 1}}, "transform_config: expected null, found an object");
    refused("/sparsity_config", {{"format", "sparse-24-bitmask"}}, "sparsity_config: expected null, found an object");
}

TEST_CASE("groups that are not objects are refused by their names") {
    refused("/config_groups", 1, "config_groups: expected an object, found 1");
    refused("/config_groups/group_0", {"Linear"}, "config_groups.group_0: expected an object, found a list");
    refused("/config_groups/other\n", "W8A8", "config_groups.other?: expected an object, found \"W8A8\"");
    refused("weights", nullptr, "weights: expected an object, found nothing");
    refused("input_activations", true, "input_activations: expected an object, found true");
    refused("output_activations", {{"num_bits", 8}}, "output_activations: expected null, found an object");
}

TEST_CASE("weights of another scheme are refused by their keys") {
    refused("weights/num_bits", 4, "weights.num_bits: expected 8, found 4");
    refused("weights/num_bits", 16, "weights.num_bits: expected 8, found 16");
    refused("weights/num_bits", "8", "weights.num_bits: expected 8, found \"8\"");
    refused("weights/type", "float", "weights.type: expected \"int\", found \"float\"");
    refused("weights/symmetric", false, "weights.symmetric: expected true, found false");
    refused("weights/strategy", "group", "weights.strategy: expected \"channel\", found \"group\"");
    refused("weights/strategy", "tensor", "weights.strategy: expected \"channel\", found \"tensor\"");
    refused("weights/strategy", "block", "weights.strategy: expected \"channel\", found \"block\"");
    refused("weights/strategy", nullptr, "weights.strategy: expected \"channel\", found nothing");  // which means "tensor"
    refused("weights/group_size", 128, "weights.group_size: expected null or -1, found 128");
    refused("weights/dynamic", true, "weights.dynamic: expected false, found true");
    refused("weights/block_structure", "128x128", "weights.block_structure: expected null, found \"128x128\"");
    refused("weights/actorder", "group", "weights.actorder: expected null, found \"group\"");
}

TEST_CASE("inputs of another scheme are refused by their keys") {
    refused("input_activations/num_bits", 4, "input_activations.num_bits: expected 8, found 4");
    refused("input_activations/type", "float", "input_activations.type: expected \"int\", found \"float\"");
    refused("input_activations/symmetric", "no", "input_activations.symmetric: expected true or false, found \"no\"");
    refused("input_activations/dynamic", false, "input_activations.dynamic: expected true, found false");
    refused("input_activations/dynamic", nullptr, "input_activations.dynamic: expected true, found nothing");
    refused("input_activations/dynamic", "local", "input_activations.dynamic: expected true, found \"local\"");
    refused("input_activations/strategy", "tensor", "input_activations.strategy: expected \"token\", found \"tensor\"");
    refused("input_activations/group_size", 128, "input_activations.group_size: expected null, found 128");
    refused("input_activations/block_structure", "1x128", "input_activations.block_structure: expected null, found \"1x128\"");
    refused("input_activations/actorder", "group", "input_activations.actorder: expected null, found \"group\"");
}

TEST_CASE("every group is checked") {
    json two = published;
    two["config_groups"]["group_1"] = published["config_groups"]["group_0"];
    two["config_groups"]["group_1"]["weights"]["num_bits"] = 4;
    CHECK_THAT(read(two).what(), Contains("config_groups.group_1.weights.num_bits: expected 8, found 4"));
}
