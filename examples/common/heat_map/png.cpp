// png.hpp: encodes with stb_image_write, and replaces the file by a rename.
#include "common/heat_map/png.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STBI_WRITE_NO_STDIO
#include <stb/stb_image_write.h>

namespace heat_map {

cvt::error write_png(const std::string& path, std::span<const std::uint8_t> pixels, int width, int height) {
    int size = 0;
    const std::unique_ptr<unsigned char, decltype(&std::free)> bytes{
        stbi_write_png_to_mem(pixels.data(), 3 * width, width, height, 3, &size), &std::free};
    if (!bytes) return cvt::error::out_of_memory("PNG picture", pixels.size());

    const std::string unfinished = path + ".part";
    const auto failed = [&](int why) {
        std::remove(unfinished.c_str());
        return cvt::error::format(cvt::errc::io, "%s cannot be written: %s", path.c_str(), std::strerror(why));
    };
    std::FILE* file = std::fopen(unfinished.c_str(), "wb");
    if (file == nullptr) return cvt::error::format(cvt::errc::io, "%s cannot be written: %s", path.c_str(), std::strerror(errno));
    const bool written = std::fwrite(bytes.get(), 1, static_cast<std::size_t>(size), file) == static_cast<std::size_t>(size);
    const int why = errno;
    if (std::fclose(file) != 0 || !written) return failed(written ? errno : why);
    bool named = std::rename(unfinished.c_str(), path.c_str()) == 0;
    if (!named && errno == EEXIST)  // Windows does not replace files
        named = std::remove(path.c_str()) == 0 && std::rename(unfinished.c_str(), path.c_str()) == 0;
    return named ? cvt::error{} : failed(errno);
}

}  // namespace heat_map
