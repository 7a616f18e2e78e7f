// view<T, Rank>: indexing, slices and conversions; matrix<T>: rows with a stride.
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

TEST_CASE("the last index varies fastest", "[tensor]") {
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
    float sum = 0;
    for (const float x : second[2]) sum += x;
    CHECK(sum == 20.F + 21.F + 22.F + 23.F);
}

TEST_CASE("a view of mutable elements converts to one of const elements, never back", "[tensor]") {
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

TEST_CASE("matrix rows may have a stride, which submatrices keep", "[tensor]") {
    std::array<float, 24> values = counting();
    const cvt::matrix<float> m{.data = values.data(), .rows = 4, .cols = 5, .stride = 6};
    CHECK(m.row(2)[3] == 15.F);
    const cvt::matrix<const float> part = m.rows_at(1, 3).cols_at(2, 2);
    CHECK(part.rows == 3);
    CHECK(part.cols == 2);
    CHECK(part.stride == 6);
    CHECK(part.row(0)[0] == 8.F);
    CHECK(part.row(2)[1] == 21.F);
    CHECK(m.rows_at(4, 0).data == values.data() + 24);
    CHECK(std::is_convertible_v<cvt::matrix<float>, cvt::matrix<const float>>);
    CHECK_FALSE(std::is_convertible_v<cvt::matrix<const float>, cvt::matrix<float>>);
}
