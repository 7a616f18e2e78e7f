// write_model: writes an open checkpoint as the folder of --convert, with its own head or another.
#pragma once

#include <cvt/convert.hpp>
#include <optional>
#include <string>
#include <vector>

#include "open_checkpoint.hpp"
#include "options.hpp"

namespace app {

/// `labels`: one for each class, empty strings for none. Returns what was written, as a phrase. Warnings go to standard error. Throws
/// failure.
std::string write_model(const options& o, const open_checkpoint& from, const std::vector<std::string>& labels,
                        const std::optional<cvt::head_view>& head);

}  // namespace app
