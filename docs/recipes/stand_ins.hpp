// What the recipes use of OpenCV, Qt and stb_image, under the same names: they are compiled and run without those libraries.
#pragma once

#include <cstddef>

// <opencv2/core.hpp>
#define CV_8U 0
namespace cv {
struct MatStep {
    std::size_t bytes;
    operator std::size_t() const { return bytes; }
};
struct Mat {
    unsigned char* data;
    int rows, cols;
    MatStep step;
    int depth_of_elements, channels_of_elements;
    int depth() const { return depth_of_elements; }
    int channels() const { return channels_of_elements; }
};
}  // namespace cv

// <QImage>
class QImage {
public:
    enum Format {
        Format_Invalid,
        Format_Mono,
        Format_RGB32 = 4,
        Format_ARGB32,
        Format_ARGB32_Premultiplied,
        Format_RGB888 = 13,
        Format_RGBX8888 = 16,
        Format_RGBA8888,
        Format_Grayscale8 = 24,
        Format_BGR888 = 29
    };
    QImage(const unsigned char* data, int width, int height, long long bytes_per_line, Format format)
        : data_{data}, width_{width}, height_{height}, bytes_per_line_{bytes_per_line}, format_{format} {}
    const unsigned char* constBits() const { return data_; }
    int width() const { return width_; }
    int height() const { return height_; }
    long long bytesPerLine() const { return bytes_per_line_; }
    Format format() const { return format_; }

private:
    const unsigned char* data_;
    int width_, height_;
    long long bytes_per_line_;
    Format format_;
};

// <stb_image.h>
using stbi_uc = unsigned char;
stbi_uc* stbi_load(const char* path, int* width, int* height, int* channels_in_file, int desired_channels);
void stbi_image_free(void* pixels);
const char* stbi_failure_reason();
