// input: one image to classify, as the command line, standard input or an archive names it.
#pragma once

#include <cstddef>
#include <cvt/error.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/manifest.hpp"

namespace app {

struct input {
    std::string path;    ///< for a member of an archive: archive/name
    input_id id;         ///< from standard input, or WebDataset's key
    cvt::error problem;  ///< set if the path stands for no image, for example a directory without any
    std::optional<std::vector<std::byte>> data = std::nullopt;  ///< bytes of a member of an archive
    bool of_other_shard = false;                                ///< has a problem that is reported here, but its record elsewhere
    std::string notes = {};                                     ///< lines for standard error, before the record
};

}  // namespace app
