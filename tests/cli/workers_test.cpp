// --workers: several workers give the same results as one, in every kind of run.
#include <cvt/extra/npy.hpp>
#include <map>

#include "classify.hpp"
#include "pictures.hpp"

using namespace cvt_test;

namespace {

std::vector<std::string> with(std::vector<std::string> arguments, const std::vector<std::string>& more) {
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
}

/// All of a folder's files by name.
std::map<std::string, std::string> contents(const std::filesystem::path& directory) {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator{directory}) files[entry.path().filename().string()] = read_file(entry);
    return files;
}

/// Photos of many sizes, so that workers overtake each other, mixed with inputs that fail in different ways.
std::vector<std::string> mixed_inputs(const temporary_folder& folder) {
    std::vector<std::string> inputs;
    std::ofstream{folder / "broken.jpg"} << "no JPEG";
    std::filesystem::create_directory(folder / "empty");
    std::filesystem::create_directory(folder / "copies");
    for (int i = 0; i < 23; ++i) {
        const std::string name = std::to_string(i);
        if (i % 7 == 3)
            inputs.push_back(folder / "broken.jpg");
        else if (i % 7 == 5)
            inputs.push_back(i == 5 ? folder / "empty" : folder / ("missing" + name + ".png"));
        else
            inputs.push_back(i % 2 == 0 ? write_png(folder / (name + ".png"), 40 + 97 * ((5 * i) % 11), 33 + 61 * (i % 9), i + 1)
                                        : write_jpeg(folder / (name + ".jpg"), 700 - 29 * i, 90 + 7 * i, i + 1));
    }
    inputs.push_back(write_png(folder / "copies/2.png", 50, 50, 7));  // its picture needs a different name from that of 2.png
    return inputs;
}

}  // namespace

TEST_CASE("several workers write the same bytes as one", "[cli]") {
    const temporary_folder folder;
    const std::vector<std::string> inputs = mixed_inputs(folder);
    for (const char* batch : {"1", "3"}) {
        const auto run = [&](const char* workers, const std::string& name) {
            std::filesystem::create_directory(folder / name);
            const std::string to = folder / (name + "/");
            std::vector<std::string> arguments{"--size",       "48",         "--batch",     batch,       "--workers",
                                               workers,        "--logits",   to + "l.npy",  "--out",     to + "r.text",
                                               "--dump-input", to + "i.npy", "--embedding", to + "e.npy"};
            const outcome o = classify(with(arguments, inputs));
            INFO(o.err);
            CHECK(o.code == 1);
            CHECK(o.err.find("6 of 24 inputs failed") != std::string::npos);
            return contents(folder / name);
        };
        const auto one = run("1", std::string{"one"} + batch), four = run("4", std::string{"four"} + batch);
        REQUIRE(one.size() == 4);
        CHECK(one.at("r.text").size() > 2000);
        for (const auto& [name, bytes] : one) {
            INFO(name << ", batches of " << batch);
            CHECK(four.at(name) == bytes);
        }
    }
}

TEST_CASE("several workers draw the same pictures as one, with the same names", "[cli]") {
    const temporary_folder folder;
    const std::vector<std::string> inputs = mixed_inputs(folder);
    const auto run = [&](const char* workers, const char* batch) {
        std::filesystem::remove_all(folder / "maps");
        const outcome o = classify(with({"--workers", workers, "--batch", batch, "--attention", folder / "maps"}, inputs));
        CHECK(o.code == 1);
        return std::pair{o.out, contents(folder / "maps")};
    };
    const auto one = run("1", "1");
    CHECK(one.second.size() == 18);
    CHECK(one.second.contains("2-2.attention.png"));
    CHECK(run("3", "2") == one);
    CHECK(run("64", "8") == one);  // each may keep 2 MiB of photos, so it runs a batch in parts
}

TEST_CASE("several workers run tensors and archives as one does", "[cli]") {
    const temporary_folder folder;
    const std::vector<std::string> inputs = mixed_inputs(folder);
    const std::string tensors = folder / "x.npy", archive = folder / "x.tar";
    REQUIRE(classify(with({"--size", "48", "--dump-input", tensors}, {inputs[0], inputs[1], inputs[2], inputs[4], inputs[6]})).code == 0);
    REQUIRE(std::system(("cd " + (folder / ".") + " && tar -cf x.tar *.png broken.jpg").c_str()) == 0);
    for (const std::vector<std::string>& arguments :
         {std::vector<std::string>{"--input", tensors}, std::vector<std::string>{"--size", "48", "--tar", archive}}) {
        const outcome one = classify(with({"--batch", "2"}, arguments)),
                      many = classify(with({"--batch", "2", "--workers", "5"}, arguments));
        CHECK(lines_of(one.out).size() >= 30);
        CHECK(many.out == one.out);
        CHECK(many.code == one.code);
    }
}

TEST_CASE("--evaluate gives the same report with several workers as with one", "[cli]") {
    const temporary_folder folder;
    for (int i = 0; i < 9; ++i) {
        std::filesystem::create_directories(folder / ("set/" + std::to_string(i % 3)));
        write_png(folder / ("set/" + std::to_string(i % 3) + "/" + std::to_string(i) + ".png"), 50 + 100 * (i % 4), 60, i + 1);
    }
    std::ofstream{folder / "set/1/broken.png"} << "no PNG";
    const auto run = [&](const char* workers) {
        const outcome o = classify({"--evaluate", folder / "set", "--workers", workers, "--batch", "2", "--format", "jsonl"});
        CHECK(o.code == 1);
        json report = parse_json(o.out);
        CHECK(report["workers"] == std::stoi(workers));
        for (const char* different : {"seconds", "images_per_second", "workers"}) report.erase(different);
        return report;
    };
    const json one = run("1");
    CHECK(one["images"] == 9);
    CHECK(run("4") == one);
}

TEST_CASE("--fail-fast and --max-errors end at the same record with several workers", "[cli]") {
    const temporary_folder folder;
    const std::vector<std::string> inputs = mixed_inputs(folder);
    const std::pair<std::vector<std::string>, std::size_t> cases[]{
        {{"--fail-fast"}, 4}, {{"--max-errors", "1"}, 6}, {{"--max-errors", "3"}, 13}, {{"--max-errors", "99"}, 24}};
    for (const auto& [when, records] : cases)
        for (const char* batch : {"1", "3"}) {
            const auto run = [&, &arguments = when](const char* workers) {
                return classify(with(with({"--size", "32", "--workers", workers, "--batch", batch}, arguments), inputs));
            };
            const outcome one = run("1"), four = run("4");
            INFO(when[0] << ' ' << records << ", batches of " << batch);
            CHECK(one.err.find("of " + std::to_string(records) + " inputs failed") != std::string::npos);
            CHECK(four.out == one.out);
            CHECK(four.err == one.err);
            CHECK(four.code == 1);
        }
}

TEST_CASE("several workers answer a path that is sent alone at once", "[cli]") {
    const temporary_folder folder;
    const std::string a = write_png(folder / "a.png");
    running_classify run{{"--size", "32", "--format", "jsonl", "--workers", "3", "--batch", "8", "-"}};
    for (int i = 0; i < 3; ++i) {
        run.write(a + '\n');
        CHECK(parse_json(run.read_line())["path"] == a);
    }
    // Never more than two in flight: the test sends a path for each record.
    run.write(a + '\n');
    for (int i = 0; i < 10; ++i) {
        run.write((folder / "gone.png") + '\n');
        CHECK(parse_json(run.read_line()).contains(i == 0 ? "top" : "error"));
    }
    run.close_input();
    CHECK(lines_of(run.read_output()).size() == 1);
    CHECK(run.wait() == 1);
}

TEST_CASE("an interrupt of several workers leaves whole first records, and --resume adds the rest", "[cli]") {
    const temporary_folder folder;
    std::filesystem::create_directory(folder / "photos");
    const std::string photo = write_png(folder / "photo.png", 800, 600);
    std::vector<std::string> all;
    for (int i = 100; i < 220; ++i) {
        all.push_back(folder / ("photos/" + std::to_string(i) + ".png"));
        std::filesystem::create_hard_link(photo, all.back());
    }
    const std::vector<std::string> arguments{"--workers", "3",     "--batch",          "6",        "--size",         "32", "--format",
                                             "jsonl",     "--out", folder / "r.jsonl", "--resume", folder / "photos"};
    running_classify run{arguments};
    // Each worker is then in the middle of a batch: records of later batches must not follow a gap.
    while (read_file(folder / "r.jsonl").empty()) ::usleep(10'000);
    run.interrupt();
    CHECK(run.wait() == 130);
    const std::string before = read_file(folder / "r.jsonl");
    const std::vector<std::string> done = lines_of(before);
    REQUIRE(before.ends_with('\n'));
    REQUIRE(done.size() < all.size());
    for (std::size_t i = 0; i < done.size(); ++i) CHECK(parse_json(done[i])["path"] == all[i]);
    CHECK(classify(arguments).code == 0);
    const std::vector<std::string> after = lines_of(read_file(folder / "r.jsonl"));
    REQUIRE(after.size() == all.size());
    for (std::size_t i = 0; i < after.size(); ++i) CHECK(parse_json(after[i])["path"] == all[i]);
}

TEST_CASE("several workers end if the reader closes the pipe", "[cli]") {
    const temporary_folder folder;
    const std::string photo = write_png(folder / "a.png");
    running_classify run{{"--format", "jsonl", "--workers", "3", "-"}};
    for (int i = 0; i < 50; ++i) run.write(photo + '\n');
    CHECK_FALSE(run.read_line().empty());
    run.close_output();
    CHECK(run.read_messages().empty());
    CHECK(run.wait() == 141);
}

TEST_CASE("--workers refuses wrong numbers, and modes without inputs to share", "[cli]") {
    const temporary_folder folder;
    const std::string photo = write_png(folder / "a.png");
    const std::pair<std::vector<std::string>, const char*> cases[]{
        {{"0", photo}, "--workers"},
        {{"257", photo}, "--workers"},
        {{"x", photo}, "--workers"},
        {{"2", "--repeat", "3", photo}, "--repeat times one forward pass"},
        {{"2", "--info"}, "leave --workers out"},
        {{"2", "--verify"}, "leave --workers out"},
        {{"2", "--model", photo, "--convert", folder / "out"}, "leave --workers out"},
    };
    for (const auto& [arguments, sentence] : cases) {
        const outcome o = classify(with({"--workers"}, arguments));
        INFO(sentence << "\n" << o.err);
        CHECK(o.code == 2);
        CHECK(o.out.empty());
        CHECK(o.err.find(sentence) != std::string::npos);
        CHECK(lines_of(o.err).size() == 1);
    }
    CHECK(classify({"--workers", "1", "--info"}).code == 0);
    CHECK(classify({"--help"}).out.find("--workers") != std::string::npos);
}
