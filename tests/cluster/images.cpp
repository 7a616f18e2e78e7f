// cluster_images DIR N: writes N different small JPEG files, drawn by formula.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb/stb_image_write.h>

int main(int argc, char** argv) {
    if (argc != 3) return std::fputs("usage: cluster_images DIR N\n", stderr), 2;
    constexpr int width = 96, height = 72;
    std::filesystem::create_directories(argv[1]);
    std::vector<unsigned char> pixels(width * height * 3);
    for (int i = 0; i < std::atoi(argv[2]); ++i) {
        for (std::size_t p = 0; p < pixels.size(); ++p) {
            const int x = static_cast<int>(p) / 3 % width, y = static_cast<int>(p) / 3 / width, c = static_cast<int>(p) % 3;
            pixels[p] = static_cast<unsigned char>((x * (1 + i % 7 + c)) ^ (y * (1 + i / 7 % 11)) ^ i);
        }
        char name[32];
        std::snprintf(name, sizeof name, "/%06d.jpg", i);
        if (stbi_write_jpg((argv[1] + std::string{name}).c_str(), width, height, 3, pixels.data(), 90) == 0) return 1;
    }
    return 0;
}
