// view<T, Rank>: indexing, slices and conversions.
#include <array>
#include <numeric>
#include <type_traits>

#include <catch2/catch.hpp>
#include <cvt/tensor.hpp>

namespace {
std::array<float, 24> counting() {
    std::array<float, 24> values{};
    std::iota(values.begin(), values.end(), 0.F);
    return values;
}
}  // namespace

TEST_CASE("the last index runs fastest", "[tensor]") {
    std::array<float, 24> values = counting();
    const cvt::view<float, 3> v{values.data(), 2, 3, 4};
    CHECK(v.size() == 24);
    CHECK(v.extent(0) == 2);
    CHECK(v.extent(2) == 4);
    float expected = 0;
    for (int i = 0; i < 2; ++i)
        for (int j = 0; j < 3; ++j)
            for (int k = 0; k < 4; ++k) CHECK(v(i, j, k) == expected++);
    v(1, 2, 3) = -1;
    CHECK(values[23] == -1.F);
}

TEST_CASE("slices of the first axis", "[tensor]") {
    std::array<float, 24> values = counting();
    const cvt::view<float, 3> v{values.data(), 2, 3, 4};
    const cvt::view<float, 2> second = v[1];
    CHECK(second.extents() == std::array<std::ptrdiff_t, 2>{3, 4});
    CHECK(second(0, 0) == 12.F);
    CHECK(v[1][2][3] == 23.F);
    const cvt::view<float, 2> rows = second.slice(1, 2);
    CHECK(rows.extents() == std::array<std::ptrdiff_t, 2>{2, 4});
    CHECK(rows(0, 0) == 16.F);
    CHECK(second.slice(3, 0).empty());
    float sum = 0;
    for (const float x : rows[1]) sum += x;
    CHECK(sum == 20.F + 21.F + 22.F + 23.F);
}

TEST_CASE("a view of mutable elements converts to one of constants, never back", "[tensor]") {
    std::array<float, 24> values = counting();
    const cvt::view<const float, 3> constant = cvt::view<float, 3>{values.data(), 2, 3, 4};
    CHECK(constant.data() == values.data());
    CHECK(constant(1, 0, 0) == 12.F);
    STATIC_REQUIRE_FALSE(std::is_convertible_v<cvt::view<const float, 3>, cvt::view<float, 3>>);
    STATIC_REQUIRE_FALSE(std::is_constructible_v<cvt::view<float, 3>, float*, int, int>);  // too few extents
    STATIC_REQUIRE(std::is_trivially_copyable_v<cvt::view<float, 4>>);
}

TEST_CASE("a default view is empty", "[tensor]") {
    const cvt::view<const float, 2> none;
    CHECK(none.data() == nullptr);
    CHECK(none.empty());
}

TEST_CASE("views work in constant expressions", "[tensor]") {
    static constexpr std::array<int, 6> values{0, 1, 2, 3, 4, 5};
    constexpr cvt::view<const int, 2> v{values.data(), 2, 3};
    STATIC_REQUIRE(v(1, 2) == 5);
    STATIC_REQUIRE(v[1][0] == 3);
}
