// Two writers would repeat each other's records and replace each other's rows: a file that is written to is locked.
#pragma once

#include <string>

#include "platform/platform.hpp"

namespace app {

/// For as long as the file is open. Throws failure (wrong_usage) where somebody has locked it; `who` begins the sentence. A file system
/// without locks is warned of. Pipes and devices may have many writers.
void lock_output(const file& output, const std::string& path, const std::string& who = {});

}  // namespace app
