// input: one image or recording to classify, named by an argument, a line of standard input or an archive.
#pragma once

#include <cstddef>
#include <cvt/error.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/input_id.hpp"

namespace app {

struct input {
    std::string path;                                           ///< for a member of an archive: archive/name
    input_id id;                                                ///< from standard input, or WebDataset's key
    cvt::error error;                                           ///< set if there is nothing to read, for example in an empty folder
    std::optional<std::vector<std::byte>> data = std::nullopt;  ///< bytes of a member of an archive
    bool of_other_shard = false;                                ///< the error is reported here; another shard writes the record
    std::optional<time_span> span = std::nullopt;               ///< the part of the recording
    std::string notes = {};                                     ///< lines for standard error, before the record
};

}  // namespace app
