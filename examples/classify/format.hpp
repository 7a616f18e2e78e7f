// Numbers as text.
#pragma once

#include <cstdint>
#include <cvt/error.hpp>
#include <string>

namespace app {

/// printf into a string; cut after 1023 bytes.
CVT_PRINTF(1, 2) std::string text(const char* pattern, ...);

/// 19,997,480
std::string with_commas(std::int64_t value);

}  // namespace app
