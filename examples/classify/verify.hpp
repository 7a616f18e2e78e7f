// --verify: the self-test that converted models bring.
#pragma once

#include "options.hpp"
#include "setup.hpp"

namespace app {

/// Runs it and prints how far this machine's numbers are. Returns the exit code; throws failure where it cannot be run.
int verify_model(const options& o, const setup& s);

}  // namespace app
