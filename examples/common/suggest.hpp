// What was perhaps meant by a word that is not known.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace app {

/// `; did you mean "cvt-13"?` for the nearest of `known`, or nothing when none is near.
std::string did_you_mean(std::string_view given, const std::vector<std::string>& known);

}  // namespace app
