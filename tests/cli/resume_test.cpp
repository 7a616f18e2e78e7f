// --out and --resume: a record file cut at any byte is continued without losing or repeating a record.
#include <sys/file.h>

#include "classify.hpp"
#include "pictures.hpp"

using namespace cvt_test;

namespace {

/// Three photos, one of them twice, and a broken one; a run over them into `out`.
struct job {
    temporary_folder folder;
    std::string out = folder / "out.jsonl";
    std::vector<std::string> inputs;

    job() {
        inputs = {write_png(folder / "a.png"), write_png(folder / "b.png", 40, 60, 5), folder / "gone.png", folder / "a.png",
                  write_png(folder / "odd \xFF\"\\.png")};
    }
    /// Adds enough missing files that each of two shards gets some, whatever the path of the folder.
    void add_missing_inputs() {
        for (int i = 0; i < 60; ++i) inputs.push_back(folder / "more-" + std::to_string(i) + ".png");
    }
    [[nodiscard]] outcome run(std::vector<std::string> more = {}) const {
        std::vector<std::string> all{"--size", "32", "--format", "jsonl", "--top-k", "1", "--out", out};
        all.insert(all.end(), more.begin(), more.end());
        all.insert(all.end(), inputs.begin(), inputs.end());
        return classify(all);
    }
    void set(const std::string& text) const { std::ofstream{out, std::ios::binary} << text; }
    [[nodiscard]] std::string text() const { return read_file(out); }
    /// Without the times, which differ between runs.
    [[nodiscard]] json records() const {
        json all = json::array();
        for (const std::string& line : lines_of(text())) {
            all.push_back(parse_json(line));
            all.back().erase("ms");
        }
        return all;
    }
};

/// Makes eight files, every other one broken, with names that differ only in bytes that are not UTF-8. They are created out of order,
/// since the system may list them in any.
std::string folder_of_names_without_characters(const std::string& path) {
    std::filesystem::create_directory(path);
    for (const int i : {5, 0, 7, 2, 4, 1, 6, 3}) {
        const std::string name = path + "/p" + static_cast<char>(0x80 + i) + ".png";
        if (i % 2 == 0)
            write_png(name);
        else
            std::ofstream{name} << "broken";
    }
    return path;
}

}  // namespace

TEST_CASE("--out writes the same records as standard output", "[cli]") {
    const job j;
    const outcome o = j.run();
    CHECK(o.code == 1);
    CHECK(o.out.empty());
    std::vector<std::string> arguments{"--size", "32", "--format", "jsonl", "--top-k", "1"};
    arguments.insert(arguments.end(), j.inputs.begin(), j.inputs.end());
    json expected = classify(arguments).records();
    for (json& r : expected) r.erase("ms");
    CHECK(j.records() == expected);
}

TEST_CASE("--out does not overwrite records", "[cli]") {
    const job j;
    CHECK(j.run().code == 1);
    const std::string before = j.text();
    const outcome again = j.run();
    CHECK(again.code == 2);
    CHECK(again.err.find("--resume continues it") != std::string::npos);
    const outcome table = classify({"--format", "csv", "--out", j.out, j.inputs[0]});
    CHECK(table.code == 2);
    CHECK(table.err.find("exists and is not overwritten\n") != std::string::npos);
    CHECK(j.text() == before);
}

TEST_CASE("a file cut at any byte is continued to the same records", "[cli]") {
    const job j;
    CHECK(j.run({"--resume"}).code == 1);  // nothing to continue yet
    const std::string whole = j.text();
    const json expected = j.records();
    REQUIRE(expected.size() == 5);
    const std::size_t last_line = whole.rfind('\n', whole.size() - 2) + 1;
    // Every byte of the last record, and some bytes before.
    for (std::size_t cut = 0; cut <= whole.size(); cut += cut < last_line ? 23 : 1) {
        INFO(cut);
        j.set(whole.substr(0, cut));
        const outcome o = j.run({"--resume"});
        CHECK(o.code == 1);
        CHECK(j.records() == expected);
        const bool torn = cut > 0 && whole[cut - 1] != '\n';
        CHECK((o.err.find("the last record was incomplete") != std::string::npos) == torn);
        CHECK(j.text().starts_with(whole.substr(0, whole.rfind('\n', cut == 0 ? 0 : cut - 1) + 1)));
    }
}

TEST_CASE("zeros after a crash of the machine are an incomplete record, too", "[cli]") {
    const job j;
    static_cast<void>(j.run());
    const std::string whole = j.text();
    const json expected = j.records();
    const std::size_t second = whole.find('\n') + 1;
    for (const std::string& tail : {std::string(700, '\0'), whole.substr(second, 30) + std::string(90, '\0')}) {
        j.set(whole.substr(0, second) + tail);
        CHECK(j.run({"--resume"}).code == 1);
        CHECK(j.records() == expected);
    }
}

TEST_CASE("inputs with a record are not read again, in any order; new ones are", "[cli]") {
    job j;
    static_cast<void>(j.run());
    const std::string whole = j.text();
    std::filesystem::remove(j.inputs[1]);
    std::swap(j.inputs[0], j.inputs[1]);
    j.inputs.insert(j.inputs.begin(), write_png(j.folder / "new.png"));
    j.inputs.push_back(j.inputs[2]);  // a.png, for the third time
    const outcome o = j.run({"--resume"});
    CHECK(o.code == 1);  // as gone.png failed before
    CHECK(o.err.find("5 inputs were done in an earlier run, 1 of them failed") != std::string::npos);
    CHECK(j.text().starts_with(whole));
    const json records = j.records();
    REQUIRE(records.size() == 7);
    CHECK(records[5]["path"] == j.folder / "new.png");
    CHECK(records[6]["path"] == j.folder / "a.png");
}

TEST_CASE("file names that look the same in a record are continued in their order", "[cli]") {
    job j;
    const std::string photos = folder_of_names_without_characters(j.folder / "photos");
    j.inputs = {photos};
    CHECK(j.run().code == 1);
    const std::string whole = j.text();
    const json expected = j.records();
    REQUIRE(expected.size() == 8);
    for (std::size_t kept = 1, end = 0; kept < 8; ++kept) {
        CAPTURE(kept);
        end = whole.find('\n', end) + 1;
        j.set(whole.substr(0, end));
        CHECK(j.run({"--resume"}).code == 1);
        CHECK(j.records() == expected);
    }
}

TEST_CASE("--resume compares ids, too", "[cli]") {
    const job j;
    const auto line = [&](const std::string& id) {
        return R"({"path": ")" + j.inputs[0] + "\"" + (id.empty() ? "" : ", \"id\": " + id) + "}\n";
    };
    const std::vector<std::string> arguments{"--size", "32", "--format", "jsonl", "--out", j.out, "--resume", "-"};
    CHECK(classify(arguments, line("\"1\"") + line("2")).code == 0);
    CHECK(j.records().size() == 2);
    CHECK(classify(arguments, line("1") + line("\"1\"") + line("") + line("2")).code == 0);
    const json records = j.records();
    REQUIRE(records.size() == 4);
    CHECK(records[2]["id"] == 1);
    CHECK_FALSE(records[3].contains("id"));
}

TEST_CASE("the records of invalid lines are continued, too", "[cli]") {
    const job j;
    const std::vector<std::string> arguments{"--size", "32", "--format", "jsonl", "--out", j.out, "--resume", "", "-"};
    const std::string lines = j.inputs[0] + '\0' + j.inputs[1] + "\n{\"path\": \"\"}\n{\n";
    CHECK(classify(arguments, lines).code == 1);
    CHECK(j.records().size() == 4);
    const std::string before = j.text();
    const outcome again = classify(arguments, lines);
    CHECK(again.code == 1);
    CHECK(again.err.find("4 inputs were done in an earlier run, 4 of them failed") != std::string::npos);
    CHECK(j.text() == before);
}

TEST_CASE("records that another tool has rewritten count", "[cli]") {
    const job j;
    static_cast<void>(j.run());
    std::string compact;
    for (const std::string& line : lines_of(j.text())) compact += parse_json(line).dump() + '\n';
    j.set(compact);
    CHECK(j.run({"--resume"}).code == 1);
    CHECK(j.text() == compact);
}

TEST_CASE("a file without records is not changed", "[cli]") {
    const job j;
    static_cast<void>(j.run());
    const std::string whole = j.text(), first = whole.substr(0, whole.find('\n') + 1);
    const std::pair<std::string, const char*> wrong[]{
        {"hello", "after its last whole line: not a record"},
        {"hello\n", "line 1: not a record"},
        {first + "\n" + first, "line 2: not a record"},
        {first + "{\"path\": \"a\"}\n", "line 2: not a record of --format jsonl: neither"},
        {first + "{\"path\": \"a\"", "the last record was incomplete"},
        {first + "{\"path\": \"a\", \"id\": \"x", "the last record was incomplete"},
        {first + "{\"path\": \"a\", \"id\": 7, \"err", "the last record was incomplete"},
        {"{\"path\": \"a.jpg\", \"id\": 7}", "not a record"},  // a manifest of one line without a newline
        {"{\"path\": \"a.jpg\", \"id\": \"x\"}", "not a record"},
        {"{\"path\": \"a.jpg\", \"precious\": ", "not a record"},
        {std::string("\0\0\1\0\1\0 an icon", 15), "not a record"},
        {first + "{\"path\": \"a\"" + std::string(9, '\0') + "?", "not a record"},
        {first + "{\"pa: torn\n" + first, "line 2: not a record"},
        {read_file(j.inputs[0]), "not a record"},
    };
    for (const auto& [text, sentence] : wrong) {
        INFO(text.substr(0, 200));
        j.set(text);
        const outcome o = j.run({"--resume"});
        CHECK(o.err.find(sentence) != std::string::npos);
        const bool repaired = sentence == std::string{"the last record was incomplete"};
        CHECK(o.code == (repaired ? 1 : 2));
        CHECK((j.text() == text) == !repaired);
    }
}

TEST_CASE("a file of another shard is not continued", "[cli]") {
    job j;
    j.add_missing_inputs();
    for (const char* part : {"0/2", "1/2"}) {
        const outcome o = j.run({"--resume", "--shard", part});
        CHECK(o.code <= 1);
        const json records = j.records();
        REQUIRE_FALSE(records.empty());
        CHECK(records.size() < j.inputs.size());
        const std::string before = j.text();
        const outcome other = j.run({"--resume", "--shard", part == std::string{"0/2"} ? "1/2" : "0/2"});
        CHECK(other.code == 2);
        CHECK(other.err.find("was another --shard given before?") != std::string::npos);
        CHECK(j.text() == before);
        std::filesystem::remove(j.out);
    }
}

TEST_CASE("{shard} in the name of --out", "[cli]") {
    job j;
    j.add_missing_inputs();
    j.out = j.folder / "r-{shard}.jsonl";
    CHECK(j.run({"--shard", "0/2"}).code <= 1);
    CHECK(j.run({"--shard", "1/2"}).code <= 1);
    const std::size_t first = lines_of(read_file(j.folder / "r-0-of-2.jsonl")).size(),
                      second = lines_of(read_file(j.folder / "r-1-of-2.jsonl")).size();
    CHECK(first + second == j.inputs.size());
    CHECK(first > 0);
    CHECK(second > 0);
}

TEST_CASE("every {shard} in the names of arrays is replaced", "[cli]") {
    const job j;
    CHECK(j.run({"--shard", "0/1", "--logits", j.folder / "{shard}-l-{shard}.npy", "--attention", j.folder / "maps-{shard}"}).code == 1);
    CHECK(std::filesystem::exists(j.folder / "0-of-1-l-0-of-1.npy"));
    CHECK(std::filesystem::exists(j.folder / "maps-0-of-1"));
    const outcome o = j.run({"--logits", j.folder / "{shard}.npy"});
    CHECK(o.code == 2);
    CHECK(o.err.find("--logits: {shard} in a name stands for the part of --shard: give both") != std::string::npos);
}

TEST_CASE("a refused run does not change its arrays", "[cli]") {
    const job j;
    const std::string logits = j.folder / "l.npy";
    CHECK(j.run({"--logits", logits}).code == 1);
    const std::string before = read_file(logits);
    CHECK(j.run({"--logits", logits}).code == 2);  // has records already
    CHECK(read_file(logits) == before);
}

TEST_CASE("two processes cannot write to one file", "[cli]") {
    const job j;
    j.set("");
    const int file = ::open(j.out.c_str(), O_RDWR | O_CLOEXEC);
    REQUIRE(::flock(file, LOCK_EX) == 0);
    const outcome o = j.run({"--resume"});
    CHECK(o.code == 2);
    CHECK(o.err.find("another process is writing to " + j.out) != std::string::npos);
    ::close(file);
    CHECK(j.run({"--resume"}).code == 1);
    CHECK(j.records().size() == 5);
}

TEST_CASE("a run that ended early continues after the failed input", "[cli]") {
    const job j;
    CHECK(j.run({"--resume", "--fail-fast"}).code == 1);
    CHECK(j.records().size() == 3);
    CHECK(j.run({"--resume", "--fail-fast"}).code == 1);  // failed in an earlier run
    CHECK(j.records().size() == 5);
}

TEST_CASE("a full disk leaves a file that can be continued", "[cli]") {
    const job j;
    static_cast<void>(j.run());
    const json expected = j.records();
    j.set("");
    std::string command =
        std::string{"ulimit -f 1; "} + shell_classify + " --size 32 --format jsonl --top-k 10 --resume --out '" + j.out + "'";
    for (const std::string& input : j.inputs) command += " '" + input + "'";
    const int status = std::system((command + " 2> '" + (j.folder / "err") + "'").c_str());
    CHECK(WEXITSTATUS(status) == 1);
    CHECK(read_file(j.folder / "err").find("cannot be written: File too large") != std::string::npos);
    CHECK(j.run({"--resume"}).code == 1);
    REQUIRE(j.records().size() == 5);
    for (std::size_t i = 0; i < 5; ++i) CHECK(j.records()[i]["path"] == expected[i]["path"]);
}
