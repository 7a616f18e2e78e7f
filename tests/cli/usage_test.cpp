// Wrong usage: a message on standard error, no standard output, exit code 2.
#include <cvt/version.hpp>

#include "classify.hpp"
#include "pictures.hpp"

using namespace cvt_test;

TEST_CASE("--help and --version", "[cli]") {
    const outcome help = classify({"--help"});
    CHECK(help.code == 0);
    CHECK(help.err.empty());
    for (const char* text : {"Examples:",   "Exit codes:", "--model",      "--variant",  "--config",    "--gelu",       "--labels",
                             "--size",      "--resize",    "--crop",       "--orient",   "--top-k",     "--threads",    "--batch",
                             "--kernels",   "--format",    "--input",      "--logits",   "--embedding", "--dump-input", "--info",
                             "--repeat",    "--convert",   "--dtype",      "--verify",   "--attention", "--evaluate",   "--classes",
                             "--tar",       "--shard",     "--out",        "--resume",   "--fail-fast", "--max-errors", "--workers",
                             "--precision", "--truth",     "--max-pixels", "--resample", "--mean",      "--std",        "--preprocessor"})
        CHECK(help.out.find(text) != std::string::npos);
    const outcome version = classify({"--version"});
    CHECK(version.code == 0);
    CHECK(version.out == "classify " CVT_VERSION_STRING "\n");
}

TEST_CASE("wrong usage gives exit code 2 and a message", "[cli]") {
    const temporary_folder folder;
    const std::string photo = write_png(folder / "a.png"), labels = folder / "labels.txt", npy = folder / "x.npy";
    std::ofstream{labels} << "one\ntwo\nthree\n";
    std::ofstream{npy} << "unread";
    const auto write = [&](const char* name, std::string_view text) { std::ofstream{folder / name, std::ios::binary} << text; };
    using std::operator""sv;
    write("utf16.txt",
          "\xFF\xFE"
          "a\0\n\0"sv);
    write("utf16be.txt", "\xFE\xFF\0a\0\n"sv);
    write("nul.txt", "a\0\n\0"sv);
    write("warps.json", R"({"size": {"height": 80, "width": 80}})");
    std::string with_blank;
    for (int i = 0; i < class_count; ++i) with_blank += i == 5 ? "\n5\n" : std::to_string(i) + "\n";
    write("blank.txt", with_blank + "\n");
    const std::string weights = CVT_WEIGHTS, lone = weights + "/model.safetensors", config = weights + "/config.json";
    const struct {
        std::vector<std::string> arguments;
        std::string sentence;
    } cases[]{
        {{}, "no inputs given"},
        {{"--bogus", photo}, "unknown option --bogus (see --help)\n"},
        {{"--attension", photo}, "did you mean \"--attention\"?"},
        {{"--kernel=avx2", photo}, "unknown option --kernel=avx2 (see --help); did you mean \"--kernels\"?"},
        {{"-model", lone, photo}, "did you mean \"--model\"?"},
        {{"--format", "json", photo}, "found \"json\"; did you mean \"jsonl\"?"},
        {{"--gelu", "QUICK", photo}, "did you mean \"quick\"?"},
        {{"--variant", "cvt13", "--model", lone, photo}, "did you mean \"cvt-13\"?"},
        {{"--out=", folder / "new", photo}, "--out=: expected a value, found nothing\n"},
        {{"--top-k", "0", photo}, "--top-k"},
        {{"--top-k", "99999999999999999999", photo}, "--top-k"},
        {{"--top-k", "three", photo}, "--top-k"},
        {{"--batch", "0", photo}, "--batch"},
        {{"--batch", "1025", photo}, "--batch"},
        {{"--threads", "0", photo}, "--threads: expected a whole number from 1 to 256, found \"0\""},
        {{"--threads", "257", photo}, "--threads"},
        {{"--repeat", "-1", photo}, "--repeat"},
        {{"--size", "0", photo}, "--size"},
        {{"--model", CVT_TEST_DATA "/checkpoint/tiny-hf", "--size", "2", photo},
         "--size: input of 2 x 2 pixels (height x width) is too small"},
        {{"--size", "64", "--size", "96", photo}, "--size is given more than once"},
        {{photo, "--top-k"}, "--top-k: expected a value, found nothing"},
        {{"--format", "xml", photo}, "expected csv|jsonl|text, found \"xml\"\n"},
        {{"--gelu", "tanh", photo}, "expected erf|quick"},
        {{"--resize", "stretch", photo}, "expected crop|warp"},
        {{"--crop", "left", photo}, "expected hf|official"},
        {{"--orient", "up", photo}, "expected exif|ignore"},
        {{"--kernels", "mmx", photo}, "--kernels: expected one of"},
        {{"--resize", "warp", "--crop", "hf", photo}, "--resize warp does not crop"},
        {{"--preprocessor", folder / "warps.json", "--crop", "hf", photo}, "images are not cropped"},
        {{"--labels", folder / "none.txt", photo}, "expected a file, found no "},
        {{"--labels", labels, photo}, "expected 219 labels, one per line, found 3"},
        {{"--variant", "cvt-99", "--model", lone, photo}, "expected cvt-13|cvt-21|cvt-w24"},
        {{"--variant", "cvt-13", photo}, "built-in model has its configuration"},
        {{"--config", config, photo}, "built-in model has its configuration"},
        {{"--variant", "cvt-13", "--config", config, "--model", lone, photo}, "leave one of them out"},
        {{"--variant", "cvt-13", "--model", weights, photo}, "has a config.json"},
        {{"--config", config, "--model", weights, photo}, "has a config.json"},
        {{"--input", npy, photo}, "--input replaces images"},
        {{"--input", npy, "--size", "64"}, "--size is for images"},
        {{"--input", npy, "--resize", "crop"}, "--resize is for images"},
        {{"--input", npy, "--crop", "hf"}, "--crop is for images"},
        {{"--input", npy, "--orient", "exif"}, "--orient is for images"},
        {{"--input", npy, "--resample", "box"}, "--resample is for images"},
        {{"--input", npy, "--mean", "0"}, "--mean is for images"},
        {{"--input", npy, "--std", "1,1,1"}, "--std is for images"},
        {{"--input", npy, "--preprocessor", weights + "/preprocessor_config.json"}, "--preprocessor is for images"},
        {{"--resample", "cubic", photo}, "expected bicubic|bilinear|box|hamming|lanczos|nearest, found \"cubic\""},
        {{"--mean", "0.5,0.5", photo}, "--mean: expected one number, or three (R,G,B), found \"0.5,0.5\""},
        {{"--mean", "0.5,0.5,0.5,", photo}, "found \"0.5,0.5,0.5,\""},
        {{"--mean", "0.5,,0.5", photo}, "found \"0.5,,0.5\""},
        {{"--mean", "0.5 0.5 0.5", photo}, "expected one number, or three (R,G,B)"},
        {{"--mean", "nan", photo}, "expected one number, or three (R,G,B)"},
        {{"--mean", "1e39", photo}, "expected one number, or three (R,G,B)"},
        {{"--std", "0.5,0,0.5", photo}, "--std: expected one number other than 0, or three (R,G,B), found \"0.5,0,0.5\""},
        {{"--preprocessor", folder / "none.json", photo}, "expected a file, found no "},
        {{"--preprocessor", labels, photo}, "--preprocessor: " + labels + ": JSON line 1, byte 0: expected a value"},
        {{"--labels", folder / "utf16.txt", photo}, "utf16.txt: UTF-16 text, as Windows writes it; save it as UTF-8"},
        {{"--labels", folder / "utf16be.txt", photo}, "UTF-16 text"},
        {{"--labels", folder / "nul.txt", photo}, "expected UTF-8 text, found a NUL byte"},
        {{"--labels", folder / "blank.txt", photo}, "expected 219 labels, one per line, found 220 lines"},
        {{"--input", npy, "--dump-input", folder / "y.npy"}, "--dump-input is for images"},
        {{"--input", npy}, "not a .npy file"},
        {{"--info", photo}, "leave the inputs out"},
        {{"--info", "--input", npy}, "leave the inputs out"},
        {{"--info", "--repeat", "3"}, "leave --repeat out"},
        {{"--info", "--logits", folder / "y.npy"}, "writes no .npy"},
        {{"--info", "--attention", folder / "maps"}, "leave --attention out"},
        {{"--verify", "--attention", folder / "maps"}, "leave --attention out"},
        {{"--input", npy, "--attention", folder / "maps"}, "--attention is for images"},
        {{"--info", "--format", "csv"}, "--format does not apply"},
        {{"-", photo, "-"}, "only once"},
        {{"--precision", "int4", photo}, "expected f32|int8"},
    };
    for (const auto& [arguments, sentence] : cases) {
        const outcome o = classify(arguments);
        INFO(sentence << "\n" << o.err);
        CHECK(o.code == 2);
        CHECK(o.out.empty());
        CHECK(o.err.starts_with("classify: "));
        CHECK(o.err.find(sentence) != std::string::npos);
        CHECK(lines_of(o.err).size() == 1);
    }
    CHECK_FALSE(std::filesystem::exists(folder / "y.npy"));
    CHECK_FALSE(std::filesystem::exists(folder / "maps"));
}
