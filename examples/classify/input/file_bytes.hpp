// read_bytes: reads a whole file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cvt/error.hpp>
#include <string>
#include <vector>

namespace app {

/// Reads a regular file of at most `limit` bytes. Errors: io, bad_image (more bytes).
cvt::result<std::vector<std::byte>> read_bytes(const std::string& path, std::uint64_t limit);

}  // namespace app
