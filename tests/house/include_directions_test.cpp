// Checks the includes of include/cvt against the list of rooms in CONTRIBUTING.md, those of classify for cycles, and that the examples
// use no private name.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

using graph = std::map<std::string, std::set<std::string>>;

const fs::path headers = fs::path{CVT_SOURCE} / "include" / "cvt";

/// Returns the room of a header: its folder, or the name of a file directly in include/cvt, so that image.hpp belongs to image/.
/// kernels/ is one room with its folders.
std::string room_of(const fs::path& file) {
    const fs::path relative = fs::relative(file, headers), folder = relative.parent_path();
    if (folder.empty()) return relative.stem().string();
    return *folder.begin() == "kernels" ? "kernels" : folder.generic_string();
}

struct include {
    std::string file, from, to;
};

std::vector<include> includes() {
    std::vector<include> found;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator{headers}) {
        if (!entry.is_regular_file()) continue;
        std::ifstream in{entry.path()};
        for (std::string line; std::getline(in, line);) {
            static const std::regex form{R"(^\s*#\s*include\s*["<](cvt/)?([^">]+)[">].*)"};
            std::smatch match;
            if (!std::regex_match(line, match, form)) continue;
            const std::string name = match[2];
            if (line.find('<') != std::string::npos) {
                INFO(entry.path() << ": expected the library's own headers by their relative path, in quotes");
                REQUIRE_FALSE(match[1].matched);
                continue;
            }
            const fs::path target = (entry.path().parent_path() / name).lexically_normal();
            INFO(entry.path() << " includes " << name);
            REQUIRE(fs::exists(target));
            const std::string from = room_of(entry.path()), to = room_of(target);
            if (from != to) found.push_back({fs::relative(entry.path(), headers).generic_string(), from, to});
        }
    }
    return found;
}

/// Reads the list between the marks in CONTRIBUTING.md: lines "room: the rooms it may include".
graph allowed() {
    std::ifstream in{fs::path{CVT_SOURCE} / "CONTRIBUTING.md"};
    graph rooms;
    bool inside = false;
    for (std::string line; std::getline(in, line);) {
        if (line == "<!-- rooms -->" || line == "<!-- /rooms -->") inside = line == "<!-- rooms -->";
        const std::size_t colon = line.find(':');
        if (!inside || colon == std::string::npos) continue;
        std::istringstream words{line.substr(colon + 1)};
        std::set<std::string>& to = rooms[line.substr(0, colon)];
        for (std::string word; words >> word;) to.insert(word);
    }
    return rooms;
}

/// Returns the longest chain of rooms from `room` down. The graph must have no cycle.
std::vector<std::string> longest_chain(const graph& rooms, const std::string& room) {
    std::vector<std::string> longest;
    if (const auto at = rooms.find(room); at != rooms.end())
        for (const std::string& below : at->second) {
            const std::vector<std::string> chain = longest_chain(rooms, below);
            if (chain.size() > longest.size()) longest = chain;
        }
    longest.insert(longest.begin(), room);
    return longest;
}

bool reaches(const graph& rooms, const std::string& from, const std::string& to, std::set<std::string>& seen) {
    if (!seen.insert(from).second) return false;
    const auto at = rooms.find(from);
    if (at == rooms.end()) return false;
    return std::any_of(at->second.begin(), at->second.end(),
                       [&](const std::string& below) { return below == to || reaches(rooms, below, to, seen); });
}

/// Returns the arrows between the rooms of classify: its folders, its files directly in examples/classify, and common.
graph classify_rooms() {
    const fs::path examples = fs::path{CVT_SOURCE} / "examples", classify = examples / "classify";
    const auto room = [&](const fs::path& file) {
        const fs::path relative = fs::relative(file, classify);
        if (*relative.begin() == "..") return std::string{"common"};
        if (relative.stem() == "open_checkpoint") return std::string{"setup"};  // setup.cpp implements this header
        return (relative.has_parent_path() ? relative.parent_path() : relative.stem()).string();
    };
    graph found;
    for (const fs::path& folder : {classify, examples / "common"})
        for (const fs::directory_entry& entry : fs::recursive_directory_iterator{folder}) {
            if (!entry.is_regular_file()) continue;
            std::ifstream in{entry.path()};
            for (std::string line; std::getline(in, line);) {
                static const std::regex form{R"-(#include "([^"]+)")-"};
                std::smatch match;
                if (!std::regex_match(line, match, form)) continue;
                const bool common = match[1].str().starts_with("common/");
                const fs::path target = (common ? examples : classify) / match[1].str();
                INFO(entry.path() << " includes " << match[1]);
                REQUIRE(fs::exists(target));
                if (room(entry.path()) != room(target)) found[room(entry.path())].insert(room(target));
            }
        }
    return found;
}

void check_cycles(const graph& rooms) {
    for (const auto& [room, below] : rooms) {
        INFO("room " << room << " reaches itself");
        std::set<std::string> seen;
        CHECK_FALSE(reaches(rooms, room, room, seen));
    }
}

}  // namespace

TEST_CASE("CONTRIBUTING.md allows every include") {
    const graph list = allowed();
    REQUIRE(list.size() > 10);
    graph found;
    for (const include& i : includes()) {
        INFO(i.file << ": room " << i.from << " includes room " << i.to << ", which CONTRIBUTING.md does not list for it");
        CHECK((list.contains(i.from) && list.at(i.from).contains(i.to)));
        found[i.from].insert(i.to);
    }
    for (const auto& [room, below] : list)
        for (const std::string& to : below) {
            INFO("CONTRIBUTING.md: room " << room << " lists " << to << ", which it does not include");
            CHECK((found.contains(room) && found.at(room).contains(to)));
        }
}

TEST_CASE("rooms have no cycle, and no chain of more than ten") {
    graph rooms;
    for (const include& i : includes()) rooms[i.from].insert(i.to);
    check_cycles(rooms);
    std::vector<std::string> longest;
    for (const auto& [room, below] : rooms) {
        const std::vector<std::string> chain = longest_chain(rooms, room);
        if (chain.size() > longest.size()) longest = chain;
    }
    std::cout << "longest chain of rooms, " << longest.size() << ":";
    for (const std::string& room : longest) std::cout << ' ' << room;
    std::cout << '\n';
    CHECK(longest.size() <= 10);
}

TEST_CASE("the examples and the JavaScript module use public names only") {
    static const std::regex private_name{R"(cvt::(detail|checkpoint|network|kernels)\b|<cvt/(checkpoint|network|kernels)/)"};
    std::size_t files = 0;
    for (const char* folder : {"examples", "bindings"})
        for (const fs::directory_entry& entry : fs::recursive_directory_iterator{fs::path{CVT_SOURCE} / folder}) {
            if (entry.path().extension() != ".cpp" && entry.path().extension() != ".hpp") continue;
            ++files;
            std::ifstream in{entry.path()};
            int number = 0;
            for (std::string line; std::getline(in, line);) {
                ++number;
                INFO(entry.path() << ':' << number << ": " << line);
                CHECK_FALSE(std::regex_search(line, private_name));
            }
        }
    CHECK(files > 100);
}

TEST_CASE("the rooms of classify have no cycle") {
    const graph rooms = classify_rooms();
    REQUIRE(rooms.size() > 5);
    check_cycles(rooms);
}
