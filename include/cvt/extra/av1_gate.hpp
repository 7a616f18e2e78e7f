// Limits the AV1 data that dav1d sees to a few frames, because each may cost a whole picture to decode, however few bytes it has.
#pragma once

#include "image_preflight.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

/// Returns why the units of a still picture (AV1 specification, 5.3) are refused, or null. A layered picture has up to four frames.
inline const char* check_av1_units(file_bytes data) noexcept {
    constexpr unsigned frame_header = 3, frame = 6, max_frames = 4;
    unsigned frames = 0;
    for (std::size_t at = 0; at < data.size();) {
        const unsigned header = data[at++], kind = header >> 3 & 15U;
        const bool extended = (header & 4U) != 0, sized = (header & 2U) != 0;
        if (extended) ++at;
        std::uint64_t size = 0;
        bool more = sized;
        for (unsigned shift = 0; more; shift += 7) {
            if (at >= data.size() || shift > 28) return "truncated AV1 data";
            size |= std::uint64_t{data[at] & 127U} << shift;
            more = data[at++] >= 128;
        }
        if (at > data.size() || size > data.size() - at) return "truncated AV1 data";
        if ((kind == frame_header || kind == frame) && ++frames > max_frames) return "AV1 of more than 4 frames";
        at = sized ? at + static_cast<std::size_t>(size) : data.size();
    }
    return nullptr;
}

}  // namespace detail
CVT_NAMESPACE_END
