// Lines of standard input with ids, shards, and the early end of runs with failures.
#include <stdlib.h>

#include <set>

#include "classify.hpp"
#include "pictures.hpp"

using namespace cvt_test;

namespace {

const std::vector<std::string> quick{"--size", "32", "--format", "jsonl", "--top-k", "1"};
std::vector<std::string> quick_with(std::vector<std::string> more) {
    more.insert(more.begin(), quick.begin(), quick.end());
    return more;
}

std::vector<std::string> paths_of(const outcome& o) {
    std::vector<std::string> paths;
    for (const json& r : o.records()) paths.push_back(r["path"]);
    return paths;
}

/// Sets environment variables for programs started during its lifetime.
class environment {
public:
    explicit environment(std::vector<std::pair<const char*, const char*>> variables) : variables_{std::move(variables)} {
        for (const auto& [name, value] : variables_) ::setenv(name, value, 1);
    }
    ~environment() {
        for (const auto& variable : variables_) ::unsetenv(variable.first);
    }
    environment(const environment&) = delete;
    environment& operator=(const environment&) = delete;

private:
    std::vector<std::pair<const char*, const char*>> variables_;
};

}  // namespace

TEST_CASE("ids in JSON lines are repeated in the records", "[cli]") {
    const temporary_folder folder;
    const std::string a = write_png(folder / "a.png"), gone = folder / "gone.png";
    const std::string lines = R"({"path": ")" + a + R"(", "id": "x \"1\"", "split": "val"})" + '\n' +
                              R"({"id": 9007199254740993, "path": ")" + a + "\"}\n" + a + '\n' + R"({"path": ")" + gone +
                              R"(", "id": "g"})" + '\n' + R"({"path": ")" + a + "\"}";
    const outcome o = classify(quick_with({"-"}), lines);
    CHECK(o.code == 1);
    const auto records = o.records();
    REQUIRE(records.size() == 5);
    CHECK(records[0]["id"] == "x \"1\"");
    CHECK(records[1]["id"] == 9007199254740993);
    CHECK_FALSE(records[2].contains("id"));
    CHECK(records[3]["id"] == "g");
    CHECK(records[3].contains("error"));
    CHECK_FALSE(records[4].contains("id"));
    for (std::size_t i : {0U, 1U, 2U, 4U}) CHECK(records[i].contains("top"));

    const outcome csv = classify({"--size", "32", "--top-k", "1", "--format", "csv", "-"}, lines);
    const std::vector<std::string> rows = lines_of(csv.out);
    REQUIRE(rows.size() == 6);
    CHECK(rows[0].ends_with(",probability1,id"));
    CHECK(rows[1].ends_with(",\"x \"\"1\"\"\""));
    CHECK(rows[2].ends_with(",9007199254740993"));
    CHECK(rows[3].ends_with(","));
    CHECK(rows[4].ends_with(",,,,g"));
}

TEST_CASE("an invalid JSON line gives a record with an error, and the next line is read", "[cli]") {
    const temporary_folder folder;
    const std::string a = write_png(folder / "a.png");
    const std::pair<std::string, const char*> wrong[]{
        {"{\"path\": 3}", "expected a string, found a number"},
        {"{}", "expected a string, found none"},
        {"{\"path\": \"\"}", "expected a file name, found an empty string"},
        {"{\"path\": \"a\\u0000b\"}", "NUL"},
        {"{\"path\": \"a\", \"id\": 1.5}", "\"id\": expected a string or a signed 64-bit integer"},
        {"{\"path\": \"a\", \"id\": null}", "found null"},
        {"{\"path\": \"a\"", "./{"},
        {"{x}.png", "./{"}};
    for (const auto& [line, sentence] : wrong) {
        INFO(line);
        const outcome o = classify(quick_with({"-"}), line + '\n' + a + '\n');
        CHECK(o.code == 1);
        REQUIRE(o.records().size() == 2);
        CHECK(o.records()[0]["path"] == line);
        CHECK(o.records()[0]["error"]["code"] == "malformed");
        CHECK(o.records()[0]["error"]["message"].get<std::string>().find(sentence) != std::string::npos);
        CHECK(o.records()[1].contains("top"));
    }
    write_png(folder / "{x}.png");
    CHECK(classify(quick_with({"-"}), "./{x}.png", folder.path().c_str()).code == 0);
}

TEST_CASE("a line longer than 1 MiB gives one record with an error, and the next line is read", "[cli]") {
    const temporary_folder folder;
    const std::string a = write_png(folder / "a.png"), list = folder / "list", name = std::string(4095, '{');
    const std::string json_line = "\xEF\xBB\xBF{\"path\": \"" + a + "\", \"more\": \"";
    constexpr std::size_t longest = 1 << 20;
    std::ofstream{list} << json_line << std::string(longest - 1 - json_line.size(), 'x') << "\"}" << std::string(4'000'000, 'y') << '\n'
                        << a << '\n'
                        << std::string(longest, 'x') << "\r\n"
                        << std::string(longest, 'x') << '\n'
                        << name << "\xC3\xA9" << std::string(2'000'000, '{');
    // In blocks that are one byte longer than the limit.
    const std::string command = "dd if='" + list + "' bs=" + std::to_string(longest + 1) + " status=none | " + shell_classify +
                                " --size 32 --format jsonl - > '" + (folder / "out") + "'";
    CHECK(WEXITSTATUS(std::system(command.c_str())) == 1);
    std::vector<json> records;
    for (const std::string& line : lines_of(read_file(folder / "out"))) records.push_back(parse_json(line));
    REQUIRE(records.size() == 5);
    for (const std::size_t i : {0U, 2U, 4U})
        CHECK(records[i]["error"]["message"] == "a line of standard input is longer than 1048576 bytes");
    CHECK(records[1]["path"] == a);
    CHECK(records[2]["path"] == std::string(4096, 'x'));
    CHECK(records[3]["path"] == std::string(longest, 'x'));
    CHECK(records[4]["path"] == name);
}

TEST_CASE("a path that is sent alone is answered at once, for any batch", "[cli]") {
    const temporary_folder folder;
    const std::string a = write_png(folder / "a.png");
    const running_classify run{quick_with({"--batch", "8", "-"})};
    for (int i = 0; i < 3; ++i) {
        run.write(a + '\n');
        CHECK(parse_json(run.read_line()).contains("top"));
    }
    // Half a line is not a path yet.
    run.write(a.substr(0, 5));
    run.write(a.substr(5) + "\n" + a + '\n');
    for (int i = 0; i < 2; ++i) CHECK(parse_json(run.read_line())["path"] == a);
    // Empty lines do not delay the record.
    run.write(a + "\n\n\n");
    CHECK(parse_json(run.read_line())["path"] == a);
}

TEST_CASE("each input belongs to one shard, and new files do not move others", "[cli]") {
    const temporary_folder folder;
    std::filesystem::create_directory(folder / "photos");
    const std::string source = write_png(folder / "source.png", 40, 32);
    const auto add = [&](int from, int to) {
        for (int i = from; i < to; ++i) std::filesystem::create_hard_link(source, folder / ("photos/" + std::to_string(i) + ".png"));
    };
    add(0, 40);
    std::map<std::string, std::string> shard_of;
    for (const bool more : {false, true}) {
        if (more) add(40, 60);
        std::multiset<std::string> all;
        for (const char* part : {"0/4", "1/4", "2/4", "3/4"}) {
            const outcome o = classify(quick_with({"--shard", part, folder / "photos"}));
            CHECK(o.code == 0);
            for (const std::string& path : paths_of(o)) {
                all.insert(path);
                const auto [known, is_new] = shard_of.emplace(path, part);
                CHECK(known->second == part);
            }
            CHECK_FALSE(o.records().empty());  // 10 and 15 on average, depending on the path of the folder
        }
        CHECK(all.size() == (more ? 60 : 40));
        CHECK(std::set<std::string>(all.begin(), all.end()).size() == all.size());
    }
}

TEST_CASE("the shard of a path never changes", "[cli]") {
    const std::pair<const char*, const char*> known[]{
        {"a.png", "13/16"}, {"photos/0001.jpg", "11/16"}, {"caf\xC3\xA9.png", "1/16"}, {"x\xFF.png", "7/16"}};
    for (const auto& [path, part] : known) {
        INFO(path);
        for (int i = 0; i < 16; ++i) {
            const std::string shard = std::to_string(i) + "/16";
            CHECK(classify(quick_with({"--shard", shard, "-"}), path).records().size() == (shard == part ? 1 : 0));
        }
    }
}

TEST_CASE("standard input is divided, too, and an empty folder makes every shard exit with 1", "[cli]") {
    const temporary_folder folder;
    std::filesystem::create_directory(folder / "empty");
    std::string lines = (folder / "empty") + "\n{]\n";
    for (int i = 0; i < 10; ++i) lines += "{\"path\": \"none-" + std::to_string(i) + ".png\", \"id\": " + std::to_string(i) + "}\n";
    std::multiset<std::string> all;
    for (const char* part : {"0/3", "1/3", "2/3"}) {
        const outcome o = classify(quick_with({"--shard", part, "-"}), lines);
        CHECK(o.code == 1);
        for (const std::string& path : paths_of(o)) all.insert(path);
        const bool told = o.err.find("in this folder, found none") != std::string::npos;
        CHECK(told != (o.out.find("in this folder, found none") != std::string::npos));
    }
    CHECK(all.size() == 12);
    CHECK(all.count(folder / "empty") == 1);
    CHECK(all.count("{]") == 1);
}

TEST_CASE("a missing folder has one record but makes every shard exit with 1; a missing photo only its own shard", "[cli]") {
    const temporary_folder folder;
    const std::string photo = write_png(folder / "a.png"), missing = folder / "photos", link = folder / "link", gone = folder / "gone.png";
    std::filesystem::create_symlink(missing, link);
    for (const std::string& lost : {missing, link, missing + "/"}) {
        CAPTURE(lost);
        std::size_t records = 0, told = 0;
        for (const char* part : {"0/4", "1/4", "2/4", "3/4"}) {
            const outcome o = classify(quick_with({"--shard", part, lost})),
                          line = classify(quick_with({"--shard", part, "-"}), lost + "\n");
            CHECK(o.code == 1);
            CHECK(line.code == 1);
            CHECK(line.out == o.out);
            records += o.records().size();
            told += o.err.find("classify: " + lost + ": cannot open " + lost) != std::string::npos;
            const outcome fast = classify(quick_with({"--fail-fast", "--shard", part, lost, photo, photo, photo}));
            CHECK(fast.code == 1);
            CHECK(paths_of(fast).size() <= 1);  // of the folder
            CHECK(fast.err.find("the run ended early") != std::string::npos);
        }
        CHECK(records == 1);
        CHECK(told == 3);
    }
    std::multiset<int> codes;
    for (const char* part : {"0/4", "1/4", "2/4", "3/4"}) codes.insert(classify(quick_with({"--shard", part, gone})).code);
    CHECK(codes == std::multiset<int>{0, 0, 0, 1});
}

TEST_CASE("--shard auto follows the job array, srun's tasks or mpirun's ranks", "[cli]") {
    const temporary_folder folder;
    std::string lines;
    for (int i = 0; i < 24; ++i) lines += "none-" + std::to_string(i) + ".png\n";
    using variables = std::vector<std::pair<const char*, const char*>>;
    const std::pair<variables, const char*> good[]{
        {{{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "4"}}, "1/4"},
        {{{"SLURM_ARRAY_TASK_ID", "0"}, {"SLURM_ARRAY_TASK_COUNT", "4"}, {"SLURM_ARRAY_TASK_MIN", "0"}, {"SLURM_ARRAY_TASK_MAX", "3"}},
         "0/4"},
        {{{"SLURM_ARRAY_TASK_ID", "4"}, {"SLURM_ARRAY_TASK_COUNT", "4"}, {"SLURM_ARRAY_TASK_MIN", "1"}, {"SLURM_ARRAY_TASK_MAX", "4"}},
         "3/4"},
        {{{"SLURM_ARRAY_TASK_ID", "20"},
          {"SLURM_ARRAY_TASK_COUNT", "3"},
          {"SLURM_ARRAY_TASK_MIN", "10"},
          {"SLURM_ARRAY_TASK_MAX", "30"},
          {"SLURM_ARRAY_TASK_STEP", "10"}},
         "1/3"},
        {{{"SLURM_PROCID", "2"}, {"SLURM_STEP_NUM_TASKS", "3"}}, "2/3"},
        {{{"SLURM_ARRAY_TASK_ID", "1"},
          {"SLURM_ARRAY_TASK_COUNT", "2"},
          {"SLURM_ARRAY_TASK_MIN", "0"},
          {"SLURM_ARRAY_TASK_MAX", "1"},
          {"SLURM_PROCID", "1"},
          {"SLURM_STEP_NUM_TASKS", "1"},
          {"OMPI_COMM_WORLD_RANK", "0"},
          {"OMPI_COMM_WORLD_SIZE", "2"}},
         "2/4"}};
    for (const auto& [set, part] : good) {
        INFO(part);
        outcome by_environment;
        {
            const environment e{set};
            by_environment = classify(quick_with({"--shard", "auto", "-"}), lines);
        }
        CHECK(by_environment.out == classify(quick_with({"--shard", part, "-"}), lines).out);
        CHECK(by_environment.code == 1);  // no such files
    }
    const std::pair<variables, const char*> bad[]{
        {{}, "not started by a job array, srun or mpirun"},
        {{{"OMPI_COMM_WORLD_RANK", "4"}, {"OMPI_COMM_WORLD_SIZE", "4"}}, "expected less than OMPI_COMM_WORLD_SIZE, which is 4"},
        {{{"OMPI_COMM_WORLD_RANK", "one"}, {"OMPI_COMM_WORLD_SIZE", "4"}}, "OMPI_COMM_WORLD_RANK: expected a number, found \"one\""},
        {{{"OMPI_COMM_WORLD_RANK", "1"}}, "OMPI_COMM_WORLD_SIZE is not"},
        {{{"SLURM_ARRAY_TASK_ID", "1"}, {"SLURM_ARRAY_TASK_MIN", "0"}, {"SLURM_ARRAY_TASK_MAX", "3"}}, "SLURM_ARRAY_TASK_COUNT is not"},
        {{{"SLURM_ARRAY_TASK_ID", "3"}, {"SLURM_ARRAY_TASK_COUNT", "2"}, {"SLURM_ARRAY_TASK_MIN", "3"}, {"SLURM_ARRAY_TASK_MAX", "7"}},
         "leave gaps"},
        {{{"SLURM_ARRAY_TASK_ID", "9"}, {"SLURM_ARRAY_TASK_COUNT", "4"}, {"SLURM_ARRAY_TASK_MIN", "0"}, {"SLURM_ARRAY_TASK_MAX", "3"}},
         "SLURM_ARRAY_TASK_ID 9 is not one of this job array's 4 ids from 0 to 3 in steps of 1"},
    };
    for (const auto& [set, sentence] : bad) {
        const environment e{set};
        const outcome o = classify(quick_with({"--shard", "auto", "-"}), lines);
        INFO(sentence << '\n' << o.err);
        CHECK(o.code == 2);
        CHECK(o.err.find(sentence) != std::string::npos);
    }
}

TEST_CASE("--fail-fast and --max-errors end the run with the record that exceeds the limit", "[cli]") {
    const temporary_folder folder;
    const std::string a = write_png(folder / "a.png"), gone = folder / "gone.png";
    const std::vector<std::string> inputs{a, gone, a, gone, a, a, gone, a};
    const auto run = [&](std::vector<std::string> options) {
        options.insert(options.end(), inputs.begin(), inputs.end());
        return classify(quick_with(options));
    };
    for (const char* batch : {"1", "3", "8"}) {
        INFO(batch);
        const outcome fast = run({"--batch", batch, "--fail-fast"});
        CHECK(fast.code == 1);
        CHECK(paths_of(fast) == std::vector<std::string>{a, gone});
        CHECK(fast.err.find("1 of 2 inputs failed; the run ended early") != std::string::npos);
        CHECK(run({"--batch", batch, "--max-errors", "0"}).records().size() == 2);
        CHECK(run({"--batch", batch, "--max-errors", "1"}).records().size() == 4);
        CHECK(run({"--batch", batch, "--max-errors", "2"}).records().size() == 7);
        const outcome enough = run({"--batch", batch, "--max-errors", "3"});
        CHECK(enough.code == 1);
        CHECK(enough.records().size() == 8);
    }
}

TEST_CASE("contradicting options of large jobs are refused", "[cli]") {
    const temporary_folder folder;
    const std::string photo = write_png(folder / "a.png"), out = folder / "out.jsonl";
    const std::pair<std::vector<std::string>, const char*> cases[]{
        {{"--shard", "4/4", photo}, "counted from 0"},
        {{"--shard", "0/0", photo}, "counted from 0"},
        {{"--shard", "3", photo}, "expected i/n"},
        {{"--shard", "-1/4", photo}, "expected i/n"},
        {{"--shard", "1/4x", photo}, "expected i/n"},
        {{"--shard", "0/5000000000", photo}, "expected i/n"},
        {{"--resume", "--format", "jsonl", photo}, "name it with --out"},
        {{"--resume", "--out", out, photo}, "--format jsonl"},
        {{"--resume", "--out", out, "--format", "jsonl", "--logits", folder / "l.npy", photo}, "continues records only"},
        {{"--fail-fast", "--max-errors", "3", photo}, "leave one of them out"},
        {{"--max-errors", "-1", photo}, "--max-errors"},
        {{"--out", "{shard}.jsonl", photo}, "give both"},
        {{"--out", photo, photo}, "are the same file"},
        {{"--out", "-", photo}, "records go to standard output without it"},
        {{"--out", out, "--info"}, "--out is for records"},
        {{"--tar", "--verify"}, "--tar is for records"},
        {{"--out", folder / "none/x", photo}, "No such file"},
    };
    for (const auto& [arguments, sentence] : cases) {
        const outcome o = classify(arguments);
        INFO(sentence << "\n" << o.err);
        CHECK(o.code == 2);
        CHECK(o.out.empty());
        CHECK(o.err.find(sentence) != std::string::npos);
    }
    CHECK_FALSE(std::filesystem::exists(out));
}
