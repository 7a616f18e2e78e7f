// What the options say together: which of them do not go with others.
#pragma once

#include "options.hpp"

namespace app {

/// Throws failure (wrong_usage) as far as that can be told without a model.
void check_options(const options& o);

}  // namespace app
