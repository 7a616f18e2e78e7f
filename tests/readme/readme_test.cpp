// Checks that the README's C++ blocks, and the links and file names of all documents, match the repository.
#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "markdown.hpp"

using namespace cvt_test;

namespace {

const fs::path source = CVT_SOURCE;

/// The documents that are linked from the README.
std::vector<fs::path> documents() {
    std::vector<fs::path> found;
    for (const char* folder :
         {".", "docs", "docs/cluster", "benchmarks", "benchmarks/peers", "benchmarks/web", "bindings/js", "examples/images", "weights"})
        for (const auto& entry : fs::directory_iterator{source / folder})
            if (entry.path().extension() == ".md") found.push_back(entry.path());
    return found;
}

bool contains(const std::vector<std::string>& all, const std::string& one) { return std::find(all.begin(), all.end(), one) != all.end(); }

}  // namespace

TEST_CASE("every C++ block of the README is an example, letter for letter", "[readme]") {
    std::set<std::string> examples;
    for (const auto& entry : fs::directory_iterator{source / "examples"})
        if (entry.path().extension() == ".cpp") examples.insert(read_file(entry.path()));
    const std::vector<std::string> blocks = markdown{source / "README.md"}.blocks_in("cpp");
    REQUIRE_FALSE(blocks.empty());
    for (const std::string& block : blocks) {
        INFO(block);
        CHECK(examples.count(block) == 1);
    }
    CHECK(blocks.front() == read_file(source / "examples/minimal.cpp"));
}

TEST_CASE("every block of a document with commands is of a kind that a test checks", "[readme]") {
    for (const char* document : {"README.md", "docs/checkpoints.md", "docs/command-line.md", "docs/library.md"})
        for (const block& b : markdown{source / document}.blocks) CHECK(contains({"cpp", "cmake", "sh", "console", "text"}, b.language));
}

TEST_CASE("the README is read in a few minutes", "[readme]") { CHECK(lines_of(read_file(source / "README.md")).size() <= 160); }

TEST_CASE("prose is wrapped at 100 columns", "[readme]") {
    for (const fs::path& document : documents()) {
        for (const std::string& line : lines_of(markdown{document}.prose)) {
            if (line.starts_with('|') || line.starts_with('<') || line.starts_with('!') || line.starts_with("    ")) continue;
            const auto columns = std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; });
            INFO(document << ": " << line);
            CHECK((columns <= 100 || line.find_first_of(" ", line.find_first_not_of(' ')) == std::string::npos));
        }
    }
}

TEST_CASE("links lead to files and headings", "[readme]") {
    for (const fs::path& document : documents()) {
        for (const std::string& link : markdown{document}.links()) {
            INFO(document << ": " << link);
            if (link.find("://") != std::string::npos) continue;
            const std::size_t hash = link.find('#');
            const fs::path target = hash == 0 ? document : document.parent_path() / link.substr(0, hash);
            CHECK(fs::exists(target));
            if (hash != std::string::npos && fs::exists(target)) CHECK(contains(markdown{target}.anchors(), link.substr(hash + 1)));
        }
    }
}

TEST_CASE("files and programs that documents name exist", "[readme]") {
    const char* const path =
        R"(^((?:build/release|\.ci|\.github|benchmarks|cmake|docs|examples|include|scripts|src|tests|weights)/[\w./-]*))";
    int found = 0;
    for (const fs::path& document : documents()) {
        if (document.parent_path() != source / "." && document.parent_path() != source / "docs")
            continue;  // other documents use relative names
        for (const std::string& span : markdown{document}.code_spans()) {
            const std::vector<std::string> names = matches(span, path);
            if (names.empty()) continue;
            std::string name = names.front();
            INFO(document << ": " << name);
            if (name.starts_with("build/release/")) {
                name.erase(0, std::string{"build/release/"}.size());
                const bool benchmark = name.starts_with("bench_") || fs::exists(source / "benchmarks" / (name + ".cpp"));
                CHECK((fs::exists(fs::path{CVT_BINARY} / name) || (benchmark && !CVT_BENCHMARKS)));
            } else {
                CHECK(fs::exists(source / name));
            }
            ++found;
        }
    }
    CHECK(found > 20);
}
