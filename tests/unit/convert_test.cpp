// convert: every container and configuration to a Hugging Face folder and back; output that cannot be written, and the cleanup after it.
#include <cvt/convert.hpp>
#include <cvt/network/tensor_list.hpp>
#include <cvt/verify.hpp>

#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "support/cases.hpp"
#include "support/checkpoints.hpp"
#include "support/json.hpp"
#include "support/temporary_folder.hpp"
#include "support/text_files.hpp"
#include "support/tiny_config.hpp"

using namespace cvt_test;
namespace ck = cvt::checkpoint;
namespace fs = std::filesystem;

namespace {

const std::string data = CVT_TEST_DATA "/torch/";

ck::checkpoint_source must_open(const std::string& path, const cvt::load_options& options = {}) {
    auto o = ck::open(path.c_str(), options);
    INFO(o.error().what());
    REQUIRE(o);
    return *std::move(o);
}

cvt::conversion converted(const std::string& from, const std::string& to, const cvt::convert_options& options = {}) {
    const auto done = cvt::convert(from.c_str(), to.c_str(), options);
    INFO(done.error().what());
    REQUIRE(done);
    return *done;
}

std::string refused(const std::string& from, const std::string& to, const cvt::convert_options& options = {}) {
    const auto done = cvt::convert(from.c_str(), to.c_str(), options);
    return done ? "accepted" : done.error().what();
}

double verified(const std::string& folder) {
    const auto model = cvt::model::load(folder.c_str());
    INFO(model.error().what());
    REQUIRE(model);
    const auto v = cvt::verify(*model);
    INFO(v.error().what());
    REQUIRE(v);
    CHECK(v->good());
    return v->difference;
}

nlohmann::json read_json(const std::string& path) { return parse_json(read_file(path)); }

/// Returns the header of a safetensors file, parsed by nlohmann-json.
nlohmann::json read_header(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    std::uint64_t length = 0;
    file.read(reinterpret_cast<char*>(&length), sizeof length);
    CHECK(length % 8 == 0);
    std::string text(static_cast<std::size_t>(length), '\0');
    file.read(text.data(), static_cast<std::streamsize>(length));
    return parse_json(text);
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("convert: every container and element type, bit for bit", "[convert]") {
    const temporary_folder folder;
    for (const std::string name :
         {"tiny-official.pth", "tiny-official-legacy.pth", "tiny-official-nested.pth", "tiny-official-ddp.pth", "tiny-official-views.pth",
          "tiny-official-f16.pth", "tiny-official-bf16.pth", "tiny-encoder.pth", "tiny-hf", "tiny-hf-sharded", "../checkpoint/tiny-hf"}) {
        INFO(name);
        cvt::load_options options;
        if (name.ends_with(".pth")) options.config = tiny();
        const std::string out = folder / std::to_string(std::hash<std::string>{}(name));
        CHECK(converted(data + name, out, {.load = options}).self_test);
        const ck::checkpoint_source before = must_open(data + name, options), after = must_open(out);
        CHECK(after.config == before.config);
        CHECK(after.preprocessing.short_side == 256);
        CHECK(after.labels.size() == before.labels.size());
        CHECK(tensors_that_differ(before, after) == 0);
        CHECK(verified(out) == 0);
        // A converted folder converts to the same file again.
        converted(out, out + "-again");
        CHECK(read_header(out + "/model.safetensors") == read_header(out + "-again/model.safetensors"));
    }
}

TEST_CASE("convert: the names, shapes and counters that transformers writes", "[convert]") {
    const temporary_folder folder;
    const cvt::conversion done = converted(data + "tiny-official.pth", folder / "out", {.load = {.config = tiny()}});
    nlohmann::json header = read_header(folder / "out/model.safetensors");
    CHECK(header["__metadata__"]["format"] == "pt");
    header.erase("__metadata__");
    CHECK(header.size() == done.tensors);

    const nlohmann::json expected = read_header(CVT_TEST_DATA "/checkpoint/tiny-hf/model.safetensors");
    std::size_t weights = 0, counters = 0;
    for (const auto& [name, entry] : header.items()) {
        INFO(name);
        const std::size_t begin = entry["data_offsets"][0];
        if (name.ends_with("num_batches_tracked")) {
            CHECK(entry["dtype"] == "I64");
            CHECK(entry["shape"].empty());
            CHECK(begin % 8 == 0);
            ++counters;
            continue;
        }
        ++weights;
        CHECK(begin % 4 == 0);
        CHECK(entry["dtype"] == "F32");
        CHECK(entry["shape"] == expected.value(name, nlohmann::json{})["shape"]);
    }
    CHECK(counters == 9);
    std::size_t every = 0;
    for (const auto& [name, entry] : expected.items()) every += name != "__metadata__" && !name.ends_with("num_batches_tracked") ? 1U : 0U;
    CHECK(weights == every);
    std::int64_t steps[9]{};
    std::ifstream file{folder / "out/model.safetensors", std::ios::binary};
    file.seekg(-static_cast<std::streamoff>(done.weight_bytes), std::ios::end);
    file.read(reinterpret_cast<char*>(steps), sizeof steps);
    for (const std::int64_t s : steps) CHECK(s == 123);

    const nlohmann::json config = read_json(folder / "out/config.json");
    CHECK(config["architectures"][0] == "CvtForImageClassification");
    CHECK(config["hidden_act"] == "quick_gelu");
    CHECK(config["num_labels"] == 10);
    CHECK(config["image_size"] == 224);
}

TEST_CASE("convert: F16 rounds to nearest even, and refuses values out of its range", "[convert]") {
    const temporary_folder folder;
    converted(data + "tiny-hf", folder / "out", {.weights = cvt::weight_type::float16});
    CHECK(read_header(folder / "out/model.safetensors")["layernorm.weight"]["dtype"] == "F16");
    CHECK(read_json(folder / "out/config.json")["torch_dtype"] == "float16");
    const ck::checkpoint_source before = must_open(data + "tiny-hf"), after = must_open(folder / "out");
    int wrong = 0;
    cvt::network::for_each_tensor(before.config, [&](const cvt::network::tensor_info& t) {
        const char* const name = t.name;
        const std::span<const std::int64_t> shape = t.extents();
        std::vector<float> values = read_tensor(before, name, shape);
        for (float& v : values) v = ck::f16_to_float(ck::float_to_f16(v));
        wrong += values == read_tensor(after, name, shape) ? 0 : 1;
    });
    CHECK(wrong == 0);
    CHECK(verified(folder / "out") == 0);

    safetensors_writer large;
    cvt::network::for_each_tensor(tiny(), [&](const cvt::network::tensor_info& t) {
        const char* const name = t.name;
        const std::span<const std::int64_t> shape = t.extents();
        std::vector<float> values = formula_tensor(name, shape);
        if (std::string{name} == "norm.bias") values[3] = -65520.F;
        large.add(name, shape, values);
    });
    REQUIRE(write_file(folder / "large.safetensors", large.bytes()));
    CHECK(contains(refused(folder / "large.safetensors", folder / "no", {.load = {.config = tiny()}, .weights = cvt::weight_type::float16}),
                   "norm.bias: -65520 does not fit F16"));
    CHECK_FALSE(fs::exists(folder / "no"));
}

TEST_CASE("convert: every option of the configuration", "[convert]") {
    const temporary_folder folder;
    for (const golden_case& c : read_cases(CVT_TEST_DATA "/golden/small.cases")) {
        INFO(c.name);
        REQUIRE(write_file(folder / "in.safetensors", formula_file(c.config, c.seed)));
        const cvt::load_options options{.config = c.config, .gelu = c.config.gelu};
        const std::string out = folder / c.name;
        CHECK(converted(folder / "in.safetensors", out, {.load = options, .preprocessing = cvt::preprocessing::for_size(64)}).self_test);
        const ck::checkpoint_source before = must_open(folder / "in.safetensors", options), after = must_open(out);
        CHECK(after.config == ck::without_unused(c.config));
        CHECK(tensors_that_differ(before, after) == 0);
        CHECK(verified(out) == 0);
        CHECK(read_json(out + "/config.json")["architectures"][0] == "CvtForImageClassification");
        fs::remove_all(out);
    }
    // transformers' CvtModel: no head, no final norm, no "cvt." prefix.
    cvt::config bare = tiny();
    bare.num_classes = 0;
    bare.final_norm = false;
    REQUIRE(write_file(folder / "bare.safetensors", formula_file(bare)));
    converted(folder / "bare.safetensors", folder / "bare", {.load = {.config = bare}});
    CHECK(must_open(folder / "bare").config == bare);
    CHECK(read_header(folder / "bare/model.safetensors").contains("encoder.stages.2.cls_token"));
    CHECK(verified(folder / "bare") == 0);
    CHECK(read_json(folder / "bare/config.json")["architectures"][0] == "CvtModel");
    // With a final norm, it is transformers' classifier without classes: CvtModel would drop the norm.
    bare.final_norm = true;
    REQUIRE(write_file(folder / "norm.safetensors", formula_file(bare)));
    converted(folder / "norm.safetensors", folder / "norm", {.load = {.config = bare}});
    CHECK(must_open(folder / "norm").config == bare);
    const nlohmann::json norm = read_json(folder / "norm/config.json");
    CHECK(norm["architectures"][0] == "CvtForImageClassification");
    CHECK(norm["id2label"] == nlohmann::json::object());
    CHECK(read_header(folder / "norm/model.safetensors").contains("layernorm.weight"));
    CHECK(verified(folder / "norm") == 0);
    CHECK(fs::exists(folder / "norm/preprocessor_config.json"));
}

TEST_CASE("convert: a model of one channel gets no photo preprocessing, and its self-test has the size of its inputs", "[convert]") {
    const temporary_folder folder;
    cvt::config c = tiny();
    c.num_channels = 1;
    REQUIRE(write_file(folder / "grey.safetensors", formula_file(c)));
    cvt::preprocessing p;
    p.center_crop = false;
    p.resize = cvt::preprocessing::resize_rule::warp;
    p.resize_height = 32;
    p.resize_width = 75;
    converted(folder / "grey.safetensors", folder / "grey", {.load = {.config = c}, .preprocessing = p});
    CHECK_FALSE(fs::exists(folder / "grey/preprocessor_config.json"));
    CHECK_FALSE(read_json(folder / "grey/config.json").contains("image_size"));
    const auto model = cvt::model::load((folder / "grey").c_str());
    REQUIRE(model);
    const auto v = cvt::verify(*model);
    REQUIRE(v);
    CHECK(v->good());
    CHECK(v->height == 32);
    CHECK(v->width == 75);
    CHECK(model->config().num_channels == 1);
    CHECK_FALSE(model->spectrogram());

    // The rules for sounds travel with the model, and give the size of its inputs.
    cvt::spectrogram rules = cvt::protoclr;
    rules.mels = 40;
    rules.length = 16000;
    converted(folder / "grey.safetensors", folder / "sounds", {.load = {.config = c, .spectrogram = rules}});
    const auto sounds = cvt::model::load((folder / "sounds").c_str());
    REQUIRE(sounds);
    REQUIRE(sounds->spectrogram());
    CHECK(*sounds->spectrogram() == rules);
    CHECK(cvt::verify(*sounds)->height == 40);
    CHECK(cvt::verify(*sounds)->width == 51);
    CHECK(read_json(folder / "sounds/preprocessor_config.json")["feature_extractor_type"] == "CvtSpectrogram");
    CHECK_FALSE(read_json(folder / "sounds/config.json").contains("image_size"));
    converted(folder / "sounds", folder / "again");
    CHECK(*must_open(folder / "again").spectrogram == rules);
}

TEST_CASE("convert: weights without finite outputs get no self-test", "[convert]") {
    const temporary_folder folder;
    safetensors_writer w;
    cvt::network::for_each_tensor(tiny(), [&](const cvt::network::tensor_info& t) {
        const char* const name = t.name;
        const std::span<const std::int64_t> shape = t.extents();
        std::vector<float> values = formula_tensor(name, shape);
        if (std::string{name} == "head.bias") values[1] = NAN;
        w.add(name, shape, values);
    });
    REQUIRE(write_file(folder / "nan.safetensors", w.bytes()));
    const cvt::conversion done = converted(folder / "nan.safetensors", folder / "out", {.load = {.config = tiny()}});
    CHECK_FALSE(done.self_test);
    CHECK(done.warnings.count == 1);
    CHECK(std::string{done.warnings.text[0]} == "head.bias: 1 of 10 values are NaN or infinite");
    CHECK(tensors_that_differ(must_open(folder / "nan.safetensors", {.config = tiny()}), must_open(folder / "out")) == 0);
    CHECK_FALSE(read_header(folder / "out/model.safetensors")["__metadata__"].contains("cvt.self_test"));
}

TEST_CASE("convert: an open checkpoint gives the same files as its path", "[convert]") {
    const temporary_folder folder;
    converted(data + "tiny-official.pth", folder / "path", {.load = {.config = tiny()}});
    const ck::checkpoint_source source = must_open(data + "tiny-official.pth", {.config = tiny()});
    const auto done = cvt::convert(source, (folder / "open").c_str());
    INFO(done.error().what());
    REQUIRE(done);
    CHECK(done->self_test);
    CHECK(done->warnings.count == 0);
    for (const char* name : {"/config.json", "/preprocessor_config.json", "/model.safetensors"})
        CHECK(read_file(folder / "path" + name) == read_file(folder / "open" + name));
}

TEST_CASE("convert: labels and preprocessing from the caller", "[convert]") {
    const temporary_folder folder;
    const char* labels[]{"tench", "a \"crane\"", "back\\slash", "Z\xC3\xBCrich", "tab\there", "crane", "crane", "", "9", "\x7F"};
    converted(data + "tiny-hf", folder / "out", {.preprocessing = cvt::preprocessing::for_size(384), .labels = labels});
    const ck::checkpoint_source after = must_open(folder / "out");
    const nlohmann::json config = read_json(folder / "out/config.json");
    for (int i = 0; i < 10; ++i) {
        CHECK(std::string{after.labels[i]} == labels[i]);
        CHECK(config["id2label"][std::to_string(i)] == labels[i]);
    }
    CHECK(config["label2id"].size() == 9);
    CHECK(config["label2id"]["crane"] == 6);
    CHECK(config["image_size"] == 384);
    CHECK(after.preprocessing.resize == cvt::preprocessing::resize_rule::warp);
    CHECK(after.preprocessing.resize_width == 384);
    CHECK(verified(folder / "out") == 0);

    CHECK(contains(refused(data + "tiny-hf", folder / "no", {.labels = std::span{labels}.first(9)}), "labels: expected 10"));
    labels[3] = "Z\xFCrich";
    CHECK(contains(refused(data + "tiny-hf", folder / "no", {.labels = labels}), "valid UTF-8"));
    CHECK_FALSE(fs::exists(folder / "no"));
}

TEST_CASE("convert: never overwrites files, and leaves no partial output", "[convert]") {
    const temporary_folder folder;
    REQUIRE(write_file(folder / "file", "kept"));
    CHECK(contains(refused(data + "tiny-hf", folder / "file"), "expected a new or empty folder, found something else"));
    CHECK(contains(refused(data + "tiny-hf", ""), "the path of the new folder is empty"));
    CHECK(cvt::convert((data + "tiny-hf").c_str(), nullptr).error().code() == cvt::errc::invalid_argument);
    CHECK(contains(refused(data + "tiny-hf", folder / "file/out"), "cannot make the folder: Not a directory"));
    CHECK(contains(refused(data + "tiny-hf", folder / "no/such/out"), "cannot make the folder: No such file"));
    fs::create_directory(folder / "used");
    REQUIRE(write_file(folder / "used/notes.txt", "kept"));
    CHECK(contains(refused(data + "tiny-hf", folder / "used"), "expected a new or empty folder, found files in it"));
    CHECK(contains(refused(folder / "nowhere", folder / "out"), "nowhere"));
    CHECK_FALSE(fs::exists(folder / "out"));
    fs::create_directory(folder / "empty");
    converted(data + "tiny-hf", folder / "empty");

    // The system refuses files beyond this size, like a full disk.
    const auto limit_files = [](rlim_t bytes) {
        rlimit limit{};
        getrlimit(RLIMIT_FSIZE, &limit);
        limit.rlim_cur = bytes;
        return setrlimit(RLIMIT_FSIZE, &limit) == 0;
    };
    std::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(limit_files(16384));
    const std::string message = refused(data + "tiny-hf", folder / "full");
    rlimit limit{};
    getrlimit(RLIMIT_FSIZE, &limit);
    REQUIRE(limit_files(limit.rlim_max));
    CHECK(contains(message, "full/model.safetensors.part: cannot write: File too large"));
    CHECK_FALSE(fs::exists(folder / "full"));
}

TEST_CASE("convert: a new head on the same encoder", "[convert]") {
    const temporary_folder folder;
    const std::vector<float> weights(std::size_t{3} * 12, 0.25F), bias{1, 2, 3};
    const char* const labels[]{"a", "b", "c"};
    cvt::convert_options options;
    options.head = cvt::head_view{weights, bias};
    options.labels = labels;
    converted(data + "tiny-hf", folder / "out", options);
    const ck::checkpoint_source before = must_open(data + "tiny-hf"), after = must_open(folder / "out");
    CHECK(after.config.num_classes == 3);
    CHECK(std::string{after.labels[2]} == "c");
    CHECK(verified(folder / "out") == 0);
    const std::int64_t of_weights[]{3, 12}, of_bias[]{3};
    CHECK(read_tensor(after, "head.weight", of_weights) == weights);
    CHECK(read_tensor(after, "head.bias", of_bias) == bias);
    int wrong = 0;
    cvt::network::for_each_tensor(before.config, [&](const cvt::network::tensor_info& t) {
        if (!std::string_view{t.name}.starts_with("head."))
            wrong += read_tensor(before, t.name, t.extents()) == read_tensor(after, t.name, t.extents()) ? 0 : 1;
    });
    CHECK(wrong == 0);

    // Without labels, those of the old head are not kept; on a checkpoint without a head it is the first one.
    options.labels = {};
    converted(data + "tiny-hf", folder / "unnamed", options);
    CHECK(std::string{must_open(folder / "unnamed").labels[0]} != std::string{before.labels[0]});
    cvt::config bare = tiny();
    bare.num_classes = 0;
    REQUIRE(write_file(folder / "bare.safetensors", formula_file(bare)));
    options.load.config = bare;
    converted(folder / "bare.safetensors", folder / "first", options);
    CHECK(must_open(folder / "first").config.num_classes == 3);
    bare.final_norm = false;
    REQUIRE(write_file(folder / "model.safetensors", formula_file(bare)));
    options.load.config = bare;
    CHECK(contains(refused(folder / "model.safetensors", folder / "no", options), "has no final norm"));

    options.load.config = {};
    options.head = cvt::head_view{weights, std::span{bias}.first(2)};
    CHECK(contains(refused(data + "tiny-hf", folder / "no", options), "head: expected 12 weights for each of 2 classes, found 36 weights"));
    const std::vector<float> infinite{1, 2, INFINITY};
    options.head = cvt::head_view{weights, infinite};
    CHECK(contains(refused(data + "tiny-hf", folder / "no", options), "head: a weight is not a finite number"));
    options.head = cvt::head_view{weights, bias};
    options.labels = std::span{labels}.first(2);
    CHECK(contains(refused(data + "tiny-hf", folder / "no", options), "label"));
    CHECK_FALSE(fs::exists(folder / "no"));
}
