// Refuses options that contradict each other.
#pragma once

#include "options.hpp"

namespace app {

/// Throws failure (wrong_usage) if options contradict each other. setup.hpp checks those that depend on the model.
void check_options(const options& o);

}  // namespace app
