// arena: hands out pieces of one block of memory; without a block it measures how large the block must be.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../version.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

/// The code that takes memory also measures it, so that no second formula for the size can disagree. An arena without a base returns
/// null and counts. Sizes have 64 bits on every machine: one that cannot be addressed becomes a failed allocation, not a smaller
/// number. `take` saturates.
class arena {
public:
    arena() noexcept = default;
    explicit arena(std::byte* base) noexcept : base_{base} {}

    /// Takes `count` elements of a trivial type, on a 64-byte boundary if the base is on one.
    template <class T>
    T* take(std::uint64_t count) noexcept {
        const std::uint64_t padded = count > limit / sizeof(T) ? limit : (count * sizeof(T) + boundary - 1) / boundary * boundary;
        std::byte* at = base_ == nullptr ? nullptr : base_ + static_cast<std::size_t>(used_);
        used_ = used_ > limit - padded ? limit : used_ + padded;
        if (used_ > peak_) peak_ = used_;
        return static_cast<T*>(static_cast<void*>(at));
    }

    /// rewind(mark) frees everything taken since mark() returned it.
    [[nodiscard]] std::uint64_t mark() const noexcept { return used_; }
    void rewind(std::uint64_t mark) noexcept { used_ = mark; }

    /// Size that the block must have, in bytes.
    [[nodiscard]] std::uint64_t peak() const noexcept { return peak_; }

private:
    static constexpr std::uint64_t boundary = 64;
    static constexpr std::uint64_t limit = std::uint64_t{1} << 62;  // no allocation can have this size
    std::byte* base_ = nullptr;
    std::uint64_t used_ = 0, peak_ = 0;
};

}  // namespace detail
CVT_NAMESPACE_END
