// PNG files out of pixels.
#pragma once

#include <cstdint>
#include <cvt/error.hpp>
#include <span>
#include <string>

namespace heat_map {

/// Writes RGB pixels (height, width, 3) as a PNG file. What was at `path` is replaced when the new file is complete, so that
/// a failure leaves it as it was. Errors: io, out_of_memory.
cvt::error write_png(const std::string& path, std::span<const std::uint8_t> pixels, int width, int height);

}  // namespace heat_map
