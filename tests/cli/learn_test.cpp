// --learn and --similar: from made pictures to a model folder; the cache after kills and interrupts; what is refused.
#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <thread>

#include "classify.hpp"
#include "pictures.hpp"
#include "support/safetensors_writer.hpp"

using namespace cvt_test;
namespace fs = std::filesystem;

namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Noise with one strong channel, which is the class.
void write_photo(const std::string& path, int channel, unsigned seed) {
    std::vector<unsigned char> pixels;
    for (int i = 0; i < 48 * 48; ++i)
        for (int c = 0; c < 3; ++c) {
            seed = seed * 1664525U + 1013904223U;
            pixels.push_back(static_cast<unsigned char>((seed >> 25) + (c == channel ? 128U : 0U)));
        }
    REQUIRE(stbi_write_png(path.c_str(), 48, 48, 3, pixels.data(), 3 * 48) != 0);
}

constexpr const char* classes[]{"blue sky", "green", "red"};

/// `count` photos of each of three classes, by name: photos/green/3.png.
std::string write_set(const temporary_folder& folder, int count) {
    for (int k = 0; k < 3; ++k) {
        fs::create_directories(folder / "photos/" + classes[k]);
        for (int i = 0; i < count; ++i)
            write_photo(folder / "photos/" + classes[k] + "/" + std::to_string(i) + ".png", 2 - k, static_cast<unsigned>(100 * k + i + 1));
    }
    return folder / "photos";
}

/// The arguments of a run that learns. There is no liblbfgs for every host; without it, prototypes are learned where no method is given.
std::vector<std::string> learning(std::vector<std::string> arguments) {
    if (!CVT_TEST_HAS_LBFGS && std::find(arguments.begin(), arguments.end(), "--method") == arguments.end())
        arguments.insert(arguments.end(), {"--method", "prototype"});
    return arguments;
}

json report_of(const std::vector<std::string>& arguments, int code = 0) {
    const bool learns = std::find(arguments.begin(), arguments.end(), "--learn") != arguments.end();
    std::vector<std::string> all = learns ? learning(arguments) : arguments;
    all.insert(all.end(), {"--format", "jsonl"});
    const outcome o = classify(all);
    INFO(o.err);
    REQUIRE(o.code == code);
    REQUIRE(o.records().size() == 1);
    return o.records()[0];
}

/// Writes the folder of the built-in model with another header or data.
void write_changed_model(const std::string& model, const std::function<void(json& header, std::string& data)>& change) {
    const std::string weights = CVT_WEIGHTS;
    fs::create_directories(model);
    for (const char* name : {"config.json", "preprocessor_config.json"}) fs::copy_file(weights + "/" + name, model + "/" + name);
    const std::string file = read_file(weights + "/model.safetensors");
    std::uint64_t size = 0;
    std::memcpy(&size, file.data(), sizeof size);
    json header = parse_json(file.substr(sizeof size, static_cast<std::size_t>(size)));
    std::string data = file.substr(sizeof size + static_cast<std::size_t>(size));
    change(header, data);
    const std::string text = header.dump();
    size = text.size();
    REQUIRE(write_file(model + "/model.safetensors", std::string{reinterpret_cast<const char*>(&size), sizeof size} + text + data));
}

std::string weights_of(const std::string& model) { return read_file(model + "/model.safetensors"); }

}  // namespace

TEST_CASE("--learn: a folder of photos becomes a model with its classes", "[cli]") {
    const temporary_folder folder;
    const std::string photos = write_set(folder, 8), out = folder / "mine", cache = folder / "cache";
    REQUIRE(write_file(photos + "/green/notes.txt", "skipped"));
    const json report = report_of({"--learn", photos, "--convert", out, "--cache", cache});
    CHECK(report["photos"] == 24);
    CHECK(report["cached"] == 0);
    CHECK(report["folds"] == 5);
    CHECK(report["method"] == (CVT_TEST_HAS_LBFGS ? "logistic" : "prototype"));
    CHECK(report["top1"] > 0.9);
    CHECK(report["trials"].size() == (CVT_TEST_HAS_LBFGS ? 6 : 1));
    REQUIRE(report["classes"].size() == 3);
    for (std::size_t k = 0; k < 3; ++k) {
        CHECK(report["classes"][k]["label"] == classes[k]);
        CHECK(report["classes"][k]["photos"] == 8);
        CHECK(report["classes"][k]["scored"] == 8);
    }

    CHECK(classify({"--model", out, "--verify"}).code == 0);
    const json config = parse_json(read_file(out + "/config.json"));
    CHECK(config["architectures"][0] == "CvtForImageClassification");
    CHECK(config["id2label"] == json{{"0", "blue sky"}, {"1", "green"}, {"2", "red"}});
    const outcome used = classify({"--model", out, "--format", "jsonl", photos + "/green", photos + "/red"});
    REQUIRE(used.code == 0);
    std::size_t right = 0;
    for (const json& record : used.records())
        right += contains(record["path"], "/" + record["top"][0]["label"].get<std::string>() + "/") ? 1U : 0U;
    CHECK(right == 16);

    // The cache gives the same model; a new photo is the only one that is computed.
    const json again = report_of({"--learn", photos, "--convert", folder / "again", "--cache", cache, "--workers", "2"});
    CHECK(again["cached"] == 24);
    CHECK(weights_of(folder / "again") == weights_of(out));
    write_photo(photos + "/red/new.png", 0, 999);
    CHECK(report_of({"--learn", photos, "--convert", folder / "more", "--cache", cache})["cached"] == 24);
    // Another head on the same encoder has the same embeddings, another size of input has not.
    CHECK(report_of({"--model", out, "--learn", photos, "--convert", folder / "relearned", "--cache", cache})["cached"] == 25);
    CHECK(report_of({"--learn", photos, "--convert", folder / "larger", "--cache", cache, "--size", "96"})["cached"] == 0);
}

TEST_CASE("--learn: the report names photos that cannot be read, copies and doubtful labels", "[cli]") {
    const temporary_folder folder;
    const std::string photos = write_set(folder, 8);
    REQUIRE(write_file(photos + "/green/broken.jpg", "not a picture"));
    fs::copy_file(photos + "/red/0.png", photos + "/red/copy.png");
    fs::copy_file(photos + "/red/1.png", photos + "/blue sky/wrong.png");
    write_photo(photos + "/green/mislabelled.png", 0, 77);  // red
    const std::vector<std::string> learn{"--learn", photos, "--sheet", folder / "sheet.png", "--convert"};

    std::vector<std::string> first = learn, second = learn;
    first.push_back(folder / "a");
    second.push_back(folder / "b");
    const json report = report_of(first, 1);
    CHECK(report["failed"] == 1);
    CHECK(report["failures"][0]["path"] == photos + "/green/broken.jpg");
    CHECK(report["failures"][0]["error"]["code"] == "unsupported");
    REQUIRE(report["duplicates"].size() == 2);
    CHECK(report["duplicates"][0]["classes_differ"] == true);
    CHECK(report["duplicates"][0]["same"] == "bytes");
    CHECK(report["duplicates"][1]["path"] == photos + "/red/copy.png");
    CHECK(report["duplicates"][1]["classes_differ"] == false);
    bool found = false;
    for (const json& d : report["doubts"]) found = found || (d["path"] == photos + "/green/mislabelled.png" && d["taken_for"] == "red");
    CHECK(found);
    CHECK(read_file(folder / "sheet.png").starts_with("\x89PNG"));

    const outcome text = classify(learning(second));
    CHECK(text.code == 1);
    for (const char* part :
         {"photos       27 in 3 classes, from ", ", 1 could not be read", "cross-validated in 5 folds", "labels to check",
          "mislabelled.png", "warning: the same photo in two classes", "the same photo twice", "broken.jpg: "})
        CHECK(contains(text.out, part));
}

TEST_CASE("--learn, --evaluate: names that are not ASCII do not shift the columns of a report", "[cli]") {
    const temporary_folder folder;
    const std::string photos = write_set(folder, 2), name = "gr\xC3\xBCn";
    fs::rename(photos + "/green", photos + "/" + name);
    const outcome learned = classify(learning({"--learn", photos, "--convert", folder / "mine"}));
    CHECK(learned.code == 0);
    CHECK(contains(learned.out, "\nred" + std::string(25 + 7, ' ') + "2 "));
    CHECK(contains(learned.out, '\n' + name + std::string(24 + 7, ' ') + "2 "));
    fs::copy_file(photos + "/red/0.png", photos + "/" + name + "/red.png");  // a class without errors is not listed
    const outcome evaluated = classify({"--model", folder / "mine", "--evaluate", photos});
    CHECK(evaluated.code == 0);
    CHECK(contains(evaluated.out, '\n' + name + std::string(24 + 7, ' ') + "3 "));
}

TEST_CASE("--learn: copies of a photo are held out together", "[cli]") {
    const temporary_folder folder;
    const std::string photos = folder / "photos";
    for (const char* name : {"a", "b"}) fs::create_directories(photos + "/" + name);
    constexpr int no_channel = -1;  // nothing tells the classes apart, except a copy among the photos of the fit
    for (int i = 0; i < 12; ++i)
        for (unsigned k = 0; k < 2; ++k) {
            const std::string photo = photos + (k == 0 ? "/a/" : "/b/") + std::to_string(i);
            write_photo(photo + ".png", no_channel, 1000U * k + static_cast<unsigned>(i) + 1);
            fs::copy_file(photo + ".png", photo + " copy.png");
        }
    CHECK(report_of({"--learn", photos, "--convert", folder / "pairs"})["top1"] < 0.8);

    // A copy of a copy: the second file has the pixels of the first, and the third the bytes of the second.
    const std::string chained = folder / "chained";
    for (int i = 0; i < 12; ++i)
        for (unsigned k = 0; k < 2; ++k) {
            const std::string photo = chained + (k == 0 ? "/a/" : "/b/") + std::to_string(i);
            fs::create_directories(fs::path{photo}.parent_path());
            write_photo(photo + "-1.png", no_channel, 1000U * k + static_cast<unsigned>(i) + 1);
            const std::string png = read_file(photo + "-1.png");
            // A chunk of text after the signature and the header, whose checksum readers may ignore.
            REQUIRE(write_file(photo + "-2.png", png.substr(0, 33) + std::string{"\0\0\0\3tEXta\0b\0\0\0\0", 15} + png.substr(33)));
            fs::copy_file(photo + "-2.png", photo + "-3.png");
        }
    const json chain = report_of({"--learn", chained, "--convert", folder / "chain"});
    CHECK(chain["duplicates"].size() == 48);
    CHECK(chain["top1"] < 0.8);

    // The first copy is in another class: the two in `b` are one scored photo all the same. Every photo is taken for `b`, of which there
    // are more: half of them are right, and with both copies scored two thirds.
    const std::string crossed = folder / "crossed";
    for (const char* name : {"a", "b"}) fs::create_directories(crossed + "/" + name);
    for (int i = 0; i < 12; ++i) {
        const std::string name = std::to_string(i);
        write_photo(crossed + "/a/" + name + ".png", no_channel, static_cast<unsigned>(i) + 1);
        for (const char* copy : {"/b/", "/b/again "}) fs::copy_file(crossed + "/a/" + name + ".png", crossed + copy + name + ".png");
    }
    CHECK(report_of({"--learn", crossed, "--convert", folder / "crossed model"})["top1"] < 0.6);
}

TEST_CASE("--learn: prototypes of one photo per class; views; balanced classes", "[cli]") {
    const temporary_folder folder;
    const std::string photos = write_set(folder, 1);
    const json one = report_of({"--learn", photos, "--convert", folder / "one", "--method", "prototype"});
    CHECK(one["top1"].is_null());
    CHECK(one["strength"].is_null());
    for (int i = 1; i < 12; ++i) write_photo(photos + "/red/" + std::to_string(i) + ".png", 0, 500U + static_cast<unsigned>(i));
    const std::string cache = folder / "cache";
    std::vector<std::string> with_views{"--learn", photos, "--convert", folder / "views", "--views", "10", "--cache", cache};
    if (CVT_TEST_HAS_LBFGS) with_views.push_back("--balanced");  // prototypes are balanced
    const json views = report_of(with_views);
    CHECK(views["views"] == 10);
    CHECK(views["photos"] == 14);
    CHECK(views["classes"][0]["scored"] == 0);  // its only photo is never held out
    CHECK(views["classes"][2]["scored"] == 12);
    CHECK(report_of({"--learn", photos, "--convert", folder / "plain", "--cache", cache})["cached"] == 14);
    CHECK(weights_of(folder / "views") != weights_of(folder / "plain"));
    CHECK(classify({"--model", folder / "views", "--verify"}).code == 0);
    for (const char* model : {"one", "plain"}) {
        const outcome used =
            classify({"--model", folder / model, "--format", "jsonl", photos + "/green/0.png", photos + "/blue sky/0.png"});
        CHECK(used.records().at(0)["top"][0]["label"] == "green");
        CHECK(used.records().at(1)["top"][0]["label"] == "blue sky");
    }
}

TEST_CASE("--learn: a run that is killed or interrupted leaves no model, and goes on from its cache", "[cli]") {
    const temporary_folder folder;
    const std::string photos = write_set(folder, 20), out = folder / "mine", cache = folder / "cache";
    const std::vector<std::string> learn = learning({"--learn", photos, "--convert", out, "--cache", cache, "--size", "256"});
    CHECK(report_of({"--learn", photos, "--convert", folder / "whole", "--size", "256"})["cached"] == 0);
    for (const int signal : {SIGINT, SIGKILL}) {
        CAPTURE(signal);
        std::error_code missing;
        const auto begun = fs::exists(cache) ? fs::file_size(cache, missing) : 0;
        running_classify run{learn};
        while (!fs::exists(cache) || fs::file_size(cache, missing) < begun + 4000)
            std::this_thread::sleep_for(std::chrono::milliseconds{1});
        ::kill(run.id(), signal);
        const std::string messages = run.read_messages();
        CHECK(run.wait() == (signal == SIGINT ? 130 : -SIGKILL));
        if (signal == SIGINT) CHECK(contains(messages, "which the cache keeps"));
        CHECK_FALSE(fs::exists(out));
    }
    std::ofstream{cache, std::ios::binary | std::ios::app} << "CVTE half of a record";
    const outcome last = classify([&] {
        std::vector<std::string> arguments = learn;
        arguments.insert(arguments.end(), {"--format", "jsonl"});
        return arguments;
    }());
    INFO(last.err);
    REQUIRE(last.code == 0);
    CHECK(contains(last.err, "the last record was incomplete and will be redone"));
    CHECK(last.records().at(0)["cached"] >= 8);
    CHECK(last.records().at(0)["cached"] < 60);
    CHECK(weights_of(out) == weights_of(folder / "whole"));
}

TEST_CASE("--learn: what is refused, before any photo is read", "[cli]") {
    const temporary_folder folder;
    const std::string photos = write_set(folder, 1), one = folder / "one", cased = folder / "cased", blank = folder / "blank",
                      latin = folder / "latin", empty = folder / "empty", unreadable = folder / "unreadable";
    for (const std::string& made : {one + "/a", cased + "/Cat", cased + "/cat", blank + "/a b", blank + "/a_b", latin + "/a",
                                    latin + "/gr\xFCn", empty + "/a", empty + "/b", unreadable + "/a", unreadable + "/b", folder / "new"}) {
        fs::create_directories(made);
        if (made == folder / "new") continue;
        if (made != empty + "/b") write_photo(made + "/p.png", 0, 1);
    }
    REQUIRE(write_file(unreadable + "/b/p.png", "not a picture"));
    fs::create_directories(unreadable + "/b/below");
    const std::string linked = folder / "linked", link = folder / "link";
    fs::create_directory(linked);
    fs::create_directory_symlink(unreadable + "/a", linked + "/a");
    fs::create_directory_symlink(unreadable + "/b", linked + "/b");
    fs::create_directory_symlink(unreadable, link);
    std::string deep = folder / "deep";  // a folder whose files would have paths that are too long, for root, too
    while (deep.size() < 4070) deep += '/' + std::string(std::min<std::size_t>(200, 4069 - deep.size()), 'd');
    fs::create_directories(deep);
    REQUIRE(write_file(folder / "notes", "a file that is not a cache"));
    const std::string out = folder / "out";
    const struct {
        std::vector<std::string> arguments;
        int code;
        std::string sentence;
    } cases[]{
        {{"--learn", photos}, 2, "--learn writes a model: name its folder with --convert"},
        {{"--learn", one, "--convert", out}, 2, "expected at least two class folders, found one, a"},
        {{"--learn", one + "/a", "--convert", out}, 2, "expected at least two class folders, found none"},
        {{"--learn", one + "/a/p.png", "--convert", out}, 2, "expected a folder with one folder per class, found a file"},
        {{"--learn", folder / "gone", "--convert", out}, 2, "expected a folder with one folder per class, found none"},
        {{"--learn", cased, "--convert", out}, 2, "Cat and cat differ only in case, blanks or underscores"},
        {{"--learn", blank, "--convert", out}, 2, "a b and a_b differ only in case, blanks or underscores"},
        {{"--learn", latin, "--convert", out}, 2, "gr\xFCn: expected a name in UTF-8, which becomes a label, found other bytes"},
        {{"--learn", empty, "--convert", out}, 2, "/b: expected .jpg, .png, .webp or other pictures in this folder, found none"},
        {{"--learn", unreadable, "--convert", out}, 1, "class b: expected a photo that can be embedded, found none among 1; the first is "},
        {{"--learn", photos, "--convert", photos}, 2, "expected a new or empty folder, found files in it"},
        {{"--learn", photos, "--convert", folder / "no/such"}, 1, "cannot make the folder: there is no folder "},
        {{"--learn", unreadable, "--convert", "/proc/cvt"}, 1, "/proc/cvt: cannot make the folder: "},
        {{"--learn", unreadable, "--convert", deep}, 1, "cannot write into the folder: File name too long"},
        {{"--learn", photos, "--convert", photos + "/mine"}, 2, "where it would be taken for a class: choose another place"},
        {{"--learn", photos, "--convert", folder / "new", "--cache", folder / "new/../new/cache"},
         2,
         "which must be empty: choose another place"},
        {{"--learn", photos, "--convert", out + "/", "--cache", out}, 2, "--cache and another option name the same file"},
        {{"--learn", photos, "--convert", out, "--sheet", folder / "no/sheet.png"}, 2, "sheet.png cannot be written: there is no folder "},
        {{"--learn", photos, "--convert", out, "--cache", folder / "notes"}, 2, "is not a cache of embeddings: it is not overwritten"},
        {{"--learn", photos, "--convert", out, "--sheet", folder / "notes"},
         2,
         "notes exists and is not a .png file: it is not overwritten"},
        {{"--learn", photos, "--convert", out, "--verify"}, 2, "leave --info, --verify and --evaluate out"},
        {{"--learn", photos, "--convert", out, "--sheet", photos}, 2, "exists and is not a .png file: it is not overwritten"},
        {{"--learn", unreadable, "--convert", out, "--sheet", unreadable + "/a/sheet.png"},
         2,
         "/a, where the next run would take it for a"},
        {{"--learn", unreadable, "--convert", out, "--sheet", unreadable + "/a/../b/below/s.PNG"}, 2, "/b/below, where the next run would"},
        {{"--learn", unreadable, "--convert", out, "--sheet", fs::relative(unreadable + "/a/s.png")}, 2, "/a, where the next run would"},
        {{"--learn", unreadable, "--convert", out, "--sheet", link + "/a/s.png"}, 2, "unreadable/a, where the next run would"},
        {{"--learn", linked, "--convert", out, "--sheet", unreadable + "/a/s.png"}, 2, "linked/a, where the next run would"},
        {{"--learn", unreadable, "--convert", out, "--cache", unreadable + "/a/cache.png"}, 2, "cache.png is in "},
        {{"--learn", photos, "--convert", out, "--views", "11"}, 2, "--views"},
        {{"--learn", photos, "--convert", out, "--method", "svm"}, 2, "expected logistic|prototype"},
        {{"--learn", photos, "--convert", out, "--method", "prototype", "--balanced"}, 2, "treats all classes equally already"},
        {{"--learn", photos, "--convert", out, "--labels", folder / "notes"}, 2, "leave --labels out"},
        {{"--learn", photos, "--convert", out, photos}, 2, "leave the inputs out"},
        {{"--learn", photos, "--convert", out, "--batch", "2"}, 2, "leave --repeat and --batch out"},
        {{"--learn", photos, "--convert", out, "--format", "csv"}, 2, "--learn reports as --format text or jsonl"},
        {{"--learn", photos, "--convert", out, "--out", folder / "records"}, 2, "--learn and --similar make none"},
        {{"--views", "2", photos}, 2, "are for --learn"},
        {{"--cache", folder / "c", photos}, 2, "are for --learn and --similar"},
        {{"--similar", one + "/a/p.png"}, 2, "no inputs given"},
        {{"--similar", one + "/a/p.png", one + "/a/p.png"}, 2, "expected other photos to compare with, found none"},
        {{"--similar", one + "/a/p.png", "--sheet", unreadable + "/sheet.png", link},
         2,
         "/link, where the next run would take it for a photo"},
        {{"--similar", one + "/a/p.png", "--sheet", unreadable + "/a/sheet.png", linked}, 2, "linked/a, where the next run would"},
        {{"--similar", one + "/a/p.png", "--cache", photos + "/red/cache.png", photos}, 2, "--cache: " + photos + "/red/cache.png is in "},
        {{"--similar", one + "/a/p.png", "--sheet", photos + "/red/0.png", photos + "/green/0.png", link + "/../photos/red/0.png"},
         2,
         "--sheet and the input are the same file"},
        {{"--similar", unreadable + "/b/p.png", "--cache", folder / "queried", photos}, 1, "p.png cannot be embedded"},
        {{"--similar", one + "/a/p.png", "--evaluate", photos}, 2, "leave"},
    };
    for (const auto& c : cases) {
        const outcome o = classify(c.arguments);
        INFO(c.sentence << " | " << o.err);
        CHECK(o.code == c.code);
        CHECK(o.out.empty());
        CHECK(contains(o.err, c.sentence));
        CHECK_FALSE(fs::exists(out));
    }
    CHECK(fs::is_empty(folder / "new"));
    CHECK(fs::is_empty(deep));
    CHECK(fs::is_empty(unreadable + "/b/below"));
    CHECK(fs::file_size(folder / "queried") < 100);  // no photo was embedded for a query that cannot be
}

TEST_CASE("--learn: a sheet beside the class folders is not taken for a photo by the next run, one in the working folder may be", "[cli]") {
    const temporary_folder folder;
    const std::string photos = write_set(folder, 4), sheet = photos + "/sheet.png";
    fs::copy_file(photos + "/red/0.png", photos + "/green/red.png");  // its label is in doubt, so there is a sheet
    CHECK(report_of({"--learn", photos, "--convert", folder / "first", "--sheet", sheet})["photos"] == 13);
    CHECK(fs::exists(sheet));
    CHECK(report_of({"--learn", photos, "--convert", folder / "second", "--sheet", sheet})["photos"] == 13);
    const fs::path here = fs::current_path();
    fs::current_path(photos + "/red");
    const outcome o = classify({"--learn", photos, "--convert", folder / "third", "--sheet", "sheet.png"});
    fs::current_path(here);
    CHECK(o.code == 2);
    CHECK(contains(o.err, "--sheet: sheet.png is in " + photos + "/red, where the next run would take it for a photo"));
    CHECK_FALSE(fs::exists(folder / "third"));
}

TEST_CASE("--learn: a model whose embeddings are not finite is named as the reason", "[cli]") {
    const temporary_folder folder;
    const std::string photos = write_set(folder, 2), model = folder / "model";
    write_changed_model(model, [](json& header, std::string& data) {
        const std::size_t bias = header["layernorm.bias"]["data_offsets"][0];
        data.replace(bias, 2, "\x00\x7E", 2);  // NaN in F16
    });
    const outcome o = classify(learning({"--model", model, "--learn", photos, "--convert", folder / "mine"}));
    CHECK(o.code == 1);
    CHECK(contains(o.err, "class blue sky: expected a photo that can be embedded, found none among 2; the first is " + photos +
                              "/blue sky/0.png: the embedding contains NaN or infinite values"));
    CHECK_FALSE(fs::exists(folder / "mine"));
}

TEST_CASE("--learn: a model that cannot have a head is refused before any photo is read", "[cli]") {
    const temporary_folder folder;
    const std::string photos = write_set(folder, 1), model = folder / "model";
    write_changed_model(model, [](json& header, std::string&) {  // the encoder alone, as transformers' CvtModel
        for (const char* name : {"layernorm.weight", "layernorm.bias", "classifier.weight", "classifier.bias"}) {
            header["unused " + std::string{name}] = header[name];
            header.erase(name);
        }
    });
    const outcome o = classify({"--model", model, "--learn", photos, "--convert", folder / "mine", "--cache", folder / "cache"});
    CHECK(o.code == 2);
    CHECK(contains(o.err, "--learn: the model has no final norm, so it cannot have a head"));
    CHECK_FALSE(fs::exists(folder / "cache"));
}

#if CVT_TEST_HAS_LBFGS
TEST_CASE("--learn: an interrupt while the head is learned says so, writes no model and keeps the cache", "[cli]") {
    const temporary_folder folder;
    const std::string photos = write_set(folder, 40), out = folder / "mine", cache = folder / "cache";
    const std::vector<std::string> learn{"--learn", photos, "--convert", out, "--cache", cache, "--size", "32", "--views", "10"};
    constexpr std::uintmax_t records = 3 * 40 * 10, bytes = 80 + 192 * 4 + 8;  // of the cache
    running_classify run{learn};
    std::error_code missing;
    while (!fs::exists(cache) || fs::file_size(cache, missing) < records * bytes) std::this_thread::sleep_for(std::chrono::milliseconds{1});
    const int file = ::open(cache.c_str(), O_RDONLY | O_CLOEXEC);
    while (::flock(file, LOCK_EX | LOCK_NB) != 0)  // until the run closes its cache, to learn
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
    ::close(file);
    run.interrupt();
    const std::string messages = run.read_messages();
    CHECK(run.wait() == 130);
    CHECK(contains(messages, "interrupted while the head was learned; no model was written, and the cache keeps the embeddings"));
    CHECK(run.read_output().empty());
    CHECK_FALSE(fs::exists(out));
    CHECK(report_of(learn)["cached"] == 120);
}
#endif

#if !CVT_TEST_HAS_LBFGS
TEST_CASE("--learn: without liblbfgs, logistic regression is refused, and the message names the package", "[cli]") {
    const temporary_folder folder;
    const outcome o = classify({"--learn", write_set(folder, 2), "--convert", folder / "mine"});
    CHECK(o.code == 1);
    CHECK(contains(o.err, "built without liblbfgs (Debian: liblbfgs-dev)"));
    CHECK_FALSE(fs::exists(folder / "mine"));
}
#endif

TEST_CASE("--similar: the nearest photos, from the cache of --learn, on a sheet", "[cli]") {
    const temporary_folder folder;
    const std::string photos = write_set(folder, 4), cache = folder / "cache", query = photos + "/green/2.png";
    REQUIRE(classify(learning({"--learn", photos, "--convert", folder / "mine", "--cache", cache})).code == 0);
    const auto size = fs::file_size(cache);
    const json found = report_of({"--similar", query, "--top-k", "3", "--cache", cache, "--sheet", folder / "sheet.png", photos});
    CHECK(fs::file_size(cache) == size);  // nothing new
    CHECK(found["path"] == query);
    CHECK(found["photos"] == 11);
    REQUIRE(found["similar"].size() == 3);
    double last = 1;
    for (const json& s : found["similar"]) {
        CHECK(contains(s["path"], "/green/"));
        CHECK(s["path"] != query);
        CHECK(s["cosine"] <= last);
        last = s["cosine"];
    }
    const std::string sheet = read_file(folder / "sheet.png");
    REQUIRE(sheet.size() > 24);
    CHECK(static_cast<int>(static_cast<unsigned char>(sheet[18])) * 256 + static_cast<unsigned char>(sheet[19]) == 4 * 200 + 8);
    const outcome text = classify({"--similar", query, photos + "/green/1.png", photos + "/red"});
    CHECK(text.code == 0);
    CHECK(lines_of(text.out).size() == 6);
    CHECK(contains(lines_of(text.out)[1], "/green/1.png"));

    // A file that is given twice, or by two names, is one neighbour.
    fs::create_symlink(photos, folder / "link");
    const json once = report_of({"--similar", query, "--top-k", "20", photos + "/green", photos + "/green/1.png", folder / "link/green"});
    CHECK(once["photos"] == 3);
    CHECK(once["similar"].size() == 3);
}
