// --evaluate: accuracy on photos whose classes are known.
#pragma once

#include "options.hpp"
#include "setup.hpp"

namespace app {

/// Runs all images and prints the report; the exit code. Throws failure (wrong_usage) where photos and labels do not fit the
/// model or each other.
int evaluate(const options& o, const setup& s);

}  // namespace app
