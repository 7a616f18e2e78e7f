// --evaluate: matching of folders to classes, counts, the two report formats, refusals.
#include <map>

#include "evaluation.hpp"

using namespace cvt_test;

TEST_CASE("--evaluate agrees with the records", "[cli]") {
    const temporary_folder folder;
    put(folder, "set/church", church, "a.JPG");
    put(folder, "set/church", golf_ball, "b.png");  // mislabelled: a confusion
    put(folder, "set/golf ball", golf_ball, "a.png");
    put(folder, "set/golf ball", golf_ball, "b.png");
    put(folder, "set/parachute", church, "a.jpg");
    const std::string second = classify({"--format", "jsonl", church}).records().at(0)["top"][1]["label"];
    put(folder, "set/" + second, church, "a.jpg");  // wrong, but among the first five
    put(folder, "set/.hidden", church, "a.jpg");
    std::ofstream{folder / "set/README"} << "no folder";
    for (const char* batch : {"1", "3"}) {
        const json r = report_of({"--evaluate", folder / "set", "--batch", batch});
        CHECK(r["images"] == 6);
        CHECK(r["failed"] == 0);
        CHECK(r["not_run"] == 0);
        CHECK(r["top1"].get<double>() == Approx(3 / 6.0));
        CHECK(r["seconds"].get<double>() > 0);
        CHECK(r["images_per_second"].get<double>() > 0);
        REQUIRE(r["classes"].size() == 4);
        std::map<std::string, json> classes;
        for (const json& c : r["classes"]) classes[c["label"]] = c;
        CHECK(classes["church"]["index"] == 104);
        CHECK(classes["church"]["images"] == 2);
        CHECK(classes["church"]["top1"] == 0.5);
        CHECK(classes["golf ball"]["top1"] == 1);
        CHECK(classes["parachute"]["top1"] == 0);
        CHECK(classes[second]["top1"] == 0);
        CHECK(classes[second]["top5"] == 1);
        std::map<int, int> taken_for{{104, 125}, {145, 104}, {classes[second]["index"], 104}};  // by class
        json confusions = json::array();
        for (const auto& [expected, found] : taken_for) confusions.push_back({{"expected", expected}, {"found", found}, {"images", 1}});
        CHECK(r["confusions"] == confusions);
        for (std::size_t i = 1; i < 4; ++i) CHECK(r["classes"][i - 1]["index"] < r["classes"][i]["index"]);
        CHECK(r["failures"].empty());

        // top-5, compared with the records of the same photos
        const auto among_five = [](const std::string& photo, const std::string& label) {
            const json top = classify({"--format", "jsonl", photo}).records().at(0)["top"];
            int found = 0;
            for (const json& entry : top) found += entry["label"] == label ? 1 : 0;
            return found;
        };
        const int five = 4 + among_five(golf_ball, "church") + among_five(church, "parachute");
        CHECK(r["top5"].get<double>() == Approx(five / 6.0));
    }
}

TEST_CASE("the report as text", "[cli]") {
    const temporary_folder folder;
    put(folder, "church", church, "a.jpg");
    put(folder, "church", golf_ball, "b.png");
    put(folder, "golf ball", golf_ball, "a.png");
    put(folder, "parachute", church, "a.jpg");
    const outcome o = classify({"--evaluate", folder.path()});
    CHECK(o.code == 0);
    CHECK(o.err.empty());
    const auto lines = lines_of(o.out);
    REQUIRE(lines.size() == 8);
    CHECK(lines[0] == "images   4 in 3 classes");
    CHECK(lines[1] == "top-1    50.00 % (2 of 4)");
    CHECK(lines[2].starts_with("top-5    "));
    CHECK(lines[3].find(" images per second, ") != std::string::npos);
    CHECK(lines[3].ends_with(" s with 1 thread"));
    CHECK(lines[5].starts_with("hardest classes"));
    CHECK(lines[6].starts_with("parachute "));
    CHECK(lines[6].ends_with("  1    0.0 %  church 1"));
    CHECK(lines[7].starts_with("church "));
    CHECK(lines[7].ends_with("  2   50.0 %  golf ball 1"));
}

TEST_CASE("broken images and empty folders are reported and not counted", "[cli]") {
    const temporary_folder folder;
    put(folder, "church", church, "a.jpg");
    std::ofstream{folder / "church/b.png"} << "hello";
    std::filesystem::create_directories(folder / "tench");
    for (const char* batch : {"1", "4"}) {
        const json r = report_of({"--evaluate", folder.path(), "--batch", batch}, 1);
        CHECK(r["images"] == 1);
        CHECK(r["failed"] == 2);
        CHECK(r["top1"] == 1);
        REQUIRE(r["failures"].size() == 2);
        CHECK(r["failures"][0]["path"] == folder / "church/b.png");
        CHECK(r["failures"][0]["error"]["code"] == "unsupported");
        CHECK(r["failures"][1]["path"] == folder / "tench");
        CHECK(r["failures"][1]["error"]["message"].get<std::string>().find("in this folder, found none") != std::string::npos);
    }
    const outcome o = classify({"--evaluate", folder.path()});
    CHECK(o.code == 1);
    CHECK(o.out.starts_with("images   1 in 1 class, 2 failed and not counted\n"));
    CHECK(o.err.find("classify: " + folder / "church/b.png" + ": ") != std::string::npos);

    std::filesystem::remove(folder / "church/a.jpg");
    CHECK(report_of({"--evaluate", folder.path()}, 1)["top1"].is_null());
}

TEST_CASE("folders are named by label, in any spelling, or by index", "[cli]") {
    const temporary_folder folder;
    for (const char* name : {"CHURCH", "golf_ball", "Golf  Ball", "125", "0125"}) {
        const temporary_folder set;
        put(set, name, golf_ball, "a.png");
        const json r = report_of({"--evaluate", set.path()});
        CHECK(r["classes"][0]["index"] == (std::string{name} == "CHURCH" ? 104 : 125));
    }
    put(folder, "golf ball", golf_ball, "a.png");
    put(folder, "125", golf_ball, "a.png");
    refused({"--evaluate", folder.path()}, "125 and golf ball are both class 125");
}

TEST_CASE("--classes maps folders to classes", "[cli]") {
    const temporary_folder folder;
    put(folder, "set/n03028079", church, "a.jpg");
    put(folder, "set/n03445777", golf_ball, "a.png");
    const std::string set = folder / "set", file = folder / "classes.txt";
    const auto classes = [&](const std::string& text) {
        std::ofstream{file, std::ios::binary} << text;
        return std::vector<std::string>{"--evaluate", set, "--classes", file};
    };
    refused({"--evaluate", set}, "the model has no class named \"n03028079\"; use --classes FILE to map WordNet ids to classes");
    // labels as in ImageNet's own list, with lines of classes that the model does not have
    CHECK(report_of(classes(
              "n01440764 tench, Tinca tinca\r\nn01443537 goldfish\r\n\r\nn03445777\tgolf ball\r\nn03028079 church, church building\r\n"))
              ["top1"] == 1);
    CHECK(report_of(classes("n03445777 125\nn03028079 104"))["top1"] == 1);
    CHECK(report_of(classes("\xEF\xBB\xBFn03028079 125\nn03445777 104\n"))["top1"] == 0);
    std::string lines;  // line n is class n
    for (int i = 0; i < class_count; ++i)
        lines += (i == 104 ? "n03028079" : i == 125 ? "n03445777" : "n" + std::to_string(i)) + std::string{"\n"};
    CHECK(report_of(classes(lines))["top1"] == 1);
    refused(classes("a\nn03028079\nn03445777\n"), "expected 219 such lines, found 3 among 3");
    refused(classes("n03028079 104\n"), "has no line for \"n03445777\"");
    refused(classes("n03028079 104\nn03445777 219\n"), "the model has classes 0 to 218, not 219");
    refused(classes("n03028079 chruch\nn03445777 125\n"), "did you mean \"church\"?");
    refused(classes("n03028079 104\nn03028079 104\n"), "\"n03028079\" is listed twice");
    refused(classes(""), "found none");
    refused(classes("n03028079 x\nn03445777 y\n"), "(and 1 more folder)");
    CHECK(report_of({"--evaluate", set, "--classes", CVT_WEIGHTS "/classes.tsv"})["top1"] == 1);
}

TEST_CASE("labels that two classes share are distinguished by index or by line", "[cli]") {
    const temporary_folder folder;
    std::ofstream labels{folder / "labels.txt"};
    for (int i = 0; i < class_count; ++i)
        labels << (i == 4 ? "crane, bird" : i == 8 || i == 9 ? "crane" : "label " + std::to_string(i)) << '\n';
    labels.close();
    const std::vector<std::string> with{"--labels", folder / "labels.txt", "--evaluate", folder / "set"};
    put(folder, "set/crane", golf_ball, "a.png");
    refused(with, "\"crane\" is the label of classes 8 and 9; use an index instead");
    std::ofstream file{folder / "classes.txt"};
    for (int i = 0; i < class_count; ++i)
        file << (i == 8 ? "crane" : "other" + std::to_string(i)) << '\t' << (i == 8 || i == 9 ? "crane" : "label 0") << '\n';
    file.close();
    std::vector<std::string> mapped = with;
    mapped.insert(mapped.end(), {"--classes", folder / "classes.txt"});
    CHECK(report_of(mapped)["classes"][0]["index"] == 8);
}

TEST_CASE("invalid evaluations are wrong usage", "[cli]") {
    const temporary_folder folder;
    std::filesystem::create_directories(folder / "empty");
    put(folder, "set/chrch", church, "a.jpg");
    refused({"--evaluate", folder / "empty"}, "expected one folder per class, found none");
    refused({"--evaluate", folder / "missing"}, "expected a folder or a list, found no ");
    refused({"--evaluate", folder / "set"}, "the model has no class named \"chrch\"; did you mean \"church\"?");
    refused({"--evaluate", folder / "set", church}, "leave other inputs out");
    refused({"--evaluate", folder / "set", "--info"}, "leave --info, --verify and --convert out");
    refused({"--evaluate", folder / "set", "--top-k", "3"}, "--top-k out");
    refused({"--evaluate", folder / "set", "--logits", folder / "l.npy"}, "the .npy files out");
    refused({"--evaluate", folder / "set", "--attention", folder / "maps"}, "--attention out");
    refused({"--evaluate", folder / "set", "--format", "csv"}, "text or jsonl");
    refused({"--classes", folder / "set/chrch/a.jpg", church}, "give both");
    CHECK_FALSE(std::filesystem::exists(folder / "l.npy"));
}

TEST_CASE("an interrupt ends an evaluation with a report of what ran", "[cli]") {
    const temporary_folder folder;
    std::filesystem::create_directories(folder / "church");
    constexpr int images = 1000;
    for (int i = 0; i < images; ++i) std::filesystem::create_symlink(church, folder / ("church/" + std::to_string(i) + ".jpg"));
    running_classify run{{"--format", "jsonl", "--evaluate", folder.path()}};
#if defined(__linux__) && !defined(CVT_PORTABLE_ONLY)
    // The run has begun when the process has read more bytes than the program itself has.
    const auto photo_size = std::filesystem::file_size(church);
    const auto bytes_read = [&] {
        const std::string io = read_file("/proc/" + std::to_string(run.id()) + "/io");
        return io.starts_with("rchar: ") ? std::stoull(io.substr(7)) : 0;
    };
    for (int patience = 6000; bytes_read() < 100 * photo_size && patience > 0; --patience) ::usleep(10'000);
#else
    ::usleep(500'000);  // all photos take much longer, the first ones do not
#endif
    run.interrupt();
    const json r = parse_json(run.read_line());
    CHECK(run.wait() == 130);
    CHECK(r["images"] > 0);
    CHECK(r["failed"] == 0);
    CHECK(r["not_run"] > 0);
    CHECK(r["images"].get<int>() + r["not_run"].get<int>() == images);
}
