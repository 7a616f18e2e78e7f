// The includes of include/cvt point where CONTRIBUTING.md's list of rooms allows, and nowhere else; prints the longest chain of rooms.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

using graph = std::map<std::string, std::set<std::string>>;

const fs::path headers = fs::path{CVT_SOURCE} / "include" / "cvt";

/// The room of a header: its folder, or for a file directly in include/cvt its name. image.hpp stands in front of image/ and is of
/// that room; kernels/ is one room with its folders.
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
            const std::size_t begin = line.find('"');
            if (!line.starts_with("#include") || begin == std::string::npos) continue;
            const std::string name = line.substr(begin + 1, line.rfind('"') - begin - 1);
            const fs::path target = (entry.path().parent_path() / name).lexically_normal();
            INFO(entry.path() << " includes " << name);
            REQUIRE(fs::exists(target));
            const std::string from = room_of(entry.path()), to = room_of(target);
            if (from != to) found.push_back({fs::relative(entry.path(), headers).generic_string(), from, to});
        }
    }
    return found;
}

/// The list between the marks in CONTRIBUTING.md: lines "room: the rooms it may include".
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

/// The longest chain of rooms from `room` down. A cycle would not end: the test refuses one first.
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

}  // namespace

TEST_CASE("every include points where CONTRIBUTING.md allows") {
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

TEST_CASE("rooms form no circle, and no chain of them is longer than ten") {
    graph rooms;
    for (const include& i : includes()) rooms[i.from].insert(i.to);
    for (const auto& [room, below] : rooms) {
        INFO("room " << room << " reaches itself");
        std::set<std::string> seen;
        REQUIRE_FALSE(reaches(rooms, room, room, seen));
    }
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
