// --evaluate: accuracy on a folder of photos, one folder a class.
#pragma once

#include "options.hpp"
#include "setup.hpp"

namespace app {

/// Runs all images and prints the report; the exit code. Throws failure (wrong_usage) where folders do not fit the model.
int evaluate(const options& o, const setup& s);

}  // namespace app
