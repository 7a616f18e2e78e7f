// Helpers for the tests of picture formats: the golden files, and decoding with all libraries of this program.
#pragma once

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include <cvt/extra/codecs.hpp>
#include <cvt/extra/decode.hpp>

namespace pictures {

using bytes = std::vector<std::uint8_t>;

inline std::string path_of(const std::string& name, const std::string& folder) {
    return std::string{CVT_TEST_DATA} + '/' + folder + '/' + name;
}

inline bytes read_bytes(const std::string& name, const std::string& folder = "pictures") {
    std::ifstream file{path_of(name, folder), std::ios::binary};
    INFO(name);
    REQUIRE(file);
    return {std::istreambuf_iterator<char>{file}, {}};
}

inline cvt::result<cvt::image> decode(const bytes& file, const cvt::decode_limits& limits = {},
                                      cvt::orientation turn = cvt::orientation::exif) {
    return cvt::detail::decode_with(cvt_codecs::decoder, std::as_bytes(std::span{file}), turn, limits);
}

inline void refused(const bytes& file, cvt::errc code, const char* says, const cvt::decode_limits& limits = {}) {
    const auto image = decode(file, limits);
    REQUIRE_FALSE(image);
    CHECK_THAT(image.error().what(), Catch::Contains(says));
    CHECK(cvt::to_string(image.error().code()) == std::string{cvt::to_string(code)});
}

struct golden {
    std::string name;
    int width = 0, height = 0;
};

inline std::vector<golden> all(const std::string& folder = "pictures") {
    std::vector<golden> found;
    std::ifstream list{path_of("pictures.txt", folder)};
    REQUIRE(list);
    for (std::string line; std::getline(list, line);) {
        if (line[0] == '#') continue;
        std::istringstream fields{line};
        golden& g = found.emplace_back();
        fields >> g.name >> g.width >> g.height;
    }
    return found;
}

}  // namespace pictures
