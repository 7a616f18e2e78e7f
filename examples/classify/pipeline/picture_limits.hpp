// How large a picture may be: what --max-pixels says, or a telephone's 200 megapixels where the memory is there for it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cvt/extra/decode.hpp>

#include "options.hpp"
#include "platform/platform.hpp"

namespace app {

/// Without --max-pixels: as many as half of the machine's memory can hold while they are decoded, by all workers at a time; at least
/// the library's own limit, and at most what it can decode at all.
inline cvt::decode_limits picture_limits(const options& o, std::uint64_t memory = memory_bytes()) {
    cvt::decode_limits limits;
    constexpr std::uint64_t most = 16384ULL * 16384, bytes_a_pixel = 20;
    const std::uint64_t room = memory / 2 / bytes_a_pixel / static_cast<std::uint64_t>(std::max(o.workers, 1));
    limits.max_pixels = o.max_pixels ? static_cast<std::uint64_t>(*o.max_pixels) : std::clamp<std::uint64_t>(room, limits.max_pixels, most);
    return limits;
}

}  // namespace app
