// read_bytes: reads a whole file. first_bytes: the beginning of an input, by which its kind is known.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cvt/error.hpp>
#include <string>
#include <vector>

#include "input/input.hpp"

namespace app {

/// Reads a regular file of at most `limit` bytes. Errors: io, bad_image (more bytes).
cvt::result<std::vector<std::byte>> read_bytes(const std::string& path, std::uint64_t limit);

/// The first 256 bytes of an input's file or data, fewer if it has fewer or cannot be read.
std::vector<std::byte> first_bytes(const input& i);

}  // namespace app
