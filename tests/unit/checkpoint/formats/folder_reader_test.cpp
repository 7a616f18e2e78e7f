// cvt/checkpoint/formats/folder_reader.hpp: every name once; errors are told from the end of a folder.
#include <algorithm>
#include <cerrno>
#include <fstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <cvt/checkpoint/formats/folder_reader.hpp>

#include "support/temporary_folder.hpp"

using cvt::checkpoint::folder_reader;

TEST_CASE("folder_reader reads every name once") {
    const cvt_test::temporary_folder folder;
    std::vector<std::string> expected{".", ".."};
    for (int i = 0; i < 300; ++i) {
        expected.push_back("file" + std::to_string(i));
        std::ofstream{folder / expected.back()} << i;
    }
    std::sort(expected.begin(), expected.end());
    folder_reader reader(folder.path().c_str());
    std::vector<std::string> found;
    while (const char* const name = reader.next()) found.emplace_back(name);
    std::sort(found.begin(), found.end());
    CHECK(found == expected);
    CHECK(reader.error_number() == 0);
    CHECK(reader.next() == nullptr);
}

TEST_CASE("folder_reader reports what cannot be read") {
    const cvt_test::temporary_folder folder;
    const std::string file = folder / "file";
    std::ofstream{file} << "text";
    folder_reader missing((folder / "missing").c_str()), not_a_folder(file.c_str());
    CHECK(missing.next() == nullptr);
    CHECK(missing.error_number() == ENOENT);
    CHECK(not_a_folder.next() == nullptr);
    CHECK(not_a_folder.error_number() == ENOTDIR);
}
