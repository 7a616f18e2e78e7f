// media_files.hpp: lists of names, compared without regard to case.
#include "common/media_files.hpp"

#include <algorithm>
#include <iterator>

#include "common/paths.hpp"
#include "common/text.hpp"

namespace app {
namespace {

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

bool has_litter_name(std::string_view name) {
    return equal_ignoring_case(name, "__MACOSX") || equal_ignoring_case(name, "@eaDir") || equal_ignoring_case(name, "Thumbs.db");
}

}  // namespace

std::string extension_of(const std::string& path) {
    std::string extension = text_of(path_of(path).extension());
    std::transform(extension.begin(), extension.end(), extension.begin(), lower);
    return extension;
}

bool has_name_of(media m, const std::string& path) {
    static constexpr std::string_view pictures[]{".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".gif",  ".bmp",  ".dib",
                                                 ".tif", ".tiff", ".pbm", ".pgm",  ".ppm", ".pnm", ".avif", ".heic", ".heif", ".hif"};
    static constexpr std::string_view sounds[]{".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3"};
    const auto among = [extension = extension_of(path)](auto& extensions) {
        return std::find(std::begin(extensions), std::end(extensions), extension) != std::end(extensions);
    };
    return m == media::pictures ? among(pictures) : among(sounds);
}

const char* examples_of(media m) {
    return m == media::pictures ? ".jpg, .png, .webp or other pictures" : ".wav, .flac, .mp3 or other recordings";
}

bool has_archive_name(const std::string& path) { return extension_of(path) == ".tar"; }

bool is_litter(std::string_view name) { return name.starts_with('.') || has_litter_name(name); }

bool is_litter_member(std::string_view path) {
    for (std::size_t end; (end = path.find('/')) != std::string_view::npos; path.remove_prefix(end + 1))
        if (has_litter_name(path.substr(0, end))) return true;
    return is_litter(path);
}

}  // namespace app
