// The colours of heat maps: dark violet over red to light yellow, even to the eye and readable in grey.
#pragma once

#include <array>
#include <cstdint>

namespace heat_map {

using rgb = std::array<std::uint8_t, 3>;

/// The colour of `value`, 0 (least) to 1 (most), in sRGB. Lightness rises with the value at a constant pace.
rgb ramp(double value);

}  // namespace heat_map
