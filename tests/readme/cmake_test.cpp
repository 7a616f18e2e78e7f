// Builds a project by each way of docs/building.md's CMake. What a project would clone is this repository.
#include "sandbox.hpp"

using namespace cvt_test;

namespace {

/// The paragraphs of a block, which empty lines separate.
std::vector<std::string> paragraphs(const std::string& text) {
    std::vector<std::string> parts{""};
    for (const std::string& line : lines_of(text)) {
        if (!line.empty())
            parts.back() += line + '\n';
        else if (!parts.back().empty())
            parts.emplace_back();
    }
    return parts;
}

}  // namespace

TEST_CASE("each way of docs/building.md's CMake gives a program that includes cvt", "[readme]") {
    const std::vector<std::string> blocks = markdown{fs::path{CVT_SOURCE} / "docs/building.md"}.blocks_in("cmake");
    REQUIRE_FALSE(blocks.empty());
    std::vector<std::string> ways = paragraphs(blocks.front());
    REQUIRE(ways.size() == 4);
    const std::string use = ways.back();
    ways.pop_back();

    const sandbox clone;
    for (const std::string& way : ways) {
        INFO(way);
        const bool installed = way.find("find_package") != std::string::npos;
        if (installed && !CVT_INSTALLED) continue;
        if (installed) REQUIRE(clone.run("cmake --install '" CVT_BINARY "' --prefix PREFIX").code == 0);
        REQUIRE(clone.run("rm -rf host").code == 0);
        clone.write("host/program.cpp", "#include <cvt/error.hpp>\nint main() { return cvt::error{} ? 1 : 0; }\n");
        clone.link(CVT_SOURCE, "host/third_party/cvt");
        clone.write("host/CMakeLists.txt",
                    "cmake_minimum_required(VERSION 3.21)\nproject(host LANGUAGES CXX)\n"
                    "add_executable(your_program program.cpp)\n" +
                        way + use);
        const outcome o =
            clone.run("cmake -S host -B host/build -DFETCHCONTENT_SOURCE_DIR_CVT='" CVT_SOURCE
                      "' -DCMAKE_PREFIX_PATH=\"$PWD/PREFIX\""
                      " -DEigen3_DIR='" CVT_EIGEN "' -DCMAKE_CXX_COMPILER='" CVT_COMPILER "' -DCMAKE_CXX_FLAGS='" CVT_HOST_FLAGS
                      "' &&"
                      " cmake --build host/build && host/build/your_program");
        INFO(o.out << o.err);
        CHECK(o.code == 0);
    }
}
