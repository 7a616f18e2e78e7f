// arena: hands out pieces of one block of floats; run once without memory it measures, run again with memory it fills.
#pragma once

#include <cstddef>

#include "../version.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

/// The same code that takes memory also plans it: an arena without a base returns null and counts, so the size of
/// the block is never computed by a second formula that could disagree. Sizes are 64-bit products of checked extents;
/// `take` saturates, so an absurd size ends as a failed allocation.
class arena {
public:
    arena() noexcept = default;
    explicit arena(float* base) noexcept : base_{base} {}

    /// `count` floats on a 64-byte boundary (when the base is on one).
    float* take(std::size_t count) noexcept {
        const std::size_t padded = count > limit ? limit : (count + 15) / 16 * 16;
        float* at = base_ == nullptr ? nullptr : base_ + used_;
        used_ = used_ > limit - padded ? limit : used_ + padded;
        if (used_ > peak_) peak_ = used_;
        return at;
    }

    /// What was taken since the mark is free again.
    [[nodiscard]] std::size_t mark() const noexcept { return used_; }
    void rewind(std::size_t mark) noexcept { used_ = mark; }

    [[nodiscard]] bool measuring() const noexcept { return base_ == nullptr; }
    /// Floats that the block must have.
    [[nodiscard]] std::size_t peak() const noexcept { return peak_; }

private:
    static constexpr std::size_t limit = (static_cast<std::size_t>(-1) / 4 + 1) / sizeof(float);
    float* base_ = nullptr;
    std::size_t used_ = 0, peak_ = 0;
};

}  // namespace detail
CVT_NAMESPACE_END
