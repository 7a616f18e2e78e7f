// The colours of heat maps: from dark violet over red to light yellow, perceptually uniform and readable in grey.
#pragma once

#include <array>
#include <cstdint>

namespace heat_map {

using rgb = std::array<std::uint8_t, 3>;

/// Returns the colour of `value`, from 0 to 1, in sRGB. Lightness rises linearly with the value.
rgb ramp(double value);

}  // namespace heat_map
