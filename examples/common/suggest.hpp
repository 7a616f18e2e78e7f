// Suggests a known word for a misspelt one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace app {

/// Returns `; did you mean "cvt-13"?` with the nearest of `known`, or an empty string if none is near.
std::string did_you_mean(std::string_view given, const std::vector<std::string>& known);

}  // namespace app
