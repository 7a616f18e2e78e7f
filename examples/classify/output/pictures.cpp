// pictures.hpp: chooses a new name for each picture.
#include "output/pictures.hpp"

#include <cerrno>
#include <filesystem>

#include "common/failure.hpp"
#include "common/heat_map/png.hpp"
#include "common/paths.hpp"
#include "platform/platform.hpp"

namespace fs = std::filesystem;

namespace app {

picture_folder::picture_folder(std::string folder, const std::optional<shard>& part)
    : folder_{std::move(folder)}, part_{part ? '-' + part->name() : ""} {
    std::error_code error;
    fs::create_directories(path_of(folder_), error);
    if (!error && !fs::is_directory(path_of(folder_), error)) error = std::make_error_code(std::errc::not_a_directory);
    if (!error && !may_write_into(folder_)) error = {errno, std::generic_category()};
    if (error) throw failure{wrong_usage, "--attention: " + folder_ + " cannot be written to: " + error.message()};
}

std::string picture_folder::next_name(const std::string& path, const std::optional<time_span>& span) {
    const std::string stem = text_of(path_of(path).stem()) + (span ? '-' + seconds_text(span->start) + 's' : "") + part_;
    std::string name = stem;
    for (std::size_t& copies = copies_[stem]; !taken_.insert(name).second;) name = stem + '-' + std::to_string(++copies + 1);
    return text_of(path_of(folder_) / path_of(name + ".attention.png"));
}

cvt::error picture_folder::write(const std::string& path, const std::optional<time_span>& span, std::span<const std::uint8_t> picture,
                                 int width, int height, std::string& name) {
    const std::string target = next_name(path, span);
    if (cvt::error e = heat_map::write_png(target, picture, width, height)) return e;
    name = target;
    return {};
}

}  // namespace app
