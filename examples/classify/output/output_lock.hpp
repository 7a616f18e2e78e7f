// Locks output files, so that two processes cannot mix their records or overwrite each other's rows.
#pragma once

#include <string>

#include "platform/platform.hpp"

namespace app {

/// Locks a regular file until it is closed; pipes and devices may have several writers. Throws failure (wrong_usage) if another process
/// has locked it; `who` begins the message. Warns on standard error if the file system has no locks.
void lock_output(const file& output, const std::string& path, const std::string& who = {});

}  // namespace app
