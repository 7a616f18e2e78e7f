// config.json: the published forms, defaults, other stage counts, labels, and the message for each wrong value.
#include <cvt/checkpoint/hf_config.hpp>

#include <catch2/catch.hpp>
#include <string>

namespace ck = cvt::checkpoint;

namespace {

/// Returns a JSON object with the given members, with ' for ", and adds model_type if it is missing.
std::string json(std::string text) {
    if (text.find("model_type") == std::string::npos) text += std::string{text.empty() ? "" : ", "} + "'model_type': 'cvt'";
    for (char& c : text)
        if (c == '\'') c = '"';
    return "{" + text + "}";
}

ck::hf_config parsed(const std::string& text) {
    auto r = ck::read_hf_config(json(text));
    INFO(r.error().what());
    REQUIRE(r);
    return std::move(*r);
}

std::string message(const std::string& text) {
    auto r = ck::read_hf_config(json(text));
    return r ? "accepted" : r.error().what();
}

// Like microsoft/cvt-w24-384-22k: no image_size, num_stages or pos_embed.
const char* const w24 = R"('architectures': ['CvtForImageClassification'], 'attention_drop_rate': [0.0, 0.0, 0.0],
    'cls_token': [false, false, true], 'depth': [2, 2, 20], 'drop_path_rate': [0.0, 0.0, 0.3], 'drop_rate': [0.0, 0.0, 0.0],
    'embed_dim': [192, 768, 1024], 'initializer_range': 0.02, 'kernel_qkv': [3, 3, 3], 'layer_norm_eps': 1e-12,
    'mlp_ratio': [4.0, 4.0, 4.0], 'model_type': 'cvt', 'num_channels': 3, 'num_heads': [3, 12, 16], 'padding_kv': [1, 1, 1],
    'padding_q': [1, 1, 1], 'patch_padding': [2, 1, 1], 'patch_sizes': [7, 3, 3], 'patch_stride': [4, 2, 2],
    'qkv_bias': [true, true, true], 'qkv_projection_method': ['dw_bn', 'dw_bn', 'dw_bn'], 'stride_kv': [2, 2, 2],
    'stride_q': [1, 1, 1], 'torch_dtype': 'float32')";

}  // namespace

TEST_CASE("hf_config: a published config.json", "[hf_config]") {
    const ck::hf_config c = parsed(w24);
    CHECK(c.config == cvt::cvt_w24);
    CHECK_FALSE(c.gelu);
    CHECK(c.image_size == 0);
    CHECK(c.labels.empty());
}

TEST_CASE("hf_config: missing, null and unknown keys", "[hf_config]") {
    CHECK(parsed("").config == cvt::cvt_13);
    CHECK(parsed("'depth': null, 'id2label': null, 'hidden_act': null, 'image_size': null").config == cvt::cvt_13);
    CHECK(parsed("'depth': [1, 4, 16], 'pos_embed': [false], 'num_stages': 'x', 'label2id': 7, 'layer_norm_eps': 'x'").config ==
          cvt::cvt_21);
}

TEST_CASE("hf_config: missing keys are named with the values that are assumed", "[hf_config]") {
    std::string all = w24;
    const auto assumed = [](const std::string& text) {
        const ck::hf_config c = parsed(text);
        return std::string{ck::list_keys(c.assumed, c.config).text};
    };
    const auto unseen = [](const std::string& text) {
        const ck::hf_config c = parsed(text);
        return ck::any_unseen(c.assumed, c.config);
    };
    CHECK(assumed(all).empty());
    const auto without = [&](const std::string& member) {
        std::string text = all;
        REQUIRE(text.find(member) != std::string::npos);
        return text.erase(text.find(member), member.size());
    };
    CHECK(assumed(without("'padding_kv': [1, 1, 1],")) == "padding_kv [1, 1, 1]");
    CHECK(unseen(without("'padding_kv': [1, 1, 1],")));
    const std::string no_projection = without("'qkv_projection_method': ['dw_bn', 'dw_bn', 'dw_bn'],");
    CHECK(assumed(no_projection) == "qkv_projection_method [\"dw_bn\", \"dw_bn\", \"dw_bn\"]");
    CHECK_FALSE(unseen(no_projection));
    CHECK_FALSE(unseen(without("'kernel_qkv': [3, 3, 3],")));
    all.replace(all.find("['dw_bn', 'dw_bn', 'dw_bn']"), 27, "['dw_bn', 'dw_bn', 'avg']");
    CHECK(unseen(without("'kernel_qkv': [3, 3, 3],")));  // the kernel of an average is no tensor
    CHECK_THAT(assumed("'num_channels': 3"),
               Catch::StartsWith("embed_dim [64, 192, 384], num_heads [1, 3, 6], depth [1, 2, 10], mlp_ratio [4.0, 4.0, 4.0], ") &&
                   Catch::Contains("cls_token [false, false, true]") && Catch::EndsWith("stride_q [1, 1, 1]"));
    CHECK(unseen("'num_channels': 3"));
    CHECK(assumed("'qkv_projection_method': ['linear', 'linear', 'linear']").find("_kv") == std::string::npos);

    const std::string missing = "; missing, so that CvT-13's values are assumed: ";  // only those of the message
    CHECK(message("'embed_dim': [32, 64, 128]") ==
          "config.json: stage 1: num_heads: expected a divisor of embed_dim 64, found 3" + missing + "num_heads [1, 3, 6]");
    CHECK(message("'num_heads': [1, 5, 6]") ==
          "config.json: stage 1: num_heads: expected a divisor of embed_dim 192, found 5" + missing + "embed_dim [64, 192, 384]");
    CHECK(message("'embed_dim': [32, 64], 'num_heads': [1, 2]") ==
          "config.json: embed_dim: expected 3 values, one for each stage (depth is missing, so that 3 stages are assumed), found 2");
}

TEST_CASE("hf_config: every key sets the right field", "[hf_config]") {
    const cvt::config c = parsed(R"('num_channels': 1, 'depth': [3, 4], 'embed_dim': [6, 10], 'num_heads': [2, 5], 'patch_sizes': [5, 4],
        'patch_stride': [3, 1], 'patch_padding': [0, 2], 'mlp_ratio': [2, 1.5], 'qkv_bias': [false, true], 'cls_token': [true, false],
        'qkv_projection_method': ['dw_bn', 'avg'], 'kernel_qkv': [5, 4], 'padding_q': [2, 9], 'padding_kv': [3, 1], 'stride_q': [1, 8],
        'stride_kv': [3, 2], 'drop_rate': [0.0, 0.0, 0.0])")
                              .config;
    cvt::config expected;
    expected.num_channels = 1;
    expected.num_stages = 2;
    expected.stage[0] = {6, 2, 3, 5, 3, 0, 2.0, false, true, cvt::projection::dw_bn, 5, 2, 3, 1, 3};
    expected.stage[1] = {10, 5, 4, 4, 1, 2, 1.5, true, false, cvt::projection::avg, 4, 9, 1, 8, 2};
    CHECK(c == expected);
}

TEST_CASE("hf_config: unused keys may have any value", "[hf_config]") {
    CHECK(parsed("'qkv_projection_method': ['linear', 'linear', 'linear'], 'kernel_qkv': 'x', 'padding_q': [1], 'stride_kv': [],"
                 "'padding_kv': {}, 'stride_q': 0")
              .config.stage[0]
              .qkv_projection == cvt::projection::linear);
    CHECK(parsed("'qkv_projection_method': ['avg', 'linear', 'avg'], 'padding_q': [1], 'stride_q': 'x'").config.num_stages == 3);
    CHECK(message("'depth': [1, 2, 10], 'qkv_projection_method': ['avg', 'linear', 'avg'], 'stride_kv': [1]") ==
          "config.json: stride_kv: expected 3 values, one for each stage in depth, found 1");
}

TEST_CASE("hf_config: stage counts other than 3", "[hf_config]") {
    const std::string four =
        "'depth': [1, 1, 1, 1], 'embed_dim': [4, 4, 4, 4], 'num_heads': [1, 1, 1, 1], 'patch_sizes': [3, 3, 3, 3],"
        "'patch_stride': [2, 2, 2, 2], 'patch_padding': [1, 1, 1, 1]";
    CHECK(message(four) == "config.json: cls_token is missing: it has a default for 3 stages only, and depth says 4");
    const cvt::config c = parsed(four + ", 'cls_token': [false, false, false, false]").config;
    CHECK(c.num_stages == 4);
    CHECK(c.stage[3].embed_dim == 4);
    CHECK_FALSE(c.stage[2].cls_token);
    CHECK(message("'depth': [1, 1]") == "config.json: embed_dim is missing: it has a default for 3 stages only, and depth says 2");
    CHECK(message("'depth': 3") == "config.json: depth: expected a list with one value for each stage, found 3");
    CHECK(message("'depth': []") == "config.json: depth: expected 1 to 8 values, one for each stage, found 0");
    CHECK(message("'depth': [1,1,1,1,1,1,1,1,1]") == "config.json: depth: expected 1 to 8 values, one for each stage, found 9");
}

TEST_CASE("hf_config: labels", "[hf_config]") {
    const ck::hf_config c = parsed("'id2label': {'1': 'crane', '0': 'tench, \\u00e9', '2': 'crane'}, 'label2id': {'crane': 2}");
    REQUIRE(c.labels.size() == 3);
    CHECK(c.config.num_classes == 3);
    CHECK(std::string(c.labels[0]) == "tench, \xC3\xA9");
    CHECK(std::string(c.labels[1]) == "crane");
    CHECK(std::string(c.labels[2]) == "crane");
    CHECK(std::string(c.labels[3]).empty());
    CHECK(std::string(c.labels[-1]).empty());
    CHECK(message("'id2label': {'0': 'a', '2': 'b'}") == "config.json: id2label: expected the ids 0 to 1, 1 is missing");
    CHECK(message("'id2label': {'00': 'a'}") == "config.json: id2label: expected the ids 0 to 0, 0 is missing");
    CHECK(message("'id2label': {'0': 'a', '1': 7}") == "config.json: id2label: expected texts, found 7");
    const ck::hf_config from_one = parsed("'id2label': {'2': 'b', '1': 'a'}");
    CHECK(from_one.labels_from_one);
    REQUIRE(from_one.labels.size() == 2);
    CHECK(std::string(from_one.labels[0]) == "a");
    CHECK_FALSE(c.labels_from_one);
    CHECK(message("'id2label': {'1': 'a', '3': 'b'}") == "config.json: id2label: expected the ids 0 to 1, 1 is missing");
    CHECK(message("'id2label': ['a']") == "config.json: id2label: expected an object, found a list");
    CHECK(message("'id2label': {'0': 'a', '0': 'b'}") == "config.json: JSON line 1, byte 27: the key \"0\" occurs twice in one object");
}

TEST_CASE("hf_config: activation and image size", "[hf_config]") {
    CHECK(parsed("'hidden_act': 'quick_gelu'").gelu == cvt::gelu::quick);
    CHECK(parsed("'hidden_act': 'gelu'").gelu == cvt::gelu::erf);
    CHECK(message("'hidden_act': 'relu'") == "config.json: hidden_act: expected \"quick_gelu\" or \"gelu\", found \"relu\"");
    CHECK(message("'hidden_act': 1") == "config.json: hidden_act: expected \"quick_gelu\" or \"gelu\", found 1");
    CHECK(parsed("'image_size': 384").image_size == 384);
    CHECK(message("'image_size': 0") == "config.json: image_size: expected 1 to 65536, found 0");
    CHECK(message("'image_size': [224, 224]") == "config.json: image_size: expected an integer, found a list");
}

TEST_CASE("hf_config: the meaning of the logits", "[hf_config]") {
    CHECK_FALSE(parsed("").scores);
    CHECK_FALSE(parsed("'problem_type': null").scores);
    CHECK(parsed("'problem_type': 'single_label_classification'").scores == cvt::scoring::softmax);
    CHECK(parsed("'problem_type': 'multi_label_classification'").scores == cvt::scoring::sigmoid);
    CHECK(parsed("'problem_type': 'regression'").scores == cvt::scoring::value);
    CHECK(message("'problem_type': 'ranking'") ==
          "config.json: problem_type: expected single_label_classification, multi_label_classification or regression, found \"ranking\"");
    for (const cvt::scoring scores : {cvt::scoring::softmax, cvt::scoring::sigmoid, cvt::scoring::value}) {
        ck::json_writer text{ck::json_writer::layout::indented};
        REQUIRE_FALSE(ck::write_hf_config(cvt::cvt_13, 224, {}, ck::dtype::f32, text, scores));
        CHECK(ck::read_hf_config(text.text())->scores.value_or(cvt::scoring::softmax) == scores);
    }
}

TEST_CASE("hf_config: wrong documents, types, values", "[hf_config]") {
    CHECK(std::string(ck::read_hf_config("[]", "x.json").error().what()) == "x.json: the document: expected an object, found a list");
    CHECK(std::string(ck::read_hf_config("{", "x.json").error().what()) ==
          "x.json: JSON line 1, byte 1: expected a key in quotes, found the end of the text");
    // Another kind of file is named.
    CHECK_THAT(ck::read_hf_config("\n<!DOCTYPE html>", "x.json").error().what(), Catch::StartsWith("x.json: expected JSON, found an HTML"));
    CHECK_THAT(ck::read_hf_config("\x1F\x8B\x08", "x.json").error().what(), Catch::Contains("found a gzip file"));
    CHECK_THAT(ck::read_hf_config("version https://git-lfs.github.com/spec/v1\n", "x.json").error().what(),
               Catch::Contains("git lfs pull"));
    CHECK_THAT(ck::read_hf_config("\x08\x0A\x12\x07pytorch", "x.json").error().what(), Catch::Contains("found an ONNX model"));
    CHECK(ck::read_hf_config("GGUF", "x.json").error().code() == cvt::errc::malformed);
    CHECK(message("'model_type': 'vit'") == "config.json: model_type: expected \"cvt\", found \"vit\"");
    CHECK(ck::read_hf_config(json("'model_type': 'vit'")).error().code() == cvt::errc::unsupported);
    CHECK(message("'num_channels': '3'") == "config.json: num_channels: expected an integer, found \"3\"");
    CHECK(message("'num_channels': 3.0") == "config.json: num_channels: expected an integer, found the real number 3");
    CHECK(message("'num_channels': 3000000000") == "config.json: num_channels: expected an integer, found 3000000000");
    CHECK(message("'num_channels': 0") == "config.json: num_channels: expected 1 to 4096, found 0");
    CHECK(message("'embed_dim': 64") == "config.json: embed_dim: expected a list with one value for each stage, found 64");
    CHECK(message("'depth': [1, 2, 10], 'embed_dim': [64, 192]") ==
          "config.json: embed_dim: expected 3 values, one for each stage in depth, found 2");
    CHECK(message("'embed_dim': [64, '192', 384]") == "config.json: embed_dim[1]: expected an integer, found \"192\"");
    CHECK(message("'embed_dim': [64, null, 384]") == "config.json: embed_dim[1]: expected an integer, found null");
    CHECK(message("'depth': [1, 2, true]") == "config.json: depth[2]: expected an integer, found true");
    CHECK(message("'qkv_bias': [1, 1, 1]") == "config.json: qkv_bias[0]: expected true or false, found 1");
    CHECK(message("'mlp_ratio': [4.0, 4.0, '4']") == "config.json: mlp_ratio[2]: expected a number, found \"4\"");
    CHECK(message("'qkv_projection_method': ['dw_bn', 'conv', 'dw_bn']") ==
          "config.json: qkv_projection_method: expected dw_bn, avg or linear, found \"conv\"");
    CHECK(message("'depth': [1, 2, 10], 'qkv_projection_method': ['dw_bn']") ==
          "config.json: qkv_projection_method: expected 3 values, one for each stage in depth, found 1");
    CHECK(message("'num_heads': [1, 5, 6], 'embed_dim': [64, 192, 384]") ==
          "config.json: stage 1: num_heads: expected a divisor of embed_dim 192, found 5");
    CHECK(message("'stride_q': [2, 1, 1]") == "config.json: stage 0: stride_q: expected 1 (queries must keep the grid), found 2");
}

namespace {

const char* const spec = R"('MODEL': {'NAME': 'cls_cvt', 'SPEC': {'INIT': 'trunc_norm', 'NUM_STAGES': 3, 'PATCH_SIZE': [7, 3, 3],
    'PATCH_STRIDE': [4, 2, 2], 'PATCH_PADDING': [2, 1, 1], 'DIM_EMBED': [64, 192, 384], 'NUM_HEADS': [1, 3, 6], 'DEPTH': [1, 4, 16],
    'MLP_RATIO': [4.0, 4.0, 4.0], 'QKV_BIAS': [true, true, true], 'CLS_TOKEN': [false, false, true],
    'QKV_PROJ_METHOD': ['dw_bn', 'dw_bn', 'dw_bn'], 'KERNEL_QKV': [3, 3, 3], 'PADDING_KV': [1, 1, 1], 'STRIDE_KV': [2, 2, 2],
    'PADDING_Q': [1, 1, 1], 'STRIDE_Q': [1, 1, 1]}}, 'TEST': {'IMAGE_SIZE': [384, 384]})";

/// Returns the message for the spec with `what` replaced.
std::string spec_message(const std::string& what, const std::string& with) {
    std::string text = spec;
    text.replace(text.find(what), what.size(), with);
    return message(text);
}

}  // namespace

TEST_CASE("hf_config: Microsoft's form requires every key", "[hf_config]") {
    const ck::hf_config c = parsed(spec);
    CHECK(c.config == cvt::cvt_21);
    CHECK(c.image_size == 384);
    CHECK(c.labels.empty());
    CHECK(spec_message("'DIM_EMBED': [64, 192, 384], ", "") ==
          "config.json: DIM_EMBED: expected a list with one value for each stage, found nothing");
    for (const char* key : {"MLP_RATIO", "QKV_BIAS", "QKV_PROJ_METHOD", "KERNEL_QKV", "PADDING_KV", "STRIDE_KV", "PADDING_Q", "STRIDE_Q"}) {
        std::string other = key;
        other.back() = '_';
        CHECK(spec_message(std::string{"'"} + key + "'", "'" + other + "'") ==
              std::string{"config.json: "} + key + ": expected a list with one value for each stage, found nothing");
    }
    CHECK(spec_message("'DEPTH': [1, 4, 16],", "") ==
          "config.json: MODEL.SPEC.DEPTH: expected a list of 1 to 8 numbers, one for each stage, found nothing");
    CHECK(spec_message("[1, 3, 6]", "[1, 5, 6]") == "config.json: stage 1: num_heads: expected a divisor of embed_dim 192, found 5");
    CHECK(spec_message("[1, 3, 6]", "[1, 3]") == "config.json: NUM_HEADS: expected 3 values, one for each stage in depth, found 2");
    CHECK(spec_message("[384, 384]", "[0]") == "config.json: IMAGE_SIZE: expected 1 to 65536, found 0");
}

TEST_CASE("hf_config: a document that does not describe a CvT does not give the default CvT", "[hf_config]") {
    for (const char* text : {"{}", R"({"image_size": 224, "hidden_act": "gelu"})", R"({"MODEL": {"NAME": "cls_cvt"}})", R"({"a": [1]})"}) {
        CAPTURE(text);
        const auto r = ck::read_hf_config(text);
        REQUIRE_FALSE(r);
        CHECK(r.error().code() == cvt::errc::bad_config);
        CHECK(std::string(r.error().what()).find("does not describe a CvT") != std::string::npos);
    }
    CHECK_THAT(ck::read_hf_config("{}").error().what(), Catch::EndsWith(", found no keys"));
    CHECK_THAT(ck::read_hf_config(R"({"MODEL": {}, "TRAIN": {}})").error().what(), Catch::EndsWith(", found the keys MODEL, TRAIN"));
    CHECK(ck::read_hf_config(R"({"model_type": "cvt"})"));
    CHECK(ck::read_hf_config(R"({"num_heads": [1, 3, 6]})"));
}

TEST_CASE("hf_config: Microsoft's YAML", "[hf_config]") {
    const std::string yaml =
        "OUTPUT_DIR: 'OUTPUT/'\r\nMODEL:\n  NAME: cls_cvt\n  SPEC:\n    INIT: 'trunc_norm'\n    NUM_STAGES: 3\n    ACT: gelu\n"
        "    PATCH_SIZE: [7, 3, 3]\n    PATCH_STRIDE: [4, 2, 2]\n    PATCH_PADDING: [2, 1, 1]\n    DIM_EMBED: [64, 192, 384]\n"
        "    NUM_HEADS: [1, 3, 6]  # heads\n    DEPTH: [1, 4, 16]\n    MLP_RATIO: [4.0, 4.0, 4.0]\n\n    QKV_BIAS: [True, True, True]\n"
        "    CLS_TOKEN: [False, False, True]\n    QKV_PROJ_METHOD: ['dw_bn', 'dw_bn', 'dw_bn']\n    KERNEL_QKV: [3, 3, 3]\n"
        "    PADDING_KV: [1, 1, 1]\n    STRIDE_KV: [2, 2, 2]\n    PADDING_Q: [1, 1, 1]\n    STRIDE_Q: [1, 1, 1]\nAUG:\n  DEPTH: 7\n";
    const auto r = ck::read_hf_config(yaml, "cvt-21.yaml");
    INFO(r.error().what());
    REQUIRE(r);
    CHECK(r->config == cvt::cvt_21);
    const auto refused = [&](const std::string& what, const std::string& with) {
        std::string text = yaml;
        text.replace(text.find(what), what.size(), with);
        const auto changed = ck::read_hf_config(text, "x.yaml");
        return changed ? std::string{"accepted"} : changed.error().what();
    };
    CHECK(refused("    DIM_EMBED: [64, 192, 384]\n", "") ==
          "x.yaml: DIM_EMBED: expected a list with one value for each stage, found nothing");
    for (const char* value : {"[1, 4", "[1, 4, x]", "{a: 1}", "{}", "[1], [4]", "\"1"}) {
        CHECK(refused("[1, 4, 16]", value) ==
              "x.yaml: MODEL.SPEC.DEPTH: expected a list of 1 to 8 numbers, one for each stage, found \"" + std::string{value} + "\"");
    }
    CHECK(refused("    DEPTH: [1, 4, 16]\n", "    DEPTH:\n    - 1\n    - 4\n").find("x.yaml: MODEL.SPEC.DEPTH: expected") == 0);
    CHECK(refused("    STRIDE_KV: [2, 2, 2]\n", "    STRIDE_KV:\n    - 1\n    - 1\n    - 1\n") ==
          "x.yaml: STRIDE_KV: expected a list with one value for each stage, found \"\"");
    CHECK(refused("    QKV_PROJ_METHOD: ['dw_bn', 'dw_bn', 'dw_bn']\n", "    QKV_PROJ_METHOD: avg\n") ==
          "x.yaml: QKV_PROJ_METHOD: expected a list with one value for each stage, found \"avg\"");
    CHECK(refused("    INIT: 'trunc_norm'\n", "    INIT: 'a\" \xFF\n    A\"B: 1\n") == "accepted");  // not used
    CHECK_FALSE(ck::read_hf_config("SPEC:"));
    CHECK_FALSE(ck::read_hf_config("SPEC: {{{"));
}

TEST_CASE("hf_config: other YAML is refused with its keys", "[hf_config]") {
    const auto refused = [](const char* text, const char* file = "config.json") {
        const auto r = ck::read_hf_config(text, file);
        return r ? std::string{"accepted"} : std::string{r.error().what()};
    };
    const std::string expected = ": expected Microsoft's MODEL.SPEC in YAML, or a config.json, found YAML with ";
    CHECK(refused("# timm\n\nmodel: cvt_13\ndata-dir: /d  # here\nepochs: 300\n", "train.yaml") ==
          "train.yaml" + expected + "the keys model, data-dir, epochs");
    CHECK(refused("---\na: 1\nb:\n  c: 2\nd: 3\r\ne: 4\nf: 5\n") == "config.json" + expected + "the keys a, b, d, e, ...");
    CHECK(refused("- a\n- b\n", "list.yml") == "list.yml" + expected + "no keys");
    CHECK(refused("words", "words.yaml") == "words.yaml" + expected + "no keys");
    CHECK(ck::read_hf_config("a: 1").error().code() == cvt::errc::bad_config);
    // Not YAML: other formats keep their names, and JSON its place.
    CHECK_THAT(refused("<!DOCTYPE html>\nkey: 1", "page.yaml"), Catch::StartsWith("page.yaml: expected JSON, found an HTML"));
    for (const char* text : {"words", "two words: 1", "a:b", "http://host", "{\"a\": 1", "[1"}) {
        CAPTURE(text);
        CHECK_THAT(refused(text), Catch::StartsWith("config.json: JSON line 1") || Catch::StartsWith("config.json: expected"));
    }
}
