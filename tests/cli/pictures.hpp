// Generates pictures for the tests of the command line, and encodes them with stb_image_write.
#pragma once

#include <catch2/catch.hpp>
#include <cstddef>
#include <string>
#include <vector>

#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb/stb_image_write.h>

namespace cvt_test {

/// RGB waves with lengths that depend on `seed`, so that different seeds get different classes.
inline std::vector<unsigned char> picture(int width, int height, int seed) {
    std::vector<unsigned char> pixels;
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
            for (int c = 0; c < 3; ++c) pixels.push_back(static_cast<unsigned char>(((x * (seed + c)) ^ (y * (2 * seed + 1))) & 255));
    return pixels;
}

inline std::string write_png(const std::string& path, int width = 61, int height = 47, int seed = 3) {
    REQUIRE(stbi_write_png(path.c_str(), width, height, 3, picture(width, height, seed).data(), 3 * width) != 0);
    return path;
}

inline std::string write_jpeg(const std::string& path, int width = 61, int height = 47, int seed = 3) {
    REQUIRE(stbi_write_jpg(path.c_str(), width, height, 3, picture(width, height, seed).data(), 90) != 0);
    return path;
}

}  // namespace cvt_test
