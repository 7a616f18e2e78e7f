// Models: the embedded one, folders, single files, models without a head; --info; models that cannot be loaded.
#include <cvt/extra/npy.hpp>
#include <cvt/image/preprocessing.hpp>
#include <functional>

#include "classify.hpp"
#include "pictures.hpp"
#include "support/safetensors_writer.hpp"

using namespace cvt_test;

namespace {

const std::string weights = CVT_WEIGHTS;

// Copies the built-in model's tensors; the hook changes each, or drops it if it returns false.
void rewrite_model(const std::string& target, const std::function<bool(const std::string& name, json& shape, std::string& data)>& change) {
    const std::string file = read_file(weights + "/model.safetensors");
    std::uint64_t size = 0;
    std::memcpy(&size, file.data(), sizeof size);
    const auto length = static_cast<std::size_t>(size);
    const json header = parse_json(file.substr(8, length));
    safetensors_writer out;
    for (const auto& [name, entry] : header.items()) {
        if (name == "__metadata__") continue;
        const std::size_t begin = entry["data_offsets"][0], end = entry["data_offsets"][1];
        std::string data = file.substr(8 + length + begin, end - begin);
        json shape = entry["shape"];
        if (change(name, shape, data)) out.add(name, entry["dtype"].get<std::string>(), shape.get<std::vector<std::int64_t>>(), data);
    }
    REQUIRE(write_file(target, out.bytes()));
}

json top_of(const std::vector<std::string>& arguments) {
    std::vector<std::string> all{"--format", "jsonl"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const outcome o = classify(all);
    INFO(o.err);
    REQUIRE(o.code == 0);
    return o.records().at(0)["top"];
}

std::string copy_folder(const temporary_folder& folder) {
    const std::string copy = folder / "model";
    std::filesystem::create_directory(copy);
    for (const char* name : {"model.safetensors", "config.json", "preprocessor_config.json"})
        std::filesystem::copy_file(weights + "/" + name, copy + "/" + name);
    return copy;
}

}  // namespace

TEST_CASE("the built-in model is the folder weights/, and needs no file", "[cli]") {
    const temporary_folder folder;
    write_png(folder / "a.png");
    const outcome embedded = classify({"--format", "jsonl", "a.png"}, {}, folder.path().c_str());
    CHECK(embedded.code == 0);
    CHECK(embedded.err.empty());
    CHECK(embedded.records().at(0)["top"] == top_of({"--model", weights, folder / "a.png"}));
}

TEST_CASE("a single file with --config is the same model", "[cli]") {
    const temporary_folder folder;
    const std::string photo = write_png(folder / "a.png"), lone = weights + "/model.safetensors", config = weights + "/config.json";
    CHECK(top_of({"--model", lone, "--config", config, "--preprocessor", weights + "/preprocessor_config.json", photo}) == top_of({photo}));
    const outcome info = classify({"--model", lone, "--config", config, "--info"});
    CHECK(info.out.find("3 x 80 x 80: preprocessor_config.json beside the file") != std::string::npos);
    CHECK(info.out.find("with labels") != std::string::npos);
    // Without --config, the config.json beside the file is read; without that, loading fails.
    CHECK(top_of({"--model", lone, photo}) == top_of({photo}));
    REQUIRE(write_file(folder / "alone.safetensors", read_file(lone)));
    const outcome without = classify({"--model", folder / "alone.safetensors", photo});
    CHECK(without.code == 3);
    CHECK(without.out.empty());
}

TEST_CASE("a --config with the labels of another head is used without them", "[cli]") {
    const temporary_folder folder;
    const std::string photo = write_png(folder / "a.png");
    json stale = parse_json(read_file(weights + "/config.json"));
    stale["id2label"]["219"] = "one more class";
    REQUIRE(write_file(folder / "stale.json", stale.dump()));
    REQUIRE(write_file(folder / "alone.safetensors", read_file(weights + "/model.safetensors")));
    const outcome shown = classify({"--model", folder / "alone.safetensors", "--config", folder / "stale.json", photo});
    CHECK(shown.code == 0);
    CHECK(shown.err.find("--config: " + folder / "stale.json" +
                         ": id2label has 220 labels but the head has 219 classes; the labels are ignored") != std::string::npos);
    CHECK(shown.out.find("LABEL_") != std::string::npos);
}

TEST_CASE("keys that a --config lacks are named in --info, in a warning and in the error that they cause", "[cli]") {
    const temporary_folder folder;
    const json whole = parse_json(read_file(weights + "/config.json"));
    REQUIRE(write_file(folder / "alone.safetensors", read_file(weights + "/model.safetensors")));
    const auto without = [&](const char* key) {
        json lacking = whole;
        REQUIRE(lacking.erase(key) == 1);
        REQUIRE(write_file(folder / "lacking.json", lacking.dump()));
        return classify({"--model", folder / "alone.safetensors", "--config", folder / "lacking.json", "--info"});
    };
    const std::string named = "--config: " + folder / "lacking.json" + " lacks ";
    const outcome stride = without("stride_kv"), ratio = without("mlp_ratio"), width = without("embed_dim"), depth = without("depth");
    CHECK(stride.code == 0);
    CHECK(stride.err == "classify: warning: " + named + "keys, for which CvT-13's values are assumed: stride_kv [2, 2, 2]\n");
    CHECK(stride.out.find("(keys that it lacks, with the values assumed: stride_kv [2, 2, 2])\n") != std::string::npos);
    CHECK(ratio.err.empty());  // the tensors agree with it
    CHECK(ratio.out.find("the values assumed: mlp_ratio [4.0, 4.0, 4.0])\n") != std::string::npos);
    CHECK(width.code == 3);
    const std::string refused = "classify: " + folder / "alone.safetensors" + ": " + named;
    CHECK(width.err.find(refused + "embed_dim (assumed [64, 192, 384], found [32, 96, 192]) | tensors do not fit") == 0);
    CHECK(depth.code == 3);
    CHECK(depth.err.find(refused + "depth (assumed [1, 2, 10], found [1, 2, 4]) | tensors do not fit") == 0);
    // The same for a config.json beside the weights.
    REQUIRE(std::filesystem::copy_file(folder / "lacking.json", folder / "config.json"));
    const outcome beside = classify({"--model", folder / "alone.safetensors", "--info"});
    CHECK(beside.code == 3);
    CHECK(beside.err.find(": config.json lacks depth (assumed [1, 2, 10], found [1, 2, 4]) | ") != std::string::npos);
}

TEST_CASE("--gelu, --labels and preprocessing options reach the model", "[cli]") {
    const temporary_folder folder;
    const std::string photo = write_jpeg(folder / "a.jpg", 120, 80, 4);
    const json usual = top_of({photo});
    CHECK(top_of({"--gelu", "quick", photo}) == usual);
    CHECK(top_of({"--gelu", "erf", photo}) != usual);
    CHECK(top_of({"--resize", "crop", photo}) == usual);
    CHECK(top_of({"--resize", "warp", photo}) != usual);
    CHECK(top_of({"--size", std::to_string(input_side), photo}) == usual);
    CHECK(top_of({"--size", "128", photo}) != usual);

    std::ofstream labels{folder / "labels.txt"};
    for (int i = 0; i < class_count; ++i) labels << "class no. " << i << "\r\n";
    labels.close();
    for (const json& entry : top_of({"--labels", folder / "labels.txt", photo}))
        CHECK(entry["label"] == "class no. " + std::to_string(entry["index"].get<int>()));
}

TEST_CASE("--size changes the size of the input by the model's own rule", "[cli]") {
    const temporary_folder folder;
    const std::string photo = write_png(folder / "a.png"), out = folder / "i.npy";
    const auto side = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.end(), {"--dump-input", out, photo});
        const outcome o = classify(arguments);
        INFO(o.err);
        REQUIRE(o.code == 0);
        const auto input = cvt::read_npy(out.c_str());
        REQUIRE(input);
        CHECK(input->shape[2] == input->shape[3]);
        return input->shape[2];
    };
    CHECK(side({}) == input_side);
    CHECK(side({"--size", "96"}) == 96);
    CHECK(side({"--size", "96", "--resize", "crop"}) == 96);
    CHECK(side({"--resize", "crop", "--crop", "hf"}) == input_side);

    // int(160 / 0.875) is 182 and int(224 / 0.875) is 256, but 224 * 182 / 160 is 254.
    const std::string model = copy_folder(folder);
    const auto resizing = [&](const std::string& preprocessor, const std::string& size) {
        REQUIRE(write_file(model + "/preprocessor_config.json", preprocessor));
        return classify({"--model", model, "--size", size, "--info"}).out;
    };
    CHECK(resizing(R"({"size": 160})", "224").find("short side to 256, centre crop 224 x 224") != std::string::npos);
    CHECK(resizing(R"({"size": 160, "crop_pct": 1.0})", "224").find("short side to 224, centre crop 224 x 224") != std::string::npos);
    CHECK(resizing(R"({"size": 200, "crop_size": 160})", "224").find("short side to 280, centre crop 224 x 224") != std::string::npos);
}

TEST_CASE("--resample, --mean, --std and --preprocessor reach the pixels", "[cli]") {
    const temporary_folder folder;
    const std::string photo = write_jpeg(folder / "a.jpg", 400, 300, 4), file = folder / "p.json";
    const auto input = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.end(), {"--dump-input", folder / "i.npy", photo});
        const outcome o = classify(arguments);
        INFO(o.err);
        REQUIRE(o.code == 0);
        const auto read = cvt::read_npy((folder / "i.npy").c_str());
        REQUIRE(read);
        return std::vector<float>(read->values.begin(), read->values.end());
    };
    const std::vector<float> usual = input({});
    CHECK((input({"--resample", "bicubic"}) == usual));
    CHECK((input({"--mean", "0.485,0.456,0.406", "--std", "0.229,0.224,0.225"}) == usual));
    std::vector<std::vector<float>> filtered{usual};
    for (const char* filter : {"nearest", "lanczos", "bilinear", "box", "hamming"}) {
        filtered.push_back(input({"--resample", filter}));
        for (std::size_t i = 0; i + 1 < filtered.size(); ++i) CHECK((filtered[i] != filtered.back()));
        REQUIRE(write_file(file, std::string{R"({"size": 80, "crop_pct": 1.0, "resample": ")"} + filter + "\"}"));
        CHECK((input({"--preprocessor", file}) == filtered.back()));
        CHECK((input({"--preprocessor", file, "--resample", "bicubic"}) == usual));
    }
    const std::vector<float> centred = input({"--mean=0.5", "--std", "0.5,0.5,0.5"}), plain = input({"--mean", "0", "--std", "1"});
    for (std::size_t i = 0; i < plain.size(); ++i) {
        if (centred[i] != (plain[i] - 0.5F) / 0.5F) FAIL_CHECK("value " << i);
    }

    // In place of the folder's own, also where that cannot be read; --size and the rest change it further.
    const std::string model = copy_folder(folder);
    REQUIRE(write_file(model + "/preprocessor_config.json", R"({"image_processor_type": "MobileViTImageProcessor"})"));
    const outcome refused = classify({"--model", model, photo});
    CHECK(refused.code == 3);
    CHECK(refused.err.find("image_processor_type: expected the class of ConvNext") != std::string::npos);
    CHECK((input({"--model", model, "--preprocessor", weights + "/preprocessor_config.json"}) == usual));
    REQUIRE(write_file(file, R"({"image_processor_type": "ViTImageProcessor", "size": 80, "resample": 2, "do_rescale": false,
                                 "do_normalize": false})"));
    const std::vector<float> raw = input({"--model", model, "--preprocessor", file}),
                             warped = input({"--resize", "warp", "--resample", "bilinear"});
    REQUIRE(raw.size() == usual.size());
    for (std::size_t i = 0; i < raw.size(); i += 97) {
        const std::size_t c = i / (std::size_t{input_side} * input_side);
        CHECK(raw[i] == Approx(255 * (warped[i] * cvt::preprocessing{}.std[c] + cvt::preprocessing{}.mean[c])).margin(1e-3));
    }
    const std::string described = classify({"--model", model, "--preprocessor", file, "--info"}).out;
    CHECK(described.find("3 x 80 x 80: --preprocessor\n") != std::string::npos);
    CHECK(described.find("warped to 80 x 80 (bilinear), times 1\n") != std::string::npos);
    CHECK((input({"--model", model, "--preprocessor", file, "--size", "64"}).size() == std::size_t{3} * 64 * 64));
    const outcome half = classify({"--model", model, "--preprocessor", file, "--mean", "1", photo});
    CHECK(half.code == 2);
    CHECK(half.err.find("not normalised: give both") != std::string::npos);
    REQUIRE(write_file(file, R"({"do_resize": false})"));
    CHECK(classify({"--preprocessor", file, "--resample", "box", photo}).err.find("--resample: this model's images are not resized") !=
          std::string::npos);
}

TEST_CASE("--input needs no preprocessing, and none that could be read", "[cli]") {
    const temporary_folder folder;
    const std::string photo = write_png(folder / "a.png"), x = folder / "x.npy", model = copy_folder(folder);
    REQUIRE(classify({"--dump-input", x, photo}).code == 0);
    const json expected = top_of({"--input", x});
    for (const char* text : {R"({"image_processor_type": "MobileViTImageProcessor"})", R"({"resample": "mitchell"})", "not JSON"}) {
        REQUIRE(write_file(model + "/preprocessor_config.json", text));
        CHECK(classify({"--model", model, photo}).code == 3);
        CHECK(top_of({"--model", model, "--input", x}) == expected);
    }
}

TEST_CASE("--labels takes the place of labels in config.json, which is not warned of", "[cli]") {
    const temporary_folder folder;
    const std::string photo = write_png(folder / "a.png"), model = copy_folder(folder), labels = folder / "labels.txt";
    json config = parse_json(read_file(weights + "/config.json"));
    std::string names = "\xEF\xBB\xBF";
    for (int i = 0; i < class_count; ++i) names += "class no. " + std::to_string(i) + "\n";
    REQUIRE(write_file(labels, names + "\r\n\n"));  // blank lines at the end are ignored
    for (const json& stale : {json{{"0", "a"}, {"1", "b"}}, json{{"0", "a"}, {"2", "b"}}}) {
        config["id2label"] = stale;
        REQUIRE(write_file(model + "/config.json", config.dump()));
        const outcome without = classify({"--model", model, photo});
        CHECK(without.err.find("id2label") != std::string::npos);
        const outcome with = classify({"--model", model, "--labels", labels, "--format", "jsonl", photo});
        CHECK(with.code == 0);
        CHECK(with.err.empty());
        const json record = with.records().at(0);
        for (const json& entry : record["top"]) CHECK(entry["label"] == "class no. " + std::to_string(entry["index"].get<int>()));
        const std::string out = folder / ("out" + std::to_string(stale.contains("1") ? 1 : 2));
        const outcome converted = classify({"--model", model, "--labels", labels, "--convert", out});
        CHECK(converted.code == 0);
        CHECK(converted.err.find("warning") == std::string::npos);
        CHECK(parse_json(read_file(out + "/config.json"))["id2label"]["9"] == "class no. 9");
    }
}

TEST_CASE("--orient and --crop reach the pixels", "[cli]") {
    const temporary_folder folder;
    const auto input = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.end(), {"--dump-input", folder / "i.npy"});
        REQUIRE(classify(arguments).code == 0);
        const auto file = cvt::read_npy((folder / "i.npy").c_str());
        REQUIRE(file);
        return std::vector<float>(file->values.begin(), file->values.end());
    };
    const std::string turned = CVT_TEST_DATA "/preprocessing/exif6.png";
    CHECK(input({turned}) == input({"--orient", "exif", turned}));
    CHECK(input({turned}) != input({"--orient", "ignore", turned}));
    // 110 pixels of 125: torchvision begins at round(7.5) = 8, transformers at 15 // 2 = 7.
    const std::string photo = write_png(folder / "a.png"), rule = folder / "official.json";
    REQUIRE(write_file(rule, R"({"size": 110})"));
    const auto official = input({"--preprocessor", rule, photo});
    CHECK(official == input({"--preprocessor", rule, "--crop", "official", photo}));
    CHECK(official != input({"--preprocessor", rule, "--crop", "hf", photo}));
}

TEST_CASE("a model that neither crops nor warps takes images as they are", "[cli]") {
    const temporary_folder folder;
    const std::string model = copy_folder(folder);
    json preprocessor = parse_json(read_file(model + "/preprocessor_config.json"));
    preprocessor["do_resize"] = false;
    preprocessor["do_center_crop"] = false;
    REQUIRE(write_file(model + "/preprocessor_config.json", preprocessor.dump()));
    std::vector<std::string> arguments{"--model", model, "--format", "csv", "--top-k", "999", "--logits", folder / "l.npy"};
    for (int i = 0; i < 5; ++i) arguments.push_back(write_png(folder / (std::to_string(i) + ".png"), 60 + i / 2, 47, i));
    REQUIRE(classify(arguments).code == 0);
    const std::string one_by_one = read_file(folder / "l.npy");
    arguments.insert(arguments.end(), {"--batch", "4"});  // 2 + 2 + 1: a batch has one size
    REQUIRE(classify(arguments).code == 0);
    CHECK(read_file(folder / "l.npy") == one_by_one);

    const outcome dump = classify({"--model", model, "--dump-input", folder / "i.npy", folder / "0.png"});
    CHECK(dump.code == 2);
    CHECK(dump.err.find("choose one with --size") != std::string::npos);
    CHECK(classify({"--model", model, "--size", "64", "--dump-input", folder / "i.npy", folder / "0.png"}).code == 0);
    CHECK(classify({"--model", model, "--info"}).out.find("as large as the image") != std::string::npos);
}

TEST_CASE("a model without a head has no classes", "[cli]") {
    const temporary_folder folder;
    const std::string model = copy_folder(folder), photo = write_png(folder / "a.png"), e = folder / "e.npy";
    rewrite_model(model + "/model.safetensors",
                  [](const std::string& name, json&, std::string&) { return !name.starts_with("classifier."); });
    const outcome o = classify({"--model", model, "--format", "jsonl", "--embedding", e, photo});
    INFO(o.err);
    REQUIRE(o.code == 0);
    const json record = o.records().at(0);
    CHECK(record.size() == 2);
    CHECK(record.contains("path"));
    CHECK(record.contains("ms"));
    REQUIRE(classify({"--embedding", folder / "whole.npy", photo}).code == 0);
    const auto headless = cvt::read_npy(e.c_str()), whole = cvt::read_npy((folder / "whole.npy").c_str());
    REQUIRE(headless);
    REQUIRE(whole);
    CHECK(std::equal(headless->values.begin(), headless->values.end(), whole->values.begin(), whole->values.end()));

    for (const char* format : {"text", "csv"}) CHECK(classify({"--model", model, "--format", format, photo}).code == 0);
    const outcome logits = classify({"--model", model, "--logits", folder / "l.npy", photo});
    CHECK(logits.code == 2);
    CHECK(logits.err.find("no head") != std::string::npos);
    std::ofstream{folder / "labels.txt"} << "one\n";
    CHECK(classify({"--model", model, "--labels", folder / "labels.txt", photo}).code == 2);
    const outcome info = classify({"--model", model, "--info"});
    CHECK(info.code == 0);
    CHECK(info.out.find("no head") != std::string::npos);
}

TEST_CASE("a model for another number of channels takes tensors only", "[cli]") {
    const temporary_folder folder;
    const std::string model = copy_folder(folder), photo = write_png(folder / "a.png"), x = folder / "x.npy";
    rewrite_model(model + "/model.safetensors", [](const std::string& name, json& shape, std::string& data) {
        if (name == "cvt.encoder.stages.0.embedding.convolution_embeddings.projection.weight") {
            data.resize(data.size() / 3);
            shape[1] = 1;
        }
        return true;
    });
    json config = parse_json(read_file(model + "/config.json"));
    config["num_channels"] = 1;
    REQUIRE(write_file(model + "/config.json", config.dump()));
    const outcome rectangle = classify({"--model", model, "--info", "--size", "32x64"});
    CHECK(rectangle.code == 0);
    CHECK(rectangle.out.find("1 x 32 x 64: --size") != std::string::npos);
    CHECK(rectangle.out.find("G at 32 x 64") != std::string::npos);
    CHECK(classify({"--info", "--size", "32x64", "--resize", "crop"}).err.find("a height and a width need --resize warp") !=
          std::string::npos);
    CHECK(classify({"--info", "--size", "32x64", "--resize", "warp"}).out.find("3 x 32 x 64: --size") != std::string::npos);
    for (const char* wrong : {"32x", "x32", "0", "32x0", "65537", "a", "", "32x32x32"})
        CHECK(classify({"--info", "--size", wrong}).code == 2);
    const outcome image = classify({"--model", model, photo});
    CHECK(image.code == 2);
    CHECK(image.err.find("the model takes 1 channel, images have 3") != std::string::npos);
    const std::vector<float> values(32 * 64, 0.25F);
    REQUIRE_FALSE(cvt::write_npy(x.c_str(), values, std::vector<std::size_t>{1, 1, 32, 64}));
    CHECK(classify({"--model", model, "--input", x}).code == 0);
    CHECK(classify({"--input", x}).code == 2);
}

TEST_CASE("torch checkpoints give the logits of PyTorch", "[cli]") {
    const temporary_folder folder;
    const std::string data = CVT_TEST_DATA "/torch/", config = data + "tiny-hf/config.json", out = folder / "l.npy";
    const struct {
        std::vector<std::string> model;
        const char* expected;
    } cases[]{{{"--model", data + "tiny-hf"}, "tiny-logits-erf.npy"},
              {{"--model", data + "tiny-hf", "--gelu", "quick"}, "tiny-logits-quick.npy"},
              {{"--model", data + "tiny-official.pth", "--config", config}, "tiny-logits-quick.npy"},
              {{"--model", data + "tiny-official-legacy.pth", "--config", config, "--gelu", "erf"}, "tiny-logits-erf.npy"}};
    for (const auto& [model, expected] : cases) {
        std::vector<std::string> arguments = model;
        arguments.insert(arguments.end(), {"--input", data + "tiny-input.npy", "--logits", out});
        const outcome o = classify(arguments);
        INFO(o.err);
        REQUIRE(o.code == 0);
        const auto logits = cvt::read_npy(out.c_str()), reference = cvt::read_npy((data + expected).c_str());
        REQUIRE(logits);
        REQUIRE(reference);
        REQUIRE(logits->values.size() == reference->values.size());
        for (std::size_t i = 0; i < logits->values.size(); ++i) CHECK(std::abs(logits->values[i] - reference->values[i]) < 1e-5F);
    }
    const outcome hostile = classify({"--model", data + "hostile-reduce.pth", "--config", config, "--info"});
    CHECK(hostile.code == 3);
    CHECK(hostile.err.find("posix.system") != std::string::npos);
}

TEST_CASE("--info names the set of weights of a training checkpoint, and --weights-key chooses one", "[cli]") {
    const temporary_folder folder;
    const std::string data = CVT_TEST_DATA "/field/", two = data + "refused-two-sets.pth", out = folder / "l.npy";
    const outcome both = classify({"--model", two, "--info"});
    CHECK(both.code == 3);
    CHECK(both.err.find("--weights-key") != std::string::npos);
    CHECK(classify({"--weights-key", "model", "--info"}).code == 2);
    const outcome ema = classify({"--model", two, "--weights-key", "model_ema", "--info"});
    CHECK(ema.code == 0);
    CHECK(ema.out.find("weights in     model_ema\n") != std::string::npos);
    CHECK(ema.out.find("official, with the prefix \"module.\"\n") != std::string::npos);
    CHECK(ema.out.find("config.json beside the file\n") != std::string::npos);
    const outcome beside = classify({"--model", data + "loads-beside-protocol2.pth", "--info"});
    CHECK(beside.out.find("beside them    args (argparse.Namespace: lr 0.001, ") != std::string::npos);
    const outcome head = classify({"--model", data + "head-fc.pth", "--input", data + "input.npy", "--logits", out});
    CHECK(head.code == 0);
    CHECK(head.err.find("warning: head.weight is missing: fc.weight is used as the head") != std::string::npos);
}

TEST_CASE("sigmoids and regression values are labelled as such", "[cli]") {
    const temporary_folder folder;
    const std::string model = copy_folder(folder), photo = write_png(folder / "a.png");
    json config = parse_json(read_file(model + "/config.json"));
    const auto run = [&](const char* problem, const char* format) {
        config["problem_type"] = problem;
        REQUIRE(write_file(model + "/config.json", config.dump()));
        return classify({"--model", model, "--format", format, photo});
    };
    const json sigmoids = run("multi_label_classification", "jsonl").records().at(0)["top"],
               values = run("regression", "jsonl").records().at(0)["top"];
    REQUIRE(sigmoids.size() == values.size());
    for (std::size_t i = 0; i < values.size(); ++i)
        CHECK(sigmoids[i]["sigmoid"].get<double>() == Approx(1 / (1 + std::exp(-values[i]["value"].get<double>()))).epsilon(1e-5));
    CHECK(run("multi_label_classification", "csv").out.find(",sigmoid1,") != std::string::npos);
    CHECK(run("multi_label_classification", "text").out.find("independent classes") != std::string::npos);
    CHECK(run("regression", "text").out.find('%') == std::string::npos);
    CHECK(run("ranking", "text").code == 3);

    // --config for a single file sets it, too, and a conversion keeps it.
    config["problem_type"] = "multi_label_classification";
    const std::string lone = folder / "lone.safetensors", given = folder / "given.json", out = folder / "converted";
    REQUIRE(write_file(given, config.dump()));
    REQUIRE(write_file(lone, read_file(model + "/model.safetensors")));
    const outcome by_config = classify({"--model", lone, "--config", given, "--format", "jsonl", photo});
    REQUIRE(by_config.code == 0);
    CHECK(by_config.records().at(0)["top"].at(0).contains("sigmoid"));
    REQUIRE(classify({"--model", lone, "--config", given, "--convert", out}).code == 0);
    CHECK(parse_json(read_file(out + "/config.json"))["problem_type"] == "multi_label_classification");
}

TEST_CASE("weights that are not finite cause a warning, and results that are not finite an error", "[cli]") {
    const temporary_folder folder;
    const std::string model = copy_folder(folder), photo = write_png(folder / "a.png");
    rewrite_model(model + "/model.safetensors", [](const std::string& name, json&, std::string& data) {
        if (name == "classifier.bias") data.replace(0, 2, "\x00\x7E", 2);  // NaN in F16
        return true;
    });
    const outcome o = classify({"--model", model, "--format", "jsonl", photo});
    CHECK(o.code == 1);
    CHECK(o.err.find("warning: ") != std::string::npos);
    CHECK(o.err.find("head.bias") != std::string::npos);
    CHECK(o.records().at(0).contains("error"));
    const outcome converted = classify({"--model", model, "--convert", folder / "converted"});
    CHECK(converted.code == 0);
    CHECK(converted.err.find("warning: head.bias") != std::string::npos);
    CHECK(converted.err.find("no self-test stored: the model's outputs are not finite") != std::string::npos);
}

TEST_CASE("a model that cannot be loaded gives exit code 3 and a message", "[cli]") {
    const temporary_folder folder;
    const std::string photo = write_png(folder / "a.png"), model = copy_folder(folder);
    const auto refused = [&](const std::string& path, const std::string& sentence) {
        const outcome o = classify({"--model", path, photo});
        INFO(o.err);
        CHECK(o.code == 3);
        CHECK(o.out.empty());
        CHECK(o.err.starts_with("classify: "));
        CHECK(o.err.find(sentence) != std::string::npos);
    };
    refused(folder / "nowhere", "nowhere");
    std::filesystem::create_directory(folder / "empty");
    refused(folder / "empty", "empty");
    refused(photo, "a.png");
    const std::string file = model + "/model.safetensors", whole = read_file(file);
    REQUIRE(write_file(file, whole.substr(0, whole.size() - 1)));
    refused(model, "model.safetensors");
    REQUIRE(write_file(file, ""));
    refused(model, "model.safetensors");
    rewrite_model(file, [](const std::string& name, json&, std::string&) { return name != "cvt.encoder.stages.2.cls_token"; });
    refused(model, "cls_token");
    REQUIRE(write_file(model + "/config.json", "{"));
    refused(model, "config.json");
}

TEST_CASE("--attention needs a class token, --evaluate a head", "[cli]") {
    const temporary_folder folder;
    const std::string model = copy_folder(folder), photo = write_png(folder / "a.png");
    json config = parse_json(read_file(model + "/config.json"));
    config["cls_token"] = {false, false, false};
    REQUIRE(write_file(model + "/config.json", config.dump()));
    rewrite_model(model + "/model.safetensors",
                  [](const std::string& name, json&, std::string&) { return name.find("cls_token") == std::string::npos; });
    const outcome map = classify({"--model", model, "--attention", folder / "maps", photo});
    CHECK(map.code == 2);
    CHECK(map.err.find("no class token") != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(folder / "maps"));

    rewrite_model(folder / "encoder.safetensors",
                  [](const std::string& name, json&, std::string&) { return !name.starts_with("classifier."); });
    const outcome set =
        classify({"--model", folder / "encoder.safetensors", "--config", weights + "/config.json", "--evaluate", folder.path()});
    INFO(set.err);
    CHECK(set.code == 2);
    CHECK(set.err.find("no head") != std::string::npos);
}

TEST_CASE("--info describes the model and its costs", "[cli]") {
    const outcome o = classify({"--info"});
    CHECK(o.code == 0);
    CHECK(o.err.empty());
    INFO(o.out);
    const auto has = [&](const std::string& text) { return o.out.find(text) != std::string::npos; };
    CHECK(has("built in"));
    CHECK(has("safetensors"));
    CHECK(has("config.json"));
    CHECK(has("quick GELU: "));
    CHECK(has("3 x 80 x 80"));
    CHECK(has("2,290,619"));
    CHECK(has("40 x 40"));
    CHECK(has("10 x 10 + 1"));
    CHECK(has("precision      f32"));
    CHECK(classify({"--info", "--precision", "int8"}).out.find("precision      int8") != std::string::npos);
    CHECK(has("kernels"));
    CHECK(has("MiB"));

    // Parameters and multiply-adds of the stages and the head add up to the totals; memory follows from the sizes.
    double parameters = 0, work = 0, weight_memory = 0;
    std::vector<double> token_memory;
    bool in_table = false;
    for (std::string line : lines_of(o.out)) {
        if (line.starts_with("stage ")) {
            in_table = true;
            CHECK(line.ends_with("parameters     GMAC  float32 MiB  tokens MiB"));
        } else if (in_table && line.empty()) {
            break;
        } else if (in_table) {
            line.erase(std::remove(line.begin(), line.end(), ','), line.end());
            std::istringstream words{line};
            const std::vector<std::string> all{std::istream_iterator<std::string>{words}, {}};
            REQUIRE(all.size() >= 5);
            parameters += std::stod(all[all.size() - 4]);
            work += std::stod(all[all.size() - 3]);
            weight_memory += std::stod(all[all.size() - 2]);
            token_memory.push_back(std::stod(all.back()));
        }
    }
    CHECK(parameters == 2'290'619);
    CHECK(work == Approx(0.349).margin(0.002));
    CHECK(has("multiply-adds  0.350 G"));
    CHECK(weight_memory == Approx(2'290'619 * 4 / 1048576.0).margin(0.02));
    REQUIRE(token_memory.size() == 4);
    CHECK(token_memory[0] == Approx(40 * 40 * 32 * 4 / 1048576.0).margin(0.006));
    CHECK(token_memory[2] == Approx((10 * 10 + 1) * 192 * 4 / 1048576.0).margin(0.006));
}

TEST_CASE("--info reports that config.json and the preprocessing disagree on the size", "[cli]") {
    const temporary_folder folder;
    const std::string model = copy_folder(folder);
    json config = parse_json(read_file(model + "/config.json"));
    config["image_size"] = 384;
    REQUIRE(write_file(model + "/config.json", config.dump()));
    const outcome o = classify({"--model", model, "--info"});
    CHECK(o.code == 0);
    CHECK(o.out.find("3 x 80 x 80: preprocessor_config.json") != std::string::npos);
    CHECK(o.out.find("image_size in config.json is 384") != std::string::npos);
    CHECK(classify({"--model", model, "--info", "--size", "96"}).out.find("3 x 96 x 96: --size") != std::string::npos);
}
