// Which units of HEVC libde265 gets to see: those of one still picture, whose parameters say no larger size than the file's tables do.
#pragma once

#include "image_preflight.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

/// The bits of a unit, without the bytes that only keep start codes out of it (ISO/IEC 23008-2, 7.3.1.1). Past the end they are 0, and
/// `good` says so.
class hevc_bits {
public:
    explicit hevc_bits(file_bytes unit) noexcept : unit_{unit} {}
    bool good = true;

    std::uint32_t bits(unsigned count) noexcept {
        std::uint32_t value = 0;
        for (; count != 0; --count) value = value << 1 | bit();
        return value;
    }
    void skip(unsigned count) noexcept {
        for (; count != 0; --count) bit();
    }
    /// As many zeros as bits follow a one: Exp-Golomb.
    std::uint32_t number() noexcept {
        constexpr unsigned most = 20;
        unsigned zeros = 0;
        while (good && bit() == 0) good = good && ++zeros <= most;
        return good ? (1U << zeros) - 1 + bits(zeros) : 0;
    }

private:
    std::uint32_t bit() noexcept {
        if (left_ == 0) {
            constexpr int before_stuffing = 2;
            constexpr std::uint8_t stuffing = 3;
            if (zeros_ >= before_stuffing && at_ < unit_.size() && unit_[at_] == stuffing) ++at_, zeros_ = 0;
            if (at_ >= unit_.size()) return good = false, 0U;
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

/// A sequence parameter set as far as its sizes go (7.3.2.2), with the ranges of 7.4.3.2: why it is refused, or null. `most_area`: in
/// pixels of whole blocks.
inline const char* check_hevc_sequence(file_bytes unit, std::uint64_t most_area) noexcept {
    hevc_bits b{unit};
    constexpr unsigned unit_header = 16, profile = 88, level = 8;
    b.skip(unit_header + 4);
    const unsigned layers = b.bits(3);  // of time, beside the first
    b.skip(1 + profile + level);
    bool has_profile[8] = {}, has_level[8] = {};
    for (unsigned i = 0; i < layers; ++i) has_profile[i] = b.bits(1) != 0, has_level[i] = b.bits(1) != 0;
    if (layers != 0) b.skip(2 * (8 - layers));
    for (unsigned i = 0; i < layers; ++i) b.skip((has_profile[i] ? profile : 0) + (has_level[i] ? level : 0));
    b.number();  // its own
    const std::uint32_t chroma = b.number();
    if (chroma == 3) b.skip(1);
    const std::uint64_t width = b.number(), height = b.number();
    if (b.bits(1) != 0)
        for (int side = 0; side < 4; ++side) b.number();  // what is cut off
    const std::uint32_t bits = 8 + b.number(), chroma_bits = 8 + b.number();
    b.number();  // how pictures are counted
    const unsigned orders = b.bits(1) != 0 ? 3 * (layers + 1) : 3;
    for (unsigned i = 0; i < orders; ++i) b.number();
    const std::uint32_t least_block = 3 + b.number(), block = least_block + b.number();
    const std::uint32_t least_transform = 2 + b.number(), transform = least_transform + b.number();
    const std::uint32_t depth_between = b.number(), depth_within = b.number();
    if (!b.good) return "HEVC parameters that are cut short";
    constexpr std::uint32_t most_bits = 16, most_block = 6, most_transform = 5;
    if (layers > 6 || chroma > 3 || bits > most_bits || chroma_bits > most_bits || least_block > most_block || block > most_block ||
        least_transform >= least_block || transform > most_transform || transform > block || depth_between > block - least_transform ||
        depth_within > block - least_transform || width % (1U << least_block) != 0 || height % (1U << least_block) != 0)
        return "HEVC parameters out of range";
    const auto whole = [&](std::uint64_t side) noexcept { return (side + (1U << block) - 1) >> block << block; };
    return whole(width) * whole(height) > most_area ? "an HEVC picture that is larger than its tables say" : nullptr;
}

/// Of one coded picture. Everything is counted: each set of parameters makes libde265 lay out tables for its whole picture, and each slice
/// may have it decode the picture once more, however few bytes it has.
class hevc_gate {
public:
    static constexpr int most_parameter_sets = 8, most_slices = 32;

    explicit hevc_gate(std::uint64_t most_area) noexcept : most_area_{most_area} {}

    /// Why the unit is refused; null where it is not, and then `needed` says whether a decoder needs it.
    const char* check(file_bytes unit, bool& needed) noexcept {
        needed = false;
        constexpr std::size_t header = 2;
        if (unit.size() < header) return "a unit of HEVC without its header";
        const unsigned kind = unit[0] >> 1 & 63U, layer = (unit[0] & 1U) << 5 | unit[1] >> 3;
        constexpr unsigned first_slice = 16, last_slice = 21, sequence = 33, first_set = 32, last_set = 34, last_note = 40;
        if (kind < first_slice || (kind > last_slice && kind < first_set) || kind > last_note) return "HEVC that is no still picture";
        if (layer != 0 || kind > last_set) return nullptr;  // notes and other layers
        if (kind <= last_slice && ++slices_ > most_slices) return "an HEVC picture of more than 32 slices";
        if (kind >= first_set && ++sets_ > most_parameter_sets) return "HEVC with more than 8 parameter sets";
        if (kind == sequence)
            if (const char* why = check_hevc_sequence(unit, most_area_)) return why;
        needed = true;
        return nullptr;
    }

private:
    std::uint64_t most_area_;
    int sets_ = 0, slices_ = 0;
};

}  // namespace detail
CVT_NAMESPACE_END
