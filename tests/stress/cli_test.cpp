// The command line under stress: full disks, signals, closed pipes, unusual file names, folders of thousands of files.
#include <sys/resource.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "cli/classify.hpp"
#include "cli/pictures.hpp"

using namespace cvt_test;

namespace {

namespace fs = std::filesystem;

/// Runs "BEFORE classify ARGUMENTS AFTER" in a shell, which allows redirections and limits.
int shell(const std::string& before, const std::string& arguments, const std::string& after) {
    const int status = std::system((before + ' ' + shell_classify + ' ' + arguments + ' ' + after).c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

struct measured {
    int code = -1;
    long peak_kib = 0;
    std::vector<json> records;
};

/// Runs classify with its records in a file, and measures its peak memory.
measured run_measured(const std::vector<std::string>& arguments, const std::string& out_path) {
    const pid_t child = ::fork();
    if (child == 0) {
        const int out = ::open(out_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), null = ::open("/dev/null", O_WRONLY);
        ::dup2(out, 1);
        ::dup2(null, 2);
        become_classify(arguments);
    }
    int status = 0;
    rusage used{};
    ::wait4(child, &status, 0, &used);
    measured m;
    m.code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    m.peak_kib = used.ru_maxrss;
    for (const std::string& line : lines_of(read_file(out_path))) m.records.push_back(parse_json(line));
    return m;
}

/// Makes `count` pictures, hard links to two files; every hundredth, from number 37, is broken in one of three ways.
bool is_broken(int i) { return i % 100 == 37; }
std::string name_of(int i) { return "picture-" + std::to_string(100000 + i) + (i % 2 == 0 ? ".png" : ".jpg"); }
void fill(const temporary_folder& folder, const std::string& name, int count) {
    const std::string sources[]{write_png(folder / "good.png", 40, 32), write_jpeg(folder / "good.jpg", 40, 32)};
    const std::string whole = read_file(sources[1]);
    std::ofstream{folder / "cut.jpg", std::ios::binary} << whole.substr(0, 200);
    std::ofstream{folder / "text.jpg"} << "not a picture";
    std::ofstream{folder / "empty.jpg"};
    const std::string broken[]{folder / "cut.jpg", folder / "text.jpg", folder / "empty.jpg"};
    fs::create_directory(folder / name);
    for (int i = 0; i < count; ++i) {
        const std::string& source = is_broken(i) ? broken[i / 100 % 3] : sources[i % 2];
        fs::create_hard_link(source, fs::path{folder / name} / name_of(i));
    }
}

/// Checks that every file has one record, in order, with classes or an error. Returns the number of lost files.
int check_records(const measured& m, const std::string& directory, int count) {
    int lost = 0;
    REQUIRE(m.records.size() == static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
        const json& r = m.records[static_cast<std::size_t>(i)];
        const bool right = r["path"] == directory + "/" + name_of(i) && r.contains(is_broken(i) ? "error" : "top");
        lost += right ? 0 : 1;
    }
    CHECK(lost == 0);
    return lost;
}

const std::vector<std::string> quick{"--size", "32", "--format", "jsonl", "--top-k", "1"};
std::vector<std::string> quick_with(std::vector<std::string> more) {
    more.insert(more.begin(), quick.begin(), quick.end());
    return more;
}

void many_files(int count) {
    const temporary_folder folder;
    fill(folder, "few", 100);
    fill(folder, "many", count);
    const measured few = run_measured(quick_with({folder / "few"}), folder / "few.jsonl");
    const measured many = run_measured(quick_with({folder / "many"}), folder / "many.jsonl");
    CHECK(few.code == 1);
    CHECK(many.code == 1);
    check_records(few, folder / "few", 100);
    const int lost = check_records(many, folder / "many", count);
    INFO("peak KiB: " << few.peak_kib << " and " << many.peak_kib);
#ifdef __SANITIZE_ADDRESS__
    WARN("peaks not compared: AddressSanitizer keeps freed memory");
#else
    CHECK(static_cast<double>(many.peak_kib) <= 1.05 * static_cast<double>(few.peak_kib));
#endif
    std::printf("stress: a folder of %d files: %d lost, peak %ld KiB, of 100 files %ld KiB\n", count, lost, many.peak_kib, few.peak_kib);
}

}  // namespace

TEST_CASE("a full disk under standard output is an error in every kind of run") {
    const temporary_folder folder;
    const std::string photo = write_png(folder / "a.png"), model = folder / "model";
    REQUIRE(shell("", "--model '" CVT_WEIGHTS "' --convert '" + model + "'", "> /dev/null 2>&1") == 0);
    for (const std::string& arguments :
         {std::string{"--help"}, std::string{"--version"}, std::string{"--info"}, "--model '" + model + "' --verify",
          "--size 32 '" + photo + "'", "--size 32 --format jsonl '" + photo + "'", "--size 32 --format csv '" + photo + "'",
          "--model '" CVT_WEIGHTS "' --convert '" + (folder / "again") + "'"}) {
        INFO(arguments);
        CHECK(shell("", arguments, "> /dev/full 2> '" + (folder / "err") + "'") == 1);
        CHECK(read_file(folder / "err").find("standard output cannot be written") != std::string::npos);
    }
}

TEST_CASE("a full disk under an array is an error, at the beginning or later") {
    const temporary_folder folder;
    const std::string photo = write_png(folder / "a.png"), array = folder / "a.npy", err = folder / "err";
    std::string photos;
    for (int i = 0; i < 40; ++i) photos += " '" + photo + "'";
    for (const char* option : {"--logits", "--embedding", "--dump-input"}) {
        INFO(option);
        CHECK(shell("", std::string{option} + " /dev/full --size 32 '" + photo + "'", "> /dev/null 2> '" + err + "'") == 2);
        CHECK(read_file(err).find("/dev/full cannot be written") != std::string::npos);
        // 1 KiB: the header fits, and some of the rows
        CHECK(shell("ulimit -f 1;", std::string{option} + " '" + array + "' --size 32" + photos, "> /dev/null 2> '" + err + "'") == 1);
        CHECK(read_file(err).find("cannot be written: File too large") != std::string::npos);
        fs::remove(array);
    }
    CHECK(shell("ulimit -f 1;", "--size 32 --format jsonl" + photos, "> '" + (folder / "records") + "' 2> '" + err + "'") == 1);
    CHECK(read_file(err).find("standard output cannot be written") != std::string::npos);
}

TEST_CASE("a full disk under a conversion is an error that leaves no files") {
    const temporary_folder folder;
    for (const char* limit : {"1", "4", "64", "2000"}) {  // config.json alone is larger than the first
        INFO(limit << " KiB");
        const std::string out = folder / "out", err = folder / "err";
        CHECK(shell(std::string{"ulimit -f "} + limit + ";", "--model '" CVT_WEIGHTS "' --convert '" + out + "'",
                    "> /dev/null 2> '" + err + "'") == 1);
        CHECK(read_file(err).find("File too large") != std::string::npos);
        CHECK_FALSE(fs::exists(out));
    }
}

TEST_CASE("SIGTERM and SIGHUP act like an interrupt: whole records, and the exit status of the signal") {
    const temporary_folder folder;
    const std::string photo = write_png(folder / "a.png");
    for (const auto& [signal, code] : {std::pair{SIGINT, 130}, std::pair{SIGTERM, 143}, std::pair{SIGHUP, 129}}) {
        INFO(::strsignal(signal));
        running_classify waiting{quick_with({"-"})};
        waiting.write(photo + '\n');
        CHECK(parse_json(waiting.read_line()).contains("top"));  // it now waits for a second path
        ::kill(waiting.id(), signal);
        CHECK(waiting.read_output().empty());
        CHECK(waiting.wait() == code);
        // During a record: it is finished, and the next one is not begun.
        running_classify busy{quick_with({"--repeat", "1000000", photo, photo})};
        busy.wait_for_work(0.5);
        ::kill(busy.id(), signal);
        CHECK(parse_json(busy.read_line()).contains("top"));
        CHECK(busy.read_output().empty());
        CHECK(busy.wait() == code);
    }
}

TEST_CASE("under nohup a closed terminal does not end the program") {
    const temporary_folder folder;
    const std::string photo = write_png(folder / "a.png");
    const auto before = std::signal(SIGHUP, SIG_IGN);  // inherited
    running_classify run{quick_with({"-"})};
    std::signal(SIGHUP, before);
    run.write(photo + '\n');
    CHECK(parse_json(run.read_line()).contains("top"));
    ::kill(run.id(), SIGHUP);
    ::usleep(100'000);
    run.write(photo + '\n');
    CHECK(parse_json(run.read_line()).contains("top"));
    run.close_input();
    CHECK(run.wait() == 0);
}

TEST_CASE("a closed output pipe ends the program without a message") {
    const temporary_folder folder;
    fill(folder, "many", 2000);
    running_classify run{quick_with({folder / "many"})};
    for (int i = 0; i < 5; ++i) CHECK(parse_json(run.read_line()).contains("top"));
    run.close_output();
    CHECK(run.read_messages().empty());
    CHECK(run.wait() == 141);
}

TEST_CASE("a signal in the middle of a folder leaves whole records of all previous files") {
    const temporary_folder folder;
    fill(folder, "many", 2000);
    running_classify run{quick_with({folder / "many"})};
    std::string text = run.read_line() + '\n';
    ::kill(run.id(), SIGTERM);
    text += run.read_output();
    CHECK(run.wait() == 143);
    REQUIRE(text.ends_with('\n'));
    const std::vector<std::string> lines = lines_of(text);
    CHECK(lines.size() < 2000);
    for (std::size_t i = 0; i < lines.size(); ++i)
        CHECK(parse_json(lines[i])["path"] == (folder / "many") + "/" + name_of(static_cast<int>(i)));
}

TEST_CASE("file names with spaces, newlines, quotes, control characters and invalid UTF-8, in a folder and on standard input") {
    const temporary_folder folder;
    fs::create_directory(folder / "odd names");
    const std::string names[]{
        " leading space.png", "new\nline.png",  "quote\"s and 'quotes'.png", "back\\slash.png",   "tab\tbell\a.png", "invalid-\xFF\xFE.png",
        "-option.png",        "[brackets].png", "caf\xC3\xA9.png",           "escape\x1B[31m.png"};
    std::string paths;
    std::set<std::string> valid;
    for (const std::string& name : names) {
        const std::string path = write_png((folder / "odd names") + "/" + name, 40, 32);
        if (name.find('\n') == std::string::npos) paths += path + '\n';
        if (name.find('\xFF') == std::string::npos) valid.insert(path);
    }
    const outcome listed = classify(quick_with({folder / "odd names"}));
    CHECK(listed.code == 0);
    std::set<std::string> found;
    for (const json& r : listed.records()) {  // nlohmann-json refuses invalid UTF-8 and bare control characters
        CHECK(r.contains("top"));
        found.insert(r["path"].get<std::string>());
    }
    CHECK(found.size() == std::size(names));
    CHECK(std::includes(found.begin(), found.end(), valid.begin(), valid.end()));
    const outcome piped = classify(quick_with({"-"}), paths);
    CHECK(piped.code == 0);
    CHECK(piped.records().size() == std::size(names) - 1);
}

TEST_CASE("folders and files before and after standard input keep their order") {
    const temporary_folder folder;
    fill(folder, "many", 5);
    const std::string good = folder / "good.png", many = folder / "many";
    const outcome o = classify(quick_with({good, many, "-", folder / "good.jpg"}), many + "\n\n" + good + "\n");
    CHECK(o.code == 0);
    std::vector<std::string> expected{good}, found;
    for (int i = 0; i < 10; ++i) expected.push_back(many + "/" + name_of(i % 5));
    expected.push_back(good);
    expected.push_back(folder / "good.jpg");
    for (const json& r : o.records()) found.push_back(r["path"].get<std::string>());
    CHECK(found == expected);
}

TEST_CASE("a folder of 300 files, 1 % of them broken") { many_files(300); }

TEST_CASE("a folder of 10,000 files, 1 % of them broken", "[.long]") { many_files(10'000); }

TEST_CASE("10,000 paths on the command line and on standard input", "[.long]") {
    const temporary_folder folder;
    fill(folder, "few", 100);
    std::vector<std::string> arguments = quick;
    std::string paths;
    for (int i = 0; i < 10'000; ++i) {
        arguments.push_back((folder / "few") + "/" + name_of(i % 100));
        paths += arguments.back() + '\n';
    }
    const measured few = run_measured(quick_with({folder / "few"}), folder / "few.jsonl");
    const measured given = run_measured(arguments, folder / "given.jsonl");
    std::ofstream{folder / "paths"} << paths;
    CHECK(few.code == 1);
    CHECK(given.code == 1);
    CHECK(given.records.size() == 10'000);
    CHECK(shell("", "--size 32 --top-k 1 --format jsonl - < '" + (folder / "paths") + "'",
                "> '" + (folder / "piped.jsonl") + "' 2> /dev/null") == 1);
    CHECK(lines_of(read_file(folder / "piped.jsonl")).size() == 10'000);
}
