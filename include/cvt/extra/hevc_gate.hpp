// Limits the HEVC units that libde265 sees to those of one still picture, no larger than the file's tables say.
#pragma once

#include "image_preflight.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

/// Reads the bits of a unit without its emulation prevention bytes (ISO/IEC 23008-2, 7.3.1.1). Beyond the end they are 0 and `good`
/// becomes false.
class hevc_bits {
public:
    explicit hevc_bits(file_bytes unit) noexcept : unit_{unit} {}
    bool good = true;

    /// The last 32 of `count` bits.
    std::uint32_t bits(unsigned count) noexcept {
        std::uint32_t value = 0;
        for (; count != 0; --count) value = value << 1 | bit();
        return value;
    }
    /// An Exp-Golomb code: n zeros, a one, n bits.
    std::uint32_t number() noexcept {
        constexpr unsigned max = 20;
        unsigned zeros = 0;
        while (good && bit() == 0) good = good && ++zeros <= max;
        return good ? (1U << zeros) - 1 + bits(zeros) : 0;
    }

private:
    std::uint32_t bit() noexcept {
        if (left_ == 0) {
            constexpr int before_stuffing = 2;
            constexpr std::uint8_t stuffing = 3;
            if (zeros_ >= before_stuffing && at_ < unit_.size() && unit_[at_] == stuffing) ++at_, zeros_ = 0;
            if (at_ >= unit_.size()) {
                good = false;
                return 0;
            }
            byte_ = unit_[at_++];
            zeros_ = byte_ == 0 ? zeros_ + 1 : 0;
            left_ = 8;
        }
        return byte_ >> --left_ & 1U;
    }

    file_bytes unit_;
    std::size_t at_ = 0;
    int zeros_ = 0;
    unsigned left_ = 0, byte_ = 0;
};

/// Checks the sizes in a sequence parameter set (7.3.2.2, ranges of 7.4.3.2). Returns why it is refused, or null. `max_area`: in pixels
/// of whole blocks.
inline const char* check_hevc_sequence(file_bytes unit, std::uint64_t max_area) noexcept {
    hevc_bits b{unit};
    constexpr unsigned unit_header = 16, profile = 88, level = 8;
    b.bits(unit_header + 4);
    const unsigned layers = b.bits(3);  // temporal sub-layers beside the first
    b.bits(1 + profile + level);
    bool has_profile[8] = {}, has_level[8] = {};
    for (unsigned i = 0; i < layers; ++i) has_profile[i] = b.bits(1) != 0, has_level[i] = b.bits(1) != 0;
    if (layers != 0) b.bits(2 * (8 - layers));
    for (unsigned i = 0; i < layers; ++i) b.bits((has_profile[i] ? profile : 0) + (has_level[i] ? level : 0));
    b.number();  // its id
    const std::uint32_t chroma = b.number();
    if (chroma == 3) b.bits(1);
    const std::uint64_t width = b.number(), height = b.number();
    if (b.bits(1) != 0)
        for (int side = 0; side < 4; ++side) b.number();  // the cropping window
    const std::uint32_t bits = 8 + b.number(), chroma_bits = 8 + b.number();
    b.number();  // bits of the picture order count
    const unsigned orders = b.bits(1) != 0 ? 3 * (layers + 1) : 3;
    for (unsigned i = 0; i < orders; ++i) b.number();
    const std::uint32_t min_block = 3 + b.number(), block = min_block + b.number();
    const std::uint32_t min_transform = 2 + b.number(), transform = min_transform + b.number();
    const std::uint32_t depth_between = b.number(), depth_within = b.number();
    if (!b.good) return "truncated HEVC parameters";
    constexpr std::uint32_t max_bits = 16, max_block = 6, max_transform = 5;
    if (layers > 6 || chroma > 3 || bits > max_bits || chroma_bits > max_bits || min_block > max_block || block > max_block ||
        min_transform >= min_block || transform > max_transform || transform > block || depth_between > block - min_transform ||
        depth_within > block - min_transform || width % (1U << min_block) != 0 || height % (1U << min_block) != 0)
        return "HEVC parameters out of range";
    const auto whole = [&](std::uint64_t side) noexcept { return (side + (1U << block) - 1) >> block << block; };
    return whole(width) * whole(height) > max_area ? "an HEVC picture that is larger than its tables say" : nullptr;
}

/// The units of one coded picture. Their number is limited: each parameter set makes libde265 allocate tables for a whole picture, and
/// each slice may make it decode the picture again.
class hevc_gate {
public:
    static constexpr int max_parameter_sets = 8, max_slices = 32;

    explicit hevc_gate(std::uint64_t max_area) noexcept : max_area_{max_area} {}

    /// Returns why the unit is refused; null if it is not, and then `needed` tells whether a decoder needs it.
    const char* check(file_bytes unit, bool& needed) noexcept {
        needed = false;
        constexpr std::size_t header = 2;
        if (unit.size() < header) return "a unit of HEVC without a header";
        const unsigned kind = unit[0] >> 1 & 63U, layer = (unit[0] & 1U) << 5 | unit[1] >> 3;
        constexpr unsigned first_slice = 16, last_slice = 21, sequence = 33, first_set = 32, last_set = 34, last_note = 40;
        if (kind < first_slice || (kind > last_slice && kind < first_set) || kind > last_note) return "HEVC that is not a still picture";
        if (layer != 0 || kind > last_set) return nullptr;  // notes and other layers
        if (kind <= last_slice && ++slices_ > max_slices) return "an HEVC picture of more than 32 slices";
        if (kind >= first_set && ++sets_ > max_parameter_sets) return "HEVC with more than 8 parameter sets";
        if (kind == sequence)
            if (const char* why = check_hevc_sequence(unit, max_area_)) return why;
        needed = true;
        return nullptr;
    }

private:
    std::uint64_t max_area_;
    int sets_ = 0, slices_ = 0;
};

}  // namespace detail
CVT_NAMESPACE_END
