// Runs the commands of the README and of the documents for users as written, and compares their output with the documents. Commands that
// install packages or build everything are compared with scripts/run-tests instead, which continuous integration runs (.ci/run).
#include <cmath>
#include <cstdlib>
#include <set>
#include <sstream>

#include "sandbox.hpp"

using namespace cvt_test;

namespace {

const fs::path source = CVT_SOURCE;

struct command {
    std::string text;
    bool prints;  ///< `output` is its output
    std::vector<std::string> output;
};

std::string without_comment(const std::string& line) {
    const std::size_t hash = line.starts_with('#') ? 0 : line.find(" #");
    const std::string text = line.substr(0, hash);
    return text.substr(0, text.find_last_not_of(' ') + 1);
}

std::vector<command> commands(const std::string& document) {
    std::vector<command> all;
    for (const block& b : markdown{source / document}.blocks) {
        for (const std::string& line : lines_of(b.text)) {
            if (b.language == "sh") {
                if (const std::string text = without_comment(line); !text.empty()) all.push_back({text, false, {}});
            } else if (b.language == "console") {
                if (line.starts_with("$ "))
                    all.push_back({without_comment(line.substr(2)), true, {}});
                else
                    all.back().output.push_back(line);
            }
        }
    }
    return all;
}

std::set<std::string> words_after(const std::string& prefix, const std::string& text) {
    std::set<std::string> words;
    for (const std::string& line : lines_of(text)) {
        if (!line.starts_with(prefix)) continue;
        std::istringstream stream{line.substr(prefix.size())};
        for (std::string word; stream >> word;) words.insert(word);
    }
    return words;
}

bool has_line(const fs::path& file, const std::string& start) {
    for (const std::string& line : lines_of(read_file(source / file)))
        if (line.starts_with(start)) return true;
    return false;
}

/// Numbers with decimals may differ in the last printed place, because JPEG decoders differ by up to three levels.
bool same_word(const std::string& a, const std::string& b) {
    if (a == b) return true;
    char *end_a = nullptr, *end_b = nullptr;
    const double x = std::strtod(a.c_str(), &end_a), y = std::strtod(b.c_str(), &end_b);
    const bool numbers = a.find('.') != std::string::npos && *end_a == '\0' && *end_b == '\0';
    return numbers && a.size() == b.size() && std::abs(x - y) < 0.15;
}

bool same_line(const std::string& a, const std::string& b) {
    std::istringstream words_a{a}, words_b{b};
    std::string x, y;
    while (true) {
        const bool more_a = static_cast<bool>(words_a >> x), more_b = static_cast<bool>(words_b >> y);
        if (!more_a || !more_b) return more_a == more_b;
        if (!same_word(x, y)) return false;
    }
}

/// A line `...` stands for any number of lines, and ` ...` at the end of a line for the rest of it.
void check_output(std::vector<std::string> expected, std::vector<std::string> printed) {
    if (!expected.empty() && expected.front() == "...") {
        expected.erase(expected.begin());
        if (printed.size() > expected.size()) printed.erase(printed.begin(), printed.end() - static_cast<std::ptrdiff_t>(expected.size()));
    } else if (!expected.empty() && expected.back() == "...") {
        expected.pop_back();
        if (printed.size() > expected.size()) printed.resize(expected.size());
    }
    REQUIRE(printed.size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
        if (expected[i].ends_with(" ...")) {
            expected[i].resize(expected[i].size() - 4);
            printed[i].resize(std::min(printed[i].size(), expected[i].size()));
        }
        INFO("line " << i + 1 << ": " << printed[i] << "\nREADME: " << expected[i]);
        CHECK(same_line(printed[i], expected[i]));
    }
}

/// The last command of a script, with the programs of this build.
std::string last_exec(const fs::path& script) {
    const std::string text = read_file(source / script), start = "\nexec build/demo/";
    const std::size_t at = text.rfind(start);
    REQUIRE(at != std::string::npos);
    return "build/release/" + text.substr(at + start.size());
}

/// The command as this build can run it: prototypes need no liblbfgs, which does not exist for every host.
std::string runnable(std::string text) {
    if (const std::size_t at = text.find(" --learn "); !CVT_TEST_HAS_LBFGS && at != std::string::npos)
        text.insert(at, " --method prototype");
    return text;
}

/// True if this build's tests cannot run the command, and it was compared with what continuous integration runs instead.
bool accounted_for(const std::string& text) {
    const fs::path tests = "scripts/run-tests";
    if (text == tests) {
        CHECK(has_line(".ci/run", text));
        return true;
    }
    if (const std::string install = "apt-get install "; text.starts_with(install)) {
        CHECK(words_after(install, text) == words_after("scripts/install-packages ", read_file(source / tests)));
        return true;
    }
    if (text == "cmake --preset release && cmake --build --preset release && ctest --preset release") {
        for (const char* line : {"cmake --preset release", "cmake --build --preset release", "exec ctest --preset release"})
            CHECK(has_line(tests, line));
        return true;
    }
    return false;
}

/// Only programs of this build may run, and `git clone`, which the sandbox replaces.
bool may_run(std::string text) {
    while (!text.empty()) {
        if (!text.starts_with("build/release/") && !text.starts_with("git clone ")) return false;
        const std::size_t next = text.find(" && ");
        text = next == std::string::npos ? "" : text.substr(next + 4);
    }
    return true;
}

}  // namespace

TEST_CASE("every command of the README and of the documents it leads to", "[readme]") {
    const std::string document = GENERATE("README.md", "docs/checkpoints.md", "docs/command-line.md", "docs/library.md", "docs/sounds.md");
    const sandbox clone;
    if (document == "docs/sounds.md") {
        if (!CVT_TEST_HAS_SNDFILE) return;
        clone.write_sounds();
    }
    int run = 0;
    for (const command& c : commands(document)) {
        INFO(document << ": $ " << c.text);
        if (accounted_for(c.text)) continue;
        const bool demo = c.text == "scripts/classify-demo";  // builds, then classifies
        const std::string text = demo ? last_exec(c.text) : runnable(c.text);
        REQUIRE(may_run(text));
        const outcome o = clone.run(text);
        INFO(o.out << o.err);
        CHECK(o.code == 0);
        if (c.prints) check_output(c.output, lines_of(o.out));
        ++run;
    }
    CHECK(run > 0);
}

TEST_CASE("the table of options is that of --help", "[readme]") {
    const auto options_in = [](const std::string& text) {
        const std::vector<std::string> found = matches(text, "(--[a-z][a-z-]*)");
        return std::set<std::string>{found.begin(), found.end()};
    };
    std::string rows, help;
    for (const std::string& line : lines_of(markdown{source / "docs/command-line.md"}.prose))
        if (line.starts_with("| `--")) rows += line.substr(0, line.find(" | ", 2)) + '\n';
    for (const std::string& line : lines_of(sandbox{}.run("build/release/classify --help").out))
        if (line.starts_with("  --")) help += line.substr(0, line.find(' ', 2)) + '\n';
    std::set<std::string> said = options_in(help);
    said.erase("--version");
    CHECK(options_in(rows) == said);
}
