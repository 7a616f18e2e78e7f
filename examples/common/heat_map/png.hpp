// Writes PNG files.
#pragma once

#include <cstdint>
#include <cvt/error.hpp>
#include <span>
#include <string>

namespace heat_map {

/// Writes RGB pixels (height, width, 3) as a PNG file. Replaces an existing file only when the new one is complete. Errors: io,
/// out_of_memory.
cvt::error write_png(const std::string& path, std::span<const std::uint8_t> pixels, int width, int height);

}  // namespace heat_map
