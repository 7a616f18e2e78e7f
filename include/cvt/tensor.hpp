// Tensor views: view<T, Rank>, contiguous, for callers; matrix<T>, with a row stride, for layers and kernels.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "version.hpp"

CVT_NAMESPACE_BEGIN

namespace detail {
/// Number of elements of a tensor, which may not be in memory: 64 bits on every machine.
constexpr std::int64_t count_elements(std::span<const std::int64_t> shape) noexcept {
    std::int64_t count = 1;
    for (const std::int64_t extent : shape) count *= extent;
    return count;
}
}  // namespace detail

/// A non-owning, contiguous, row-major tensor: the last index runs fastest. It is cheap to copy and does not check indices.
/// An input (channels, height, width) is passed as a view<const float, 3>.
/// @code{.cpp}
/// std::vector<float> values(3 * 224 * 224);
/// cvt::view<float, 3> input{values.data(), 3, 224, 224};  // channels, height, width
/// input(0, 10, 20) = 0.5F;
/// if (cvt::error e = session.logits(input, logits)) return report(e);
/// @endcode
template <class T, std::size_t Rank>
class view {
    static_assert(Rank >= 1);

public:
    constexpr view() noexcept = default;

    template <class... Extents>
    requires(sizeof...(Extents) == Rank &&
             (std::is_convertible_v<Extents, std::ptrdiff_t> && ...)) constexpr explicit view(T* data, Extents... extents) noexcept
        : data_{data}, extents_{static_cast<std::ptrdiff_t>(extents)...} {}

    constexpr view(T* data, const std::array<std::ptrdiff_t, Rank>& extents) noexcept : data_{data}, extents_{extents} {}

    /// A view of mutable elements is also a view of constant ones.
    template <class U>
    requires(std::is_same_v<T, const U>) constexpr view(const view<U, Rank>& other) noexcept
        : data_{other.data()}, extents_{other.extents()} {}

    [[nodiscard]] constexpr T* data() const noexcept { return data_; }
    [[nodiscard]] constexpr std::ptrdiff_t extent(std::size_t axis) const noexcept { return extents_[axis]; }
    [[nodiscard]] constexpr const std::array<std::ptrdiff_t, Rank>& extents() const noexcept { return extents_; }
    [[nodiscard]] constexpr bool empty() const noexcept { return size() == 0; }

    /// Number of elements: the product of the extents.
    [[nodiscard]] constexpr std::ptrdiff_t size() const noexcept {
        std::ptrdiff_t n = 1;
        for (std::ptrdiff_t e : extents_) n *= e;
        return n;
    }

    template <class... Indices>
    requires(sizeof...(Indices) == Rank && (std::is_convertible_v<Indices, std::ptrdiff_t> && ...)) constexpr T& operator()(
        Indices... indices) const noexcept {
        const std::ptrdiff_t index[]{static_cast<std::ptrdiff_t>(indices)...};
        std::ptrdiff_t at = 0;
        for (std::size_t axis = 0; axis < Rank; ++axis) at = at * extents_[axis] + index[axis];
        return data_[at];
    }

    /// Slice `index` of the first axis: (B, C, H, W)[b] is (C, H, W).
    [[nodiscard]] constexpr view<T, Rank - 1> operator[](std::ptrdiff_t index) const noexcept requires(Rank >= 2) {
        std::array<std::ptrdiff_t, Rank - 1> rest{};
        std::ptrdiff_t stride = 1;
        for (std::size_t axis = 1; axis < Rank; ++axis) stride *= rest[axis - 1] = extents_[axis];
        return {data_ + index * stride, rest};
    }

    [[nodiscard]] constexpr T& operator[](std::ptrdiff_t index) const noexcept requires(Rank == 1) { return data_[index]; }

    [[nodiscard]] constexpr T* begin() const noexcept requires(Rank == 1) { return data_; }
    [[nodiscard]] constexpr T* end() const noexcept requires(Rank == 1) { return data_ + extents_[0]; }

private:
    T* data_ = nullptr;
    std::array<std::ptrdiff_t, Rank> extents_{};
};

/// A non-owning matrix (rows, cols): element (r, c) is at data[r * stride + c]. Layers and kernels pass tensors to each
/// other in this form: a row is a token, a column a channel.
/// @code{.cpp}
/// float values[6]{1, 2, 3, 4, 5, 6};
/// cvt::matrix<float> m{.data = values, .rows = 2, .cols = 3, .stride = 3};
/// m.rows_at(1, 1).row(0)[2] = 0;  // values[5]
/// @endcode
template <class T>
struct matrix {
    T* data = nullptr;
    std::ptrdiff_t rows = 0, cols = 0;
    std::ptrdiff_t stride = 0;  ///< elements from one row to the next

    [[nodiscard]] constexpr T* row(std::ptrdiff_t r) const noexcept { return data + r * stride; }
    /// Rows [first, first + count).
    [[nodiscard]] constexpr matrix rows_at(std::ptrdiff_t first, std::ptrdiff_t count) const noexcept {
        return {.data = data + first * stride, .rows = count, .cols = cols, .stride = stride};
    }
    /// Columns [first, first + count).
    [[nodiscard]] constexpr matrix cols_at(std::ptrdiff_t first, std::ptrdiff_t count) const noexcept {
        return {.data = data + first, .rows = rows, .cols = count, .stride = stride};
    }
    /// A matrix of mutable elements is also a matrix of constant ones.
    constexpr operator matrix<const T>() const noexcept requires(!std::is_const_v<T>) {
        return {.data = data, .rows = rows, .cols = cols, .stride = stride};
    }
};

CVT_NAMESPACE_END
