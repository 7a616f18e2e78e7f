// The pixel limit for pictures: --max-pixels, or a default by the memory of the machine (200 megapixels of a telephone need 8 GB).
#pragma once

#include <algorithm>
#include <cstdint>
#include <cvt/extra/decode.hpp>

#include "options.hpp"
#include "platform/platform.hpp"

namespace app {

/// Without --max-pixels, all workers together may use half of the machine's memory to decode. The limit is at least the library's
/// default, and at most the largest picture that the library can decode.
inline cvt::decode_limits picture_limits(const options& o, std::uint64_t memory = memory_bytes()) {
    cvt::decode_limits limits;
    constexpr std::uint64_t max = 16384ULL * 16384, bytes_per_pixel = 20;
    const std::uint64_t capacity = memory / 2 / bytes_per_pixel / static_cast<std::uint64_t>(std::max(o.workers, 1));
    limits.max_pixels =
        o.max_pixels ? static_cast<std::uint64_t>(*o.max_pixels) : std::clamp<std::uint64_t>(capacity, limits.max_pixels, max);
    return limits;
}

}  // namespace app
