// tar_images: the images or recordings of one tar archive.
#pragma once

#include <optional>
#include <string>

#include "common/media_files.hpp"
#include "input/input.hpp"
#include "input/selection.hpp"
#include "input/tar.hpp"

namespace app {

class tar_images {
public:
    tar_images(std::string path, media kind, selection& wanted, read_control& control);
    /// The next one with its bytes; null at the end. If the archive cannot be read any further, the last input has the
    /// archive's own path and an error.
    std::optional<input> next();

private:
    std::optional<input> end(const cvt::error& error);

    std::string path_;
    media kind_;
    selection& wanted_;
    cvt::result<tar_reader> reader_;
    std::size_t images_ = 0;
    bool ended_ = false;
};

}  // namespace app
