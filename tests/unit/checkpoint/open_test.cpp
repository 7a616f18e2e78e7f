// open: folders, single files, shards and memory; how models are recognised; the message for each contradiction.
#include <cvt/checkpoint/open.hpp>
#include <cvt/network/tensor_list.hpp>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "support/formula.hpp"
#include "support/safetensors_writer.hpp"
#include "support/tiny_config.hpp"

namespace ck = cvt::checkpoint;
namespace fs = std::filesystem;
using ck::naming;
using cvt_test::as_bytes;
using cvt_test::safetensors_writer;
using cvt_test::tiny;
using extents = std::vector<std::int64_t>;

namespace {

constexpr std::uint64_t seed = 7;

/// Makes a safetensors file with generated weights; `rename` returns the name in the file, "" to omit the tensor.
std::string weights(const cvt::config& c, const std::function<std::string(const std::string&)>& rename) {
    safetensors_writer w;
    cvt::network::for_each_tensor(c, [&](const cvt::network::tensor_info& t) {
        const char* const name = t.name;
        const std::span<const std::int64_t> dims = t.extents();
        if (const std::string renamed = rename(name); !renamed.empty()) w.add(renamed, dims, cvt_test::formula_tensor(name, dims, seed));
    });
    return w.bytes();
}
std::string same(const std::string& name) { return name; }
std::string hf(const std::string& name) { return std::string(ck::respell(name, naming::official, naming::hf).view()); }

const std::string tiny_json =
    R"({"model_type": "cvt", "embed_dim": [4, 8, 12], "num_heads": [1, 2, 3], "depth": [1, 1, 1], )"
    R"("patch_stride": [4, 2, 2], "patch_padding": [2, 1, 1], "padding_kv": [1, 1, 1], "stride_kv": [2, 2, 2])";  // no brace

ck::checkpoint_source must_open(cvt::result<ck::checkpoint_source> r) {
    INFO(r.error().what());
    REQUIRE(r);
    return *std::move(r);
}
ck::checkpoint_source from_memory(std::string file, const cvt::load_options& options = {}, const std::string& config = "",
                                  const std::string& preprocessor = "") {
    static std::deque<std::string> kept;  // the opened checkpoint reads from these bytes
    return must_open(ck::open_memory(as_bytes(kept.emplace_back(std::move(file))), config, preprocessor, options));
}
std::string message(const std::string& file, const cvt::load_options& options = {}, const std::string& config = "",
                    const std::string& preprocessor = "") {
    const auto r = ck::open_memory(as_bytes(file), config, preprocessor, options);
    return r ? "accepted" : r.error().what();
}
std::string message_of_path(const std::string& path, const cvt::load_options& options = {}) {
    const auto r = ck::open(path.c_str(), options);
    return r ? "accepted" : r.error().what();
}

/// Checks that every tensor of o.config has the bits of the generated weights.
void check_formula(const ck::checkpoint_source& o) {
    int wrong = 0;
    cvt::network::for_each_tensor(o.config, [&](const cvt::network::tensor_info& t) {
        const char* const name = t.name;
        const std::span<const std::int64_t> dims = t.extents();
        const std::vector<float> expected = cvt_test::formula_tensor(name, dims, seed);
        std::vector<float> found(expected.size());
        if (const cvt::error e = o.read(name, dims, found.data())) FAIL_CHECK(e.what());
        wrong += found == expected ? 0 : 1;
    });
    CHECK(wrong == 0);
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// A temporary folder; the destructor deletes it.
struct scratch_folder {
    fs::path path = "cvt_open_test.tmp";
    scratch_folder() {
        fs::remove_all(path);
        fs::create_directory(path);
    }
    ~scratch_folder() { fs::remove_all(path); }
    scratch_folder(const scratch_folder&) = delete;
    void write(const std::string& name, const std::string& content) const {
        REQUIRE(cvt_test::write_file((path / name).string(), content));
    }
    void remove(const std::string& name) const { fs::remove(path / name); }
};

}  // namespace

TEST_CASE("open: a Hugging Face folder written by Python", "[open]") {
    const ck::checkpoint_source o = must_open(ck::open(CVT_TEST_DATA "/checkpoint/tiny-hf"));
    cvt::config expected = tiny();
    expected.gelu = cvt::gelu::erf;
    CHECK(o.config == expected);
    CHECK(o.style.naming == naming::hf);
    CHECK(std::string(o.info.container) == "safetensors");
    CHECK(std::string(o.info.naming) == "transformers");
    CHECK(std::string(o.info.variant) == "custom");
    CHECK(std::string(o.info.config_from) == "config.json");
    CHECK(std::string(o.info.gelu_from) == "naming of the tensors");
    CHECK(std::string(o.info.size_from) == "default");
    CHECK(o.info.config_image_size == 0);
    CHECK(o.labels.size() == 10);
    CHECK(std::string(o.labels[9]) == "LABEL_9");
    CHECK(o.preprocessing.crop_width == 224);
    check_formula(o);
}

TEST_CASE("open: the same folder as a PyTorch file, whole and in shards", "[open]") {
    const ck::checkpoint_source whole = must_open(ck::open(CVT_TEST_DATA "/torch/tiny-hf"));
    CHECK(std::string(whole.info.container) == "torch zip");
    check_formula(whole);
    const ck::checkpoint_source sharded = must_open(ck::open(CVT_TEST_DATA "/torch/tiny-hf-sharded"));
    CHECK(std::string(sharded.info.container) == "torch, sharded");
    check_formula(sharded);
    const ck::checkpoint_source lone = must_open(ck::open(CVT_TEST_DATA "/torch/tiny-official.pth", {.config = tiny()}));
    CHECK(lone.config == tiny());
    CHECK(std::string(lone.info.config_from) == "given by the caller");
    check_formula(lone);
}

TEST_CASE("open: every naming of a single file", "[open]") {
    for (const char* prefix : {"", "module."}) {
        CAPTURE(prefix);
        const ck::checkpoint_source official =
            from_memory(weights(tiny(), [&](const std::string& n) { return prefix + n; }), {.config = tiny()});
        CHECK(std::string(official.info.naming) == "official");
        CHECK(official.config.gelu == cvt::gelu::quick);
        check_formula(official);
        const ck::checkpoint_source port =
            from_memory(weights(tiny(), [&](const std::string& n) { return prefix + hf(n); }), {.config = tiny()});
        CHECK(std::string(port.info.naming) == "transformers");
        CHECK(port.config.gelu == cvt::gelu::erf);
        check_formula(port);
    }
}

TEST_CASE("open: encoders without a head, CvtModel without a final norm", "[open]") {
    const std::string labels = tiny_json + R"(, "id2label": {"0": "a", "1": "b"}})";
    const auto encoder = [](const std::string& n) { return n.starts_with("head.") ? "" : n; };
    const ck::checkpoint_source official = from_memory(weights(tiny(), encoder), {}, labels);
    CHECK(official.config.num_classes == 0);
    CHECK(official.config.final_norm);
    CHECK(official.labels.empty());
    check_formula(official);

    const auto cvt_model = [](const std::string& n) {
        return n.starts_with("head.") || n.starts_with("norm.") ? std::string{} : hf(n).substr(4);
    };
    const ck::checkpoint_source bare = from_memory(weights(tiny(), cvt_model), {}, labels);
    CHECK(bare.style.bare);
    CHECK(bare.config.num_classes == 0);
    CHECK_FALSE(bare.config.final_norm);
    check_formula(bare);

    // A head requires the final norm.
    CHECK(message(weights(tiny(), [](const std::string& n) { return n.starts_with("norm.") ? "" : n; }), {.config = tiny()}) ==
          "tensors do not fit the configuration (2 missing) | missing: norm.weight; norm.bias");
}

TEST_CASE("open: the number of classes comes from the head", "[open]") {
    const std::string file = weights(tiny(), same);
    CHECK(from_memory(file, {}, tiny_json + "}").config.num_classes == 10);
    cvt::config thousand = tiny();
    thousand.num_classes = 1000;
    CHECK(from_memory(file, {.config = thousand}).config.num_classes == 10);
    const ck::checkpoint_source stale = from_memory(file, {}, tiny_json + R"(, "id2label": {"0": "a", "1": "b"}})");
    REQUIRE(stale.warnings.count == 1);
    CHECK(contains(stale.warnings.text[0], "id2label has 2 labels but the head has 10 classes"));
    REQUIRE(stale.labels.size() == 10);
    CHECK(std::string(stale.labels[9]) == "LABEL_9");
    // A caller with its own labels gets no message about those of the file, even if they cannot be read.
    for (const char* theirs : {R"({"0": "a", "1": "b"})", R"({"0": "a", "7": "b"})", "3"}) {
        const ck::checkpoint_source unread = from_memory(file, {.ignore_labels = true}, tiny_json + ", \"id2label\": " + theirs + "}");
        CHECK(unread.warnings.count == 0);
        CHECK(unread.labels.empty());
        CHECK(unread.config.num_classes == 10);
    }
}

TEST_CASE("open: the meaning of the logits", "[open]") {
    const std::string file = weights(tiny(), same);
    cvt::config single = tiny();
    single.num_classes = 1;
    const std::string one = weights(single, same);
    const auto scores = [](const std::string& bytes, const std::string& more) {
        return from_memory(bytes, {}, tiny_json + more + "}").info.scores;
    };
    const std::string many = R"(, "problem_type": "multi_label_classification")", values = R"(, "problem_type": "regression")";
    CHECK(scores(file, "") == cvt::scoring::softmax);
    CHECK(scores(file, many) == cvt::scoring::sigmoid);
    CHECK(scores(file, values) == cvt::scoring::value);
    CHECK(scores(one, "") == cvt::scoring::sigmoid);
    CHECK(scores(one, R"(, "problem_type": "single_label_classification")") == cvt::scoring::sigmoid);
    CHECK(scores(one, values) == cvt::scoring::value);
    CHECK(from_memory(file, {.scores = cvt::scoring::value}, tiny_json + many + "}").info.scores == cvt::scoring::value);
}

TEST_CASE("open: labels with ids that begin at 1", "[open]") {
    const std::string file = weights(tiny(), same);
    const auto with = [&](int labels) {
        std::string map;
        for (int i = 1; i <= labels; ++i) map += (i == 1 ? "\"" : ",\"") + std::to_string(i) + "\": \"name " + std::to_string(i) + "\"";
        return from_memory(file, {}, tiny_json + ", \"id2label\": {" + map + "}}");
    };
    const ck::checkpoint_source all = with(10), but_one = with(9), others = with(8);
    CHECK(std::string(all.labels[0]) == "name 1");
    CHECK(contains(all.warnings.text[0], "id2label begins with id 1: label 1 is used for class 0"));
    REQUIRE(but_one.labels.size() == 10);
    CHECK(std::string(but_one.labels[0]) == "LABEL_0");
    CHECK(std::string(but_one.labels[9]) == "name 9");
    CHECK(contains(but_one.warnings.text[0], "class 0 has no label"));
    CHECK(std::string(others.labels[1]) == "LABEL_1");
    CHECK(contains(others.warnings.text[0], "id2label has 8 labels but the head has 10 classes"));
}

TEST_CASE("open: folders whose weights have other names, and folders without weights", "[open]") {
    const scratch_folder folder;
    const std::string path = folder.path.string(), file = weights(tiny(), same);
    folder.write("config.json", tiny_json + "}");
    folder.write("training_args.bin", "arguments of a Trainer");
    folder.write("rng_state_0.pth", "states of a Trainer's random numbers");
    CHECK(contains(message_of_path(path), "no weights in this folder: expected model.safetensors"));
    folder.write("best.pth", file);
    CHECK(message_of_path(path) == "accepted");
    folder.write("last.pth", file);
    const std::string several = message_of_path(path);
    CHECK(contains(several, path + ": 2 weight files in this folder: name one of them: "));
    CHECK((contains(several, "best.pth") && contains(several, "last.pth") && contains(several, ", ") && !contains(several, "training")));
    CHECK(message_of_path(path + "/last.pth") == "accepted");
    folder.remove("best.pth");
    folder.remove("last.pth");
    fs::create_directories(folder.path / "runs");
    fs::create_directories(folder.path / "checkpoint-500");
    CHECK(message_of_path(path) ==
          path + ": no weights in this folder, but checkpoints in its subfolders, such as " + path + "/checkpoint-500");
    fs::remove(folder.path / "checkpoint-500");
    fs::create_directories(folder.path / "snapshots" / "4f2a");
    CHECK(message_of_path(path) == path + ": this is a cache folder of the Hub; its weights are in " + path + "/snapshots/4f2a");
    CHECK(message_of_path("microsoft/cvt-13") ==
          "microsoft/cvt-13: no such file or folder; to fetch the Hub's model of that name, run `git clone "
          "https://huggingface.co/microsoft/cvt-13` (with git-lfs)");
    CHECK(message_of_path("runs/best.pth") == "runs/best.pth: cannot open: No such file or directory");
}

TEST_CASE("open: files that are not checkpoints", "[open]") {
    const std::pair<std::string, std::string> files[]{{"<!DOCTYPE html><html>", "an HTML page, not the weights"},
                                                      {"\n\n <html lang", "an HTML page"},
                                                      {"<?xml version", "an XML document"},
                                                      {"\x1F\x8B\x08.........", "a gzip file"},
                                                      {"GGUF\3.......", "a GGUF file"},
                                                      {"\x08\x07\x12\x07pytorch....", "an ONNX model"},
                                                      {"\x08\x0A\x12\x07pytorch....", "an ONNX model"},
                                                      {"\x08\x02\x12\x07pytorch....", "begins with bytes 08 02 12 07"},
                                                      {"\x89HDF\r\n\x1A\n....", "an HDF5 file"},
                                                      {"Entry not found", "a text that begins with \"Entry not\""},
                                                      {"AUG:\n  COLOR: 1\n", "a text that begins with \"AUG:?  CO\""},
                                                      {"MODEL:\n  SPEC:", "a YAML configuration"},
                                                      {"{\"depth\": [1]}", "a JSON file"},
                                                      {"\x93NUMPY......", "a .npy array"}};
    for (const auto& [bytes, part] : files) {
        CAPTURE(part);
        CHECK(contains(message(bytes), part));
    }
}

TEST_CASE("open: sets of weights with any prefix", "[open]") {
    using names = std::vector<std::pair<std::string, std::function<std::string(const std::string&)>>>;
    const auto file = [](const names& sets, bool other = false) {
        safetensors_writer w;
        for (const auto& [prefix, rename] : sets)  // clang++ 14 captures such names only explicitly
            cvt::network::for_each_tensor(tiny(), [&, &prefix = prefix, &rename = rename](const cvt::network::tensor_info& t) {
                const std::string renamed = rename(t.name);
                if (!renamed.empty()) w.add(prefix + renamed, t.extents(), cvt_test::formula_tensor(t.name, t.extents(), seed));
            });
        if (other) w.add("criterion.weight", extents{7}, std::vector<float>(7));
        return w.bytes();
    };
    const auto encoder = [](const std::string& n) { return n.starts_with("head.") ? "" : n; };
    for (const char* prefix :
         {"model.", "net.", "backbone.", "encoder.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module.", "a.b/c."}) {
        CAPTURE(prefix);
        const ck::checkpoint_source o = from_memory(file({{prefix, same}}), {.config = tiny()});
        CHECK(o.style.prefix == prefix);
        check_formula(o);
        check_formula(from_memory(file({{prefix, hf}}), {.config = tiny()}));
    }
    const ck::checkpoint_source beside = from_memory(file({{"model.", same}}, true), {.config = tiny()});
    CHECK(std::string(beside.warnings.text[0]) == "1 tensor beside the model is not used: criterion.weight");
    CHECK(std::string(beside.info.stripped) == "model.");

    // A single whole model is taken; among several the caller chooses.
    const ck::checkpoint_source one = from_memory(file({{"a/", encoder}, {"b/", same}}), {.config = tiny(), .weights_key = "b"});
    CHECK(one.style.prefix == "b/");
    CHECK(std::string(one.info.weights_path) == "b");
    const auto part = [](const std::string& n) { return n.starts_with("stage0.") ? n : ""; };
    CHECK(from_memory(file({{"a/", part}, {"b/", same}}), {.config = tiny()}).style.prefix == "b/");
    const std::string two = file({{"student/", same}, {"teacher/module.", same}});
    CHECK(message(two, {.config = tiny()}) ==
          "2 sets of weights are whole models: student (110 tensors, 5770 parameters), teacher/module (110 tensors, 5770 parameters): "
          "choose one with weights_key (classify: --weights-key)");
    for (const char* key : {"teacher", "teacher/", "teacher/module", "teacher/module."})
        CHECK(from_memory(two, {.config = tiny(), .weights_key = key}).style.prefix == "teacher/module.");
    for (const char* key : {"teach", ".", "", "teacher/modul"})
        CHECK(contains(message(two, {.config = tiny(), .weights_key = key}), "; the checkpoint has student, teacher/module"));
    // A model without a head is a candidate only where none has a head.
    const std::string with_encoder = file({{"a/", encoder}, {"b/", same}, {"c/module.", encoder}});
    const ck::checkpoint_source headed = from_memory(with_encoder, {.config = tiny()});
    CHECK(headed.style.prefix == "b/");
    CHECK(headed.config.num_classes == 10);
    REQUIRE(headed.warnings.count == 1);
    CHECK(
        std::string(headed.warnings.text[0]) ==
        "weights without a head are not used: a (108 tensors, 5640 parameters), c/module (108 tensors, 5640 parameters); choose them with "
        "weights_key");
    check_formula(headed);
    CHECK(from_memory(with_encoder, {.config = tiny(), .weights_key = "a"}).config.num_classes == 0);
    CHECK(contains(message(with_encoder, {.config = tiny(), .weights_key = "."}), "the checkpoint has a, b, c/module"));
    CHECK(contains(message(file({{"a/", encoder}, {"b/", encoder}}), {.config = tiny()}),
                   "2 sets of weights are models without a head: a (108 tensors, 5640 parameters), b ("));
    CHECK(contains(message(file({{"a/", encoder}, {"b/", same}, {"c/", same}}), {.config = tiny()}),
                   "2 sets of weights are whole models: b (110 tensors, 5770 parameters), c ("));
    // In one flat dictionary, too: the head of a set is not that of the encoder beside it.
    for (const auto& names_of : {std::function<std::string(const std::string&)>{same}, {hf}}) {
        const auto encoder_of = [&](const std::string& n) { return encoder(n).empty() ? "" : names_of(n); };
        for (const char* prefix : {"", "model."}) {
            CAPTURE(prefix);
            const std::string flat = file({{prefix, names_of}, {"ema.", encoder_of}});
            const ck::checkpoint_source own = from_memory(flat, {.config = tiny()});
            CHECK(own.style.prefix == prefix);
            CHECK(own.config.num_classes == 10);
            CHECK(from_memory(flat, {.config = tiny(), .weights_key = "ema"}).config.num_classes == 0);
        }
    }

    const std::string top = file({{"", same}, {"ema.", same}});
    CHECK(from_memory(top, {.config = tiny(), .weights_key = "."}).style.prefix.empty());
    CHECK(contains(message(file({{"a/", part}, {"b/", part}}), {.config = tiny()}),
                   "none of 2 sets of weights is a whole model; the nearest, a: tensors do not fit the configuration ("));
    std::string many;
    names sets;
    for (int i = 0; i < 65; ++i) sets.emplace_back(std::to_string(i) + "/", part);
    CHECK(message(file(sets), {.config = tiny()}) == "the checkpoint holds more than 64 sets of weights");
}

TEST_CASE("open: keys that a config.json lacks are named where the tensors contradict what is assumed", "[open]") {
    const std::string file = weights(tiny(), hf);
    const auto with = [&](const std::string& members) { return message(file, {}, R"({"model_type": "cvt", )" + members + "}"); };
    const auto refused = [](const std::string& key, const std::string& assumed, const std::string& found) {
        return Catch::StartsWith("config.json lacks " + key + " (assumed " + assumed + ", found " + found +
                                 ") | tensors do not fit the configuration (");
    };
    CHECK_THAT(with(R"("num_heads": [1, 2, 3], "depth": [1, 1, 1])"), refused("embed_dim", "[64, 192, 384]", "[4, 8, 12]"));
    CHECK_THAT(with(R"("embed_dim": [4, 8, 12], "num_heads": [1, 2, 3])"), refused("depth", "[1, 2, 10]", "[1, 1, 1]"));
    CHECK_THAT(with(R"("num_channels": 3)"),
               Catch::StartsWith("config.json lacks embed_dim (assumed [64, 192, 384], found [4, 8, 12]), depth (assumed [1, 2, 10], found "
                                 "[1, 1, 1]) | tensors do not fit"));
    CHECK(with(R"("embed_dim": [4, 8, 12], "depth": [1, 1, 1])") ==
          "config.json: stage 1: num_heads: expected a divisor of embed_dim 8, found 3; missing, so that CvT-13's values are assumed: "
          "num_heads [1, 3, 6]");
    cvt::config other = tiny();
    for (cvt::stage_config& stage : other.stage) {
        stage.mlp_ratio = 2.5;
        stage.qkv_bias = false;
        stage.patch_size = 5;
        stage.kernel_qkv = 5;
        stage.padding_q = 2;
    }
    other.stage[2].cls_token = false;
    const auto with_other = [&](const std::string& members) {
        return message(weights(other, hf), {}, tiny_json + R"(, "padding_q": [2, 2, 2])" + members + "}");
    };
    const std::string ratio = R"(, "mlp_ratio": [2.5, 2.5, 2.5])", bias = R"(, "qkv_bias": [false, false, false])",
                      patch = R"(, "patch_sizes": [5, 5, 5])", cls = R"(, "cls_token": [false, false, false])",
                      kernel = R"(, "kernel_qkv": [5, 5, 5])";
    CHECK(with_other(ratio + bias + patch + cls + kernel) == "accepted");
    CHECK_THAT(with_other(bias + patch + cls + kernel), refused("mlp_ratio", "[4.0, 4.0, 4.0]", "[2.5, 2.5, 2.5]"));
    CHECK_THAT(with_other(ratio + patch + cls + kernel), refused("qkv_bias", "[true, true, true]", "[false, false, false]"));
    CHECK_THAT(with_other(ratio + bias + cls + kernel), refused("patch_sizes", "[7, 3, 3]", "[5, 5, 5]"));
    CHECK_THAT(with_other(ratio + bias + patch + kernel),
               Catch::StartsWith("config.json lacks cls_token (assumed [false, false, true], found [false, false, false]) | "));
    other.stage[1].qkv_projection = cvt::projection::linear;
    CHECK_THAT(with_other(ratio + bias + patch + cls + kernel),
               refused("qkv_projection_method", R"(["dw_bn", "dw_bn", "dw_bn"])", "no convolutions"));
    // Keys that the file has are not blamed, nor those whose assumed values are right, nor a config.json that is not used.
    CHECK_THAT(with(R"("embed_dim": [4, 8, 16], "num_heads": [1, 2, 4], "depth": [1, 1, 1])"),
               Catch::StartsWith("tensors do not fit the configuration ("));
    CHECK_THAT(message(file, {.config = cvt::cvt_13}, R"({"depth": [1, 2, 10]})"),
               Catch::StartsWith("tensors do not fit the configuration ("));
}

TEST_CASE("open: assumed values that no tensor shows are a warning", "[open]") {
    const std::string file = weights(tiny(), hf);
    const std::string rest = R"(, "mlp_ratio": [4, 4, 4], "patch_sizes": [7, 3, 3], "qkv_bias": [true, true, true],
        "cls_token": [false, false, true], "kernel_qkv": [3, 3, 3], "qkv_projection_method": ["dw_bn", "dw_bn", "dw_bn"],
        "padding_q": [1, 1, 1], "stride_q": [1, 1, 1])";
    const ck::checkpoint_source whole = from_memory(file, {}, tiny_json + rest + "}");
    CHECK(whole.warnings.count == 0);
    CHECK(std::string(whole.info.assumed).empty());
    const std::string stride = R"(, "stride_kv": [2, 2, 2])";
    std::string without = tiny_json + rest + "}";
    without.erase(without.find(stride), stride.size());
    const ck::checkpoint_source lacking = from_memory(file, {}, without);
    REQUIRE(lacking.warnings.count == 1);
    CHECK(std::string(lacking.warnings.text[0]) == "config.json lacks keys, for which CvT-13's values are assumed: stride_kv [2, 2, 2]");
    CHECK(std::string(lacking.info.assumed) == "stride_kv [2, 2, 2]");
    const std::string seen = tiny_json + rest.substr(rest.find(", \"patch_sizes")) + "}";
    CHECK(from_memory(file, {}, seen).warnings.count == 0);  // the tensors agree with mlp_ratio
    CHECK(std::string(from_memory(file, {}, seen).info.assumed) == "mlp_ratio [4.0, 4.0, 4.0]");
    const ck::checkpoint_source unused = from_memory(file, {.config = tiny()}, without);
    CHECK(unused.warnings.count == 0);
    CHECK(std::string(unused.info.assumed).empty());
    const ck::checkpoint_source published = from_memory(weights(cvt::cvt_13, hf), {}, R"({"model_type": "cvt"})");
    CHECK(published.warnings.count == 0);  // there is no other model with these stages
    CHECK_THAT(published.info.assumed, Catch::StartsWith("embed_dim [64, 192, 384], num_heads"));
}

TEST_CASE("open: the caller's config.json overrides the checkpoint's", "[open]") {
    const std::string file = weights(tiny(), same);
    const auto read = [](const std::string& text, bool ignore_labels = false) {
        cvt::result<ck::hf_config> r = ck::read_hf_config(text, "mine.json", ignore_labels);
        INFO(r.error().what());
        REQUIRE(r);
        return *std::move(r);
    };
    const auto ids = [](int count) {
        std::string map;
        for (int i = 0; i < count; ++i) map += (i == 0 ? "\"" : ", \"") + std::to_string(i) + "\": \"mine " + std::to_string(i) + "\"";
        return R"(, "id2label": {)" + map + "}";
    };
    const ck::hf_config whole =
        read(tiny_json + R"(, "hidden_act": "gelu", "problem_type": "regression", "image_size": 96)" + ids(10) + "}");
    ck::checkpoint_source o = from_memory(file, {.config_file = &whole});
    CHECK(std::string(o.info.config_from) == "given by the caller");
    CHECK(o.config.gelu == cvt::gelu::erf);
    CHECK(std::string(o.info.gelu_from) == "given by the caller");
    CHECK(o.info.scores == cvt::scoring::value);
    CHECK(o.preprocessing.resize_height == 96);
    CHECK(std::string(o.info.size_from) == "image_size given by the caller");
    CHECK(std::string(o.labels[9]) == "mine 9");
    check_formula(o);
    o = from_memory(file, {.config_file = &whole, .gelu = cvt::gelu::quick, .scores = cvt::scoring::sigmoid, .ignore_labels = true});
    CHECK(o.config.gelu == cvt::gelu::quick);
    CHECK(o.info.scores == cvt::scoring::sigmoid);
    CHECK(o.labels.empty());

    // What it lacks is the checkpoint's, except the keys of the configuration.
    const std::string beside =
        R"({"model_type": "cvt", "hidden_act": "gelu", "problem_type": "regression", "image_size": 96)" + ids(10) + "}";
    const ck::hf_config bare = read(tiny_json + "}");
    o = from_memory(file, {.config_file = &bare}, beside);
    CHECK(o.config.gelu == cvt::gelu::erf);
    CHECK(std::string(o.info.gelu_from) == "hidden_act in config.json");
    CHECK(o.info.scores == cvt::scoring::value);
    CHECK(std::string(o.info.size_from) == "image_size in config.json");
    CHECK(std::string(o.labels[9]) == "mine 9");
    check_formula(o);

    // Messages name it.
    const ck::hf_config other = read(R"({"embed_dim": [4, 8, 12], "num_heads": [1, 2, 3])" + ids(2) + "}");
    CHECK_THAT(message(file, {.config_file = &other}),
               Catch::StartsWith("mine.json lacks depth (assumed [1, 2, 10], found [1, 1, 1]) | tensors do not fit the configuration ("));
    const std::string stride = R"(, "stride_kv": [2, 2, 2])";
    std::string lacking = tiny_json + ids(2) + "}";
    lacking.erase(lacking.find(stride), stride.size());
    const ck::hf_config guessed = read(lacking);
    o = from_memory(file, {.config_file = &guessed}, tiny_json + "}");
    REQUIRE(o.warnings.count == 2);
    CHECK_THAT(o.warnings.text[0], Catch::StartsWith("mine.json lacks keys, for which CvT-13's values are assumed: mlp_ratio "));
    CHECK_THAT(o.info.assumed, Catch::Contains("stride_kv [2, 2, 2]"));
    CHECK_THAT(o.warnings.text[1], Catch::StartsWith("mine.json: id2label has 2 labels but the head has 10 classes; "));
    CHECK(message(file, {.config = tiny(), .config_file = &other}) == "accepted");
}

TEST_CASE("open: heads with other names", "[open]") {
    const auto named = [](const std::string& prefix, const std::string& weight, const std::string& bias) {
        return weights(tiny(), [=](const std::string& n) { return n == "head.weight" ? weight : n == "head.bias" ? bias : prefix + n; });
    };
    for (const char* name : {"fc", "classifier.1", "head.0", "x"}) {
        CAPTURE(name);
        const std::string stem = name;
        const ck::checkpoint_source o = from_memory(named("backbone.", stem + ".weight", stem + ".bias"), {.config = tiny()});
        CHECK(o.config.num_classes == 10);
        REQUIRE(o.warnings.count == 1);
        CHECK(std::string(o.warnings.text[0]) == "head.weight is missing: " + stem + ".weight is used as the head");
        check_formula(o);
    }
    // A head in a dictionary beside that of the model; not one of two, and none of another model.
    const ck::checkpoint_source outside = from_memory(named("encoder/", "classifier/weight", "classifier/bias"), {.config = tiny()});
    CHECK(outside.config.num_classes == 10);
    CHECK(std::string(outside.warnings.text[0]) == "head.weight is missing: classifier/weight is used as the head");
    check_formula(outside);
    CHECK(from_memory(named("encoder/", "a/b/weight", "a/b/bias"), {.config = tiny()}).config.num_classes == 0);
    CHECK(from_memory(named("a/encoder/", "classifier/weight", "classifier/bias"), {.config = tiny()}).config.num_classes == 0);
    // Tensors that are not a head are named as unused.
    const ck::checkpoint_source encoder = from_memory(named("", "fc.weight", "fc.b"), {.config = tiny()});
    CHECK(encoder.config.num_classes == 0);
    REQUIRE(encoder.warnings.count == 2);
    CHECK(std::string(encoder.warnings.text[0]) == "2 tensors beside the model are not used: fc.weight; fc.b");
    CHECK(contains(encoder.warnings.text[1], "embeddings only"));
}

TEST_CASE("open: precedence of the activation", "[open]") {
    const std::string official = weights(tiny(), same), port = weights(tiny(), hf);
    const std::string plain = tiny_json + "}", quick = tiny_json + R"(, "hidden_act": "quick_gelu"})",
                      erf = tiny_json + R"(, "hidden_act": "gelu"})";
    const auto check = [](const ck::checkpoint_source& o, cvt::gelu expected, const char* from) {
        CHECK(o.config.gelu == expected);
        CHECK(std::string(o.info.gelu_from) == from);
        CHECK(o.info.gelu_guessed == (o.info.gelu_from == std::string{"naming of the tensors"}));
    };
    using cvt::gelu;
    check(from_memory(official, {}, plain), gelu::quick, "naming of the tensors");
    check(from_memory(port, {}, plain), gelu::erf, "naming of the tensors");
    check(from_memory(official, {}, erf), gelu::erf, "hidden_act in config.json");
    check(from_memory(port, {}, quick), gelu::quick, "hidden_act in config.json");
    check(from_memory(port, {.gelu = gelu::erf}, quick), gelu::erf, "given by the caller");
    check(from_memory(port, {.gelu = gelu::quick}, plain), gelu::quick, "given by the caller");
    cvt::config said_erf = tiny();
    said_erf.gelu = gelu::erf;
    check(from_memory(official, {.config = said_erf}), gelu::erf, "given by the caller");
    check(from_memory(official, {.config = said_erf, .gelu = gelu::quick}), gelu::quick, "given by the caller");
    check(from_memory(port, {.config = tiny()}), gelu::erf, "naming of the tensors");
}

TEST_CASE("open: precedence of the input size", "[open]") {
    const std::string file = weights(tiny(), same), plain = tiny_json + "}", sized = tiny_json + R"(, "image_size": 384})";
    using rule = cvt::preprocessing::resize_rule;
    ck::checkpoint_source o = from_memory(file, {}, plain);
    CHECK(std::string(o.info.size_from) == "default");
    CHECK(o.preprocessing.crop_height == 224);
    o = from_memory(file, {}, sized);
    CHECK(std::string(o.info.size_from) == "image_size in config.json");
    CHECK(o.preprocessing.resize == rule::warp);
    CHECK(o.preprocessing.resize_height == 384);
    o = from_memory(file, {}, sized, R"({"size": 224})");  // like microsoft/cvt-13-384-22k
    CHECK(std::string(o.info.size_from) == "preprocessor_config.json");
    CHECK(o.preprocessing.resize == rule::short_side);
    CHECK(o.preprocessing.crop_height == 224);
    CHECK(o.info.config_image_size == 384);
    // A caller's own wins, and the file need not be readable.
    cvt::preprocessing own = cvt::preprocessing::for_size(96);
    own.resample = cvt::resampling::box;
    o = from_memory(file, {.preprocessing = own}, sized, "{");
    CHECK(std::string(o.info.size_from) == "given by the caller");
    CHECK(o.preprocessing.crop_height == 96);
    CHECK(o.preprocessing.resample == cvt::resampling::box);
    CHECK(message(file, {}, plain, "{") ==
          "preprocessor_config.json: JSON line 1, byte 1: expected a key in quotes, found the end of the text");
}

TEST_CASE("open: published variants are recognised by their shapes", "[open]") {
    // All tensors share the same bytes, which the system does not allocate until they are touched. The file is large enough for
    // W24, because a model must not be much larger than its file.
    constexpr std::size_t size = std::size_t{1} << 28;
    const std::unique_ptr<void, void (*)(void*)> memory{std::calloc(size, 1), std::free};
    REQUIRE(memory != nullptr);
    const std::span<const std::byte> zeros{static_cast<const std::byte*>(memory.get()), size};
    const auto resolved = [&](const cvt::config& c, auto rename) {
        ck::checkpoint_files files;
        REQUIRE(files.tensors.add_source(ck::byte_source::from_memory(zeros)));
        cvt::network::for_each_tensor(c, [&](const cvt::network::tensor_info& t) {
            const char* const name = t.name;
            const std::span<const std::int64_t> dims = t.extents();
            ck::tensor_entry e;
            e.type = ck::dtype::f16;
            e.rank = static_cast<std::uint8_t>(dims.size());
            std::copy(dims.begin(), dims.end(), e.shape);
            e.set_contiguous();
            const cvt::error failed = files.tensors.add(rename(name), e);
            INFO(failed.what());
            REQUIRE_FALSE(failed);
        });
        return must_open(ck::resolve(std::move(files)));
    };
    struct variant {
        const char* name;
        cvt::config config;
        int size;
    };
    for (variant v : {variant{"CvT-13", cvt::cvt_13, 224}, variant{"CvT-21", cvt::cvt_21, 224}, variant{"CvT-W24", cvt::cvt_w24, 384}}) {
        CAPTURE(v.name);
        ck::checkpoint_source o = resolved(v.config, same);
        CHECK(o.config == v.config);
        CHECK(std::string(o.info.variant) == v.name);
        CHECK(std::string(o.info.config_from) == "recognised from tensor shapes");
        CHECK(o.preprocessing.crop_height == v.size);
        v.config.num_channels = 1;
        v.config.num_classes = 37;
        v.config.gelu = cvt::gelu::erf;
        o = resolved(v.config, hf);
        CHECK(o.config == v.config);
        CHECK(std::string(o.info.variant) == v.name);
        v.config.num_classes = 0;
        CHECK(resolved(v.config, hf).config == v.config);
    }
    // One channel, official names and no head: ProtoCLR, which was trained with the exact GELU.
    cvt::config protoclr = cvt::cvt_13;
    protoclr.num_channels = 1;
    protoclr.num_classes = 0;
    protoclr.gelu = cvt::gelu::erf;
    ck::checkpoint_source o = resolved(protoclr, same);
    CHECK(o.config == protoclr);
    CHECK(std::string(o.info.variant) == "ProtoCLR");
    CHECK(std::string(o.info.gelu_from) == "that of ProtoCLR");
    CHECK(o.preprocessing.resize_height == 128);
    CHECK(o.preprocessing.resize_width == 301);
    REQUIRE(o.spectrogram);
    CHECK(*o.spectrogram == cvt::protoclr);
    CHECK(o.warnings.count == 0);
    CHECK(std::string(resolved(protoclr, hf).info.variant) == "CvT-13");
    // One of its files has its head beside the model.
    protoclr.num_classes = 7;
    o = resolved(protoclr, [](const std::string& n) { return n.starts_with("head.") ? "classifier/" + n.substr(5) : "encoder/" + n; });
    CHECK(o.config == protoclr);
    CHECK(std::string(o.info.variant) == "ProtoCLR");
    REQUIRE(o.warnings.count == 1);
    CHECK(std::string(o.warnings.text[0]) == "head.weight is missing: classifier/weight is used as the head");
    // With a head inside the model, it may be any other model of one channel: the activation is a guess, and is said to be one.
    o = resolved(protoclr, same);
    CHECK(std::string(o.info.variant) == "CvT-13");
    CHECK(o.config.gelu == cvt::gelu::quick);
    REQUIRE(o.warnings.count == 1);
    CHECK(std::string(o.warnings.text[0]) ==
          "the activation is a guess, quick GELU: the model has 1 input channel and no hidden_act in a config.json");
}

TEST_CASE("open: the number of channels is that of the tensors where the configuration does not give it", "[open]") {
    cvt::config grey = tiny();
    grey.num_channels = 1;
    const std::string file = weights(grey, same);
    cvt::config any = grey;
    any.num_channels = 0;
    CHECK(from_memory(file, {.config = any}).config.num_channels == 1);
    CHECK(from_memory(file, {}, tiny_json + "}").config.num_channels == 1);
    CHECK(message(file, {}, tiny_json + R"(, "num_channels": 3})") ==
          "stage0.patch_embed.proj.weight: expected [4, 3, 7, 7], file has [4, 1, 7, 7]");
    CHECK(message(file, {.config = tiny()}) == "stage0.patch_embed.proj.weight: expected [4, 3, 7, 7], file has [4, 1, 7, 7]");
}

TEST_CASE("open: other models need a configuration", "[open]") {
    const std::string needs =
        "tensors: expected the shapes of CvT-13, CvT-21 or CvT-W24, found widths 4, 8, 12 and depths 1, 1, 1: any other model needs its "
        "configuration, from a config.json or from the caller";
    CHECK(message(weights(tiny(), same)) == needs);
    CHECK(message(weights(tiny(), hf)) == needs);
    safetensors_writer resnet;
    resnet.add("conv1.weight", extents{1, 1}, std::vector<float>{1});
    resnet.add("fc.bias", extents{1}, std::vector<float>{1});
    CHECK(message(resnet.bytes()) ==
          "not a CvT: neither stage0.patch_embed.proj.weight (official) nor its name in transformers is among the 2 tensors "
          "(conv1.weight, fc.bias)");
    CHECK(message(resnet.bytes(), {.weights_key = "model"}) ==
          "weights_key: no weights of a CvT are called model; the checkpoint has none among its tensors: conv1.weight, fc.bias");
    safetensors_writer larger = resnet;
    for (const char* more : {"fc.weight", R"(layer1.\u001b[2J)", "layer1.1.weight"}) larger.add(more, extents{1}, std::vector<float>{1});
    CHECK_THAT(message(larger.bytes()), Catch::EndsWith("among the 5 tensors (conv1.weight, fc.bias, fc.weight, layer1.?[2J, ...)"));
    CHECK_THAT(message(larger.bytes(), {.weights_key = "model"}), Catch::EndsWith("conv1.weight, fc.bias, fc.weight, layer1.?[2J, ..."));
    CHECK(message(resnet.bytes(), {.config = tiny()}) ==
          "tensors do not fit the configuration (106 missing, 2 unexpected) | missing: stage0.patch_embed.proj.weight; "
          "stage0.patch_embed.proj.bias; stage0.patch_embed.norm.weight; ... | unexpected: conv1.weight; fc.bias");
    CHECK(message(cvt_test::raw_safetensors("{}")) == "the checkpoint holds no tensors");
    CHECK(message("") == "0 bytes are too few for a checkpoint");
    CHECK(message("\x98\x87") == "2 bytes are too few for a checkpoint");  // must not read past its end
    CHECK(message("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n") ==
          "a git-lfs pointer, not the weights: run `git lfs pull` in its folder to fetch them");
    CHECK(message("\x89PNG\r\n\x1A\n-------") == "neither safetensors nor a PyTorch checkpoint: begins with bytes 89 50 4E 47");
}

TEST_CASE("open: tensors that contradict the configuration", "[open]") {
    const std::string file = weights(tiny(), same);
    const auto given = [&](auto change) {
        cvt::config c = tiny();
        change(c);
        return message(file, {.config = c});
    };
    CHECK(given([](cvt::config& c) { c.num_channels = 1; }) ==
          "stage0.patch_embed.proj.weight: expected [4, 1, 7, 7], file has [4, 3, 7, 7]");
    CHECK(given([](cvt::config& c) { c.stage[1].mlp_ratio = 2; }) ==
          "tensors do not fit the configuration (3 mismatched) | mismatched: stage1.blocks.0.mlp.fc1.weight: expected [16, 8], "
          "file has [32, 8]; stage1.blocks.0.mlp.fc1.bias: expected [16], file has [32]; ...");
    CHECK(given([](cvt::config& c) { c.stage[2].cls_token = false; }) ==
          "tensors do not fit the configuration (1 unexpected) | unexpected: stage2.cls_token");
    CHECK(given([](cvt::config& c) { c.stage[0].depth = 2; }) ==
          "tensors do not fit the configuration (31 missing) | missing: stage0.blocks.1.norm1.weight; stage0.blocks.1.norm1.bias; "
          "stage0.blocks.1.attn.conv_proj_q.conv.weight; ...");
    CHECK(contains(given([](cvt::config& c) { c.stage[0].embed_dim = 6; }), "(36 mismatched)"));
    CHECK(contains(given([](cvt::config& c) { c.stage[0].num_heads = 3; }), "stage 0: num_heads: expected a divisor of embed_dim 4"));
    CHECK(message(file, {}, R"({"embed_dim": [4, 8, 12], "num_heads": [1, 2, 3], "depth": [1, 1, 1], "qkv_bias": [true, true, false]})") ==
          "tensors do not fit the configuration (3 unexpected) | unexpected: stage2.blocks.0.attn.proj_q.bias; "
          "stage2.blocks.0.attn.proj_k.bias; stage2.blocks.0.attn.proj_v.bias");
    // Tensors that the configuration does not have are shown with their names in the file.
    CHECK(contains(
        message(weights(tiny(), [](const std::string& n) { return n == "head.bias" ? "classifier.b" : hf(n); }), {.config = tiny()}),
        "(1 missing, 1 unexpected) | missing: head.bias | unexpected: classifier.b"));
}

TEST_CASE("open: integer tensors are ignored, unless they are in place of a weight", "[open]") {
    const auto with = [](const char* replaced, const char* extra, const char* dtype, std::size_t width) {
        safetensors_writer w;
        cvt::network::for_each_tensor(tiny(), [&](const cvt::network::tensor_info& t) {
            const char* const name = t.name;
            const std::span<const std::int64_t> dims = t.extents();
            const std::vector<float> values = cvt_test::formula_tensor(name, dims, seed);
            if (std::string(name) == replaced)
                w.add(name, dtype, dims, std::string(values.size() * width, '\1'));
            else
                w.add(name, dims, values);
        });
        w.add(extra, dtype, extents{}, std::string(width, '\1'));
        return w.bytes();
    };
    const char* const counter = "stage0.blocks.0.attn.conv_proj_q.bn.num_batches_tracked";
    check_formula(from_memory(with("", counter, "I64", 8), {.config = tiny()}));
    check_formula(from_memory(with("", counter, "F32", 4), {.config = tiny()}));
    check_formula(from_memory(with("", "mask", "BOOL", 1), {.config = tiny()}));
    const ck::checkpoint_source beside = from_memory(with("", "scale", "F32", 4), {.config = tiny()});
    REQUIRE(beside.warnings.count == 1);
    CHECK(beside.warnings.text[0] == std::string("1 tensor beside the model is not used: scale"));
    CHECK(message(with("head.bias", counter, "I64", 8), {.config = tiny()}) ==
          "head.bias: expected floating-point values, file has integers");
    CHECK(contains(message(with("head.bias", "x", "F8_E5M2", 1), {.config = tiny()}),
                   "head.bias: dtype: expected F32, F16, BF16 or F64, found F8_E5M2"));
}

TEST_CASE("open: a safetensors file may begin with the bytes of a pickle or a zip", "[open]") {
    safetensors_writer w;
    cvt::network::for_each_tensor(tiny(), [&](const cvt::network::tensor_info& t) {
        const char* const name = t.name;
        const std::span<const std::int64_t> dims = t.extents();
        w.add(name, dims, cvt_test::formula_tensor(name, dims, seed));
    });
    const std::string plain = w.bytes();
    const std::size_t header = plain.find("}}") + 2 - 8;
    for (const std::size_t padded : {std::size_t{0x40280}, std::size_t{0x14B50}}) {  // lengths 80 02 04 ... and 50 4B 01 ...
        REQUIRE(padded > header);
        const std::string data = plain.substr(8 + (header + 7) / 8 * 8);
        const std::string file = cvt_test::raw_safetensors(plain.substr(8, header) + std::string(padded - header, ' '), data);
        const ck::checkpoint_source o = from_memory(file, {.config = tiny()});
        CHECK(std::string(o.info.container) == "safetensors");
        check_formula(o);
    }
}

TEST_CASE("open: read() returns only tensors that were checked", "[open]") {
    const std::string file = weights(tiny(), hf);
    const ck::checkpoint_source o = from_memory(file, {.config = tiny()});
    std::vector<float> out(144);
    CHECK_FALSE(o.read("head.bias", extents{10}, out.data()));
    CHECK(o.read("head.bias", extents{5, 2}, out.data()).what() == std::string("head.bias: expected [5, 2], file has [10]"));
    CHECK(o.read("head.other", extents{10}, out.data()).what() == std::string("head.other: not in the checkpoint"));
    CHECK(o.read("classifier.bias", extents{10}, out.data()).code() == cvt::errc::mismatch);
}

TEST_CASE("open: folders", "[open]") {
    const scratch_folder folder;
    const std::string path = folder.path.string();
    CHECK(message_of_path("") == "the path of the checkpoint is empty");
    CHECK(ck::open(nullptr).error().code() == cvt::errc::invalid_argument);
    CHECK(message_of_path("no/such/path") == "no/such/path: cannot open: No such file or directory");
    CHECK(message_of_path(path) ==
          path + ": no weights in this folder: expected model.safetensors or pytorch_model.bin, or their index.json");
    folder.write("pytorch_model.bin", "garbage, and some more");
    CHECK(message_of_path(path) ==
          path + "/pytorch_model.bin: neither safetensors nor a PyTorch checkpoint: a text that begins with \"garbage, \"");
    const std::string file = weights(tiny(), hf);
    folder.write("model.safetensors", file);  // has precedence over the other
    CHECK(contains(message_of_path(path), path + ": tensors: expected the shapes of CvT-13, CvT-21 or CvT-W24"));
    CHECK(message_of_path(path, {.config = tiny()}) == "accepted");
    folder.write("config.json", "");
    CHECK(message_of_path(path) == path + "/config.json: the file is empty");
    folder.write("config.json", tiny_json);
    CHECK(contains(message_of_path(path), path + ": config.json: JSON line 1"));
    folder.write("config.json", tiny_json + R"(, "id2label": {"0": "x"}})");
    CHECK(message_of_path(path) == "accepted");
    folder.write("config.json", tiny_json + "}");
    const ck::checkpoint_source o = must_open(ck::open((path + "/").c_str()));
    CHECK(std::string(o.info.size_from) == "default");
    check_formula(o);
    folder.write("preprocessor_config.json", R"({"size": {"height": 96, "width": 96}})");
    CHECK(must_open(ck::open(path.c_str())).preprocessing.resize_width == 96);
    folder.write("preprocessor_config.json", R"({"size": "big"})");
    CHECK(contains(message_of_path(path), path + ": preprocessor_config.json: size: expected"));
    // A single file uses the JSON files of its folder, unless the caller gives a configuration.
    CHECK(contains(message_of_path(path + "/model.safetensors"), "preprocessor_config.json: size: expected"));
    folder.write("preprocessor_config.json", R"({"size": {"height": 96, "width": 96}})");
    const ck::checkpoint_source beside = must_open(ck::open((path + "/model.safetensors").c_str()));
    CHECK(std::string(beside.info.config_from) == "config.json beside the file");
    CHECK(std::string(beside.info.size_from) == "preprocessor_config.json beside the file");
    CHECK(beside.preprocessing.resize_width == 96);
    check_formula(beside);
    folder.write("config.json", "no JSON");
    CHECK(must_open(ck::open((path + "/model.safetensors").c_str(), {.config = tiny()})).preprocessing.resize_width == 96);
    folder.write("model.safetensors", file.substr(0, file.size() - 1));
    CHECK(contains(message_of_path(path), path + "/model.safetensors: classifier.bias: its data ends at byte"));
    folder.write("model.safetensors", "");
    CHECK(message_of_path(path) == path + "/model.safetensors: the file is empty");
}

TEST_CASE("open: shards", "[open]") {
    const scratch_folder folder;
    const std::string path = folder.path.string(), index = path + "/model.safetensors.index.json";
    const auto half = [](bool first) {
        return weights(tiny(), [=](const std::string& n) { return n.starts_with("stage0.") == first ? hf(n) : ""; });
    };
    std::string map;
    cvt::network::for_each_tensor(tiny(), [&](const cvt::network::tensor_info& t) {
        const char* const name = t.name;
        map +=
            (map.empty() ? "\"" : ",\"") + hf(name) + "\":\"" + (std::string(name).starts_with("stage0.") ? "a" : "b") + ".safetensors\"";
    });
    const auto with_map = [&](const std::string& entries) {
        folder.write("model.safetensors.index.json", R"({"metadata": {"total_size": 1}, "weight_map": {)" + entries + "}}");
        return message_of_path(path);
    };
    folder.write("a.safetensors", half(true));
    folder.write("b.safetensors", half(false));
    folder.write("config.json", tiny_json + "}");
    CHECK(with_map(map) == "accepted");
    const ck::checkpoint_source o = must_open(ck::open(path.c_str()));
    CHECK(o.tensors.sources() == 2);
    CHECK(std::string(o.info.container) == "safetensors, sharded");
    check_formula(o);

    CHECK(with_map(map + R"(,"extra":"a.safetensors")") ==
          index + ": weight_map: extra: the shard a.safetensors does not contain this tensor");
    CHECK(with_map(map + R"(,"x":"c.safetensors")") == path + "/c.safetensors: cannot open: No such file or directory");
    for (const char* name : {"../a.safetensors", "/etc/passwd", "..", ".", "", "sub/a.safetensors", "C:a", "..\\\\a", "a\\u0000b"}) {
        CAPTURE(name);
        CHECK(contains(with_map(map + R"(,"x":")" + name + "\""), "weight_map: x: expected the name of a file in this folder, found"));
    }
    CHECK(contains(with_map(map + ",\"x\":1"), "weight_map: x: expected the name of a file in this folder"));
    CHECK(with_map("") == index + ": weight_map: expected an object that maps tensor names to file names");
    std::string names;
    for (int i = 0; i <= 131072; ++i) names += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":\"a.safetensors\"";
    CHECK(with_map(names) == index + ": weight_map: more than 131072 tensors");
    folder.write("model.safetensors.index.json", "[]");
    CHECK(message_of_path(path) == index + ": weight_map: expected an object that maps tensor names to file names");
    folder.write("model.safetensors.index.json", "{");
    CHECK(contains(message_of_path(path), index + ": JSON line 1"));
    folder.write("b.safetensors", weights(tiny(), hf));
    CHECK(contains(with_map(map),
                   "/b.safetensors: cvt.encoder.stages.0.embedding.convolution_embeddings.projection.weight: the name occurs twice"));
}

TEST_CASE("open: a preprocessor_config.json for sounds", "[open]") {
    cvt::config grey = tiny();
    grey.num_channels = 1;
    const std::string file = weights(grey, same), plain = tiny_json + R"(, "num_channels": 1})";
    ck::json_writer json{ck::json_writer::layout::one_line};
    cvt::spectrogram rules = cvt::protoclr;
    rules.mels = 64;
    REQUIRE_FALSE(write_hf_spectrogram(rules, json));
    const std::string text{json.text()};
    ck::checkpoint_source o = from_memory(file, {}, plain, text);
    REQUIRE(o.spectrogram);
    CHECK(*o.spectrogram == rules);
    CHECK(std::string(o.info.size_from) == "preprocessor_config.json");
    CHECK(o.preprocessing.resize_height == 64);
    CHECK(o.preprocessing.resize_width == 301);
    o = from_memory(file, {.spectrogram = cvt::protoclr}, plain, "{");
    CHECK(*o.spectrogram == cvt::protoclr);
    CHECK(std::string(o.info.size_from) == "given by the caller");
    CHECK(message(weights(tiny(), same), {}, tiny_json + "}", text) == "spectrograms have 1 channel, the model takes 3");
    CHECK(message(weights(tiny(), same), {.spectrogram = rules}, tiny_json + "}") == "spectrograms have 1 channel, the model takes 3");
    rules.rate = 0;
    CHECK(message(file, {.spectrogram = rules}, plain) == "spectrogram.rate: expected 100 to 1000000, found 0");
    CHECK(message(file, {}, plain, R"({"feature_extractor_type": "ClapFeatureExtractor", "sampling_rate": 48000})") ==
          "preprocessor_config.json: feature_extractor_type: expected \"CvtSpectrogram\", found \"ClapFeatureExtractor\"");
    CHECK_FALSE(from_memory(file, {}, plain).spectrogram);
}
