// --convert and --verify: PyTorch files become Hugging Face folders with the same records; refusals and their exit codes.
#include <algorithm>

#include "classify.hpp"
#include "pictures.hpp"
#include "support/safetensors_writer.hpp"

using namespace cvt_test;

namespace {

const std::string data = CVT_TEST_DATA "/torch/";
const std::vector<std::string> official{"--model", data + "tiny-official.pth", "--config", data + "tiny-hf/config.json"};

outcome classify_with(std::vector<std::string> arguments, const std::vector<std::string>& more) {
    arguments.insert(arguments.end(), more.begin(), more.end());
    return classify(arguments);
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("--convert: an official .pth becomes a folder with the same answers", "[cli]") {
    const temporary_folder folder;
    const std::string photo = write_png(folder / "a.png"), labels = folder / "labels.txt", out = folder / "out";
    std::ofstream names{labels};
    for (int i = 0; i < 10; ++i) names << "class \"" << i << "\"\n";
    names.close();
    const std::vector<std::string> choices{"--labels", labels, "--size", "64", "--resize", "warp"};

    std::vector<std::string> convert = choices;
    convert.insert(convert.end(), {"--convert", out});
    const outcome done = classify_with(official, convert);
    INFO(done.err);
    REQUIRE(done.code == 0);
    CHECK(contains(done.out, "with a self-test"));
    CHECK(contains(done.err, "QuickGELU"));

    std::vector<std::string> run = choices;
    run.insert(run.end(), {"--format", "jsonl", photo});
    const outcome before = classify_with(official, run), after = classify({"--model", out, "--format", "jsonl", photo});
    INFO(after.err);
    REQUIRE(before.code == 0);
    REQUIRE(after.code == 0);
    CHECK(after.records().at(0)["top"] == before.records().at(0)["top"]);
    CHECK(contains(classify({"--model", out, "--info"}).out, "3 x 64 x 64: preprocessor_config.json"));

    const outcome good = classify({"--model", out, "--verify"});
    CHECK(good.code == 0);
    CHECK(contains(good.out, "10 logits of a generated image, 3 x 64 x 64"));
    CHECK(contains(good.out, "difference     0 at most"));
    CHECK(classify({"--model", out, "--verify", "--threads", "2", "--kernels", "eigen"}).code == 0);
    const outcome bytes = classify({"--model", out, "--verify", "--precision", "int8"});
    CHECK(bytes.code == 0);
    CHECK_FALSE(contains(bytes.out, "difference     0 at most"));
}

TEST_CASE("--convert: the preprocessing that is written means the same", "[cli]") {
    const temporary_folder folder;
    const std::string photo = write_png(folder / "a.png"), file = folder / "p.json";
    const std::vector<std::string> choices[]{
        {"--size", "64", "--resize", "crop", "--resample", "hamming", "--mean", "0.5", "--std", "0.25"},
        {"--size", "64", "--resize", "warp", "--resample", "nearest"},
        {"--preprocessor", file},
        {"--preprocessor", file, "--mean", "100,110,120", "--std", "60"}};
    REQUIRE(write_file(file, R"({"image_processor_type": "CLIPImageProcessor", "size": 80, "crop_size": {"height": 64, "width": 70},
                                 "resample": 1, "do_rescale": false, "do_normalize": false})"));
    int number = 0;
    for (const std::vector<std::string>& chosen : choices) {
        const std::string out = folder / ("out" + std::to_string(number++)), before = folder / "before.npy", after = folder / "after.npy";
        std::vector<std::string> run = chosen, convert = chosen;
        run.insert(run.end(), {"--dump-input", before, photo});
        convert.insert(convert.end(), {"--convert", out});
        REQUIRE(classify_with(official, run).code == 0);
        const outcome done = classify_with(official, convert);
        INFO(done.err);
        REQUIRE(done.code == 0);
        REQUIRE(classify({"--model", out, "--dump-input", after, photo}).code == 0);
        CHECK(read_file(after) == read_file(before));
    }
}

TEST_CASE("--verify: changed weights, and a model without a self-test", "[cli]") {
    const temporary_folder folder;
    const std::string out = folder / "out";
    REQUIRE(classify_with(official, {"--convert", out, "--dtype", "f16"}).code == 0);
    REQUIRE(classify({"--model", out, "--verify"}).code == 0);
    std::string file = read_file(out + "/model.safetensors");
    file[file.size() - 1] = static_cast<char>(file[file.size() - 1] ^ '\x80');
    std::ofstream{out + "/model.safetensors", std::ios::binary} << file;
    const outcome changed = classify({"--model", out, "--verify"});
    CHECK(changed.code == 1);
    CHECK(contains(changed.out, "WRONG"));
    const outcome other = classify({"--model", out, "--verify", "--gelu", "erf"});
    CHECK(other.code == 1);
    CHECK(contains(other.err, "stored for quick GELU"));
    CHECK(classify({"--verify"}).code == 0);  // the built-in model has one
    const outcome none = classify({"--model", data + "tiny-hf", "--verify"});
    CHECK(none.code == 1);
    CHECK(none.out.empty());
    CHECK(contains(none.err, "no self-test"));
}

TEST_CASE("--convert: what cannot be read or written", "[cli]") {
    const temporary_folder folder;
    const std::string photo = write_png(folder / "a.png"), hf = data + "tiny-hf";
    const struct {
        std::vector<std::string> arguments;
        int code;
        const char* sentence;
    } cases[]{
        {{"--model", hf, "--convert", folder.path()}, 2, "expected a new or empty folder, found files in it"},
        {{"--model", hf, "--convert", photo}, 2, "expected a new or empty folder"},
        {{"--model", hf, "--convert", folder / "no/such"}, 1, "cannot make the folder"},
        {{"--model", hf, "--convert", folder / "o", photo}, 2, "leave the inputs out"},
        {{"--model", hf, "--convert", folder / "o", "--info"}, 2, "leave --info"},
        {{"--model", hf, "--convert", folder / "o", "--verify"}, 2, "run --convert first"},
        {{"--model", hf, "--convert", folder / "o", "--dtype", "f8"}, 2, "expected f16|f32"},
        {{"--model", hf, "--convert", folder / "o", "--format", "csv"}, 2, "leave --format"},
        {{"--model", hf, "--convert", folder / "o", "--logits", folder / "l.npy"}, 2, "leave the .npy"},
        {{"--model", hf, "--dtype", "f16", photo}, 2, "--dtype is the type"},
        {{"--model", hf, "--convert", folder / "o", "--precision", "int8"}, 2, "--precision is the type that a model runs in"},
        {{"--model", hf, "--verify", photo}, 2, "leave the inputs out"},
        {{"--convert", folder / "o"}, 2, "--convert needs a checkpoint"},
        {{"--model", data + "hostile-reduce.pth", "--convert", folder / "o"}, 3, "posix.system"},
        {{"--model", data + "tiny-official.pth", "--convert", folder / "o"}, 3, "configuration"},
    };
    for (const auto& c : cases) {
        const outcome o = classify(c.arguments);
        INFO(c.sentence << " | " << o.err);
        CHECK(o.code == c.code);
        CHECK(o.out.empty());
        CHECK(contains(o.err, c.sentence));
        CHECK_FALSE(std::filesystem::exists(folder / "o"));
    }
}
