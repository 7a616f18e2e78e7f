// --info: what was loaded, why it was taken for that, and what it costs.
#pragma once

#include <string>

#include "options.hpp"
#include "setup.hpp"

namespace app {

/// A table for people.
std::string describe(const options& o, const setup& s);

}  // namespace app
