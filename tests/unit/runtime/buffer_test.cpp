// buffer<T>: growth, moves, alignment, sorting, and allocations that must fail without an exception.
#include <cstdint>
#include <limits>
#include <map>
#include <utility>

#include <catch2/catch.hpp>
#include <cvt/runtime/buffer.hpp>
#include <cvt/runtime/sort.hpp>

using cvt::detail::buffer;

TEST_CASE("a buffer grows and keeps its elements", "[buffer]") {
    buffer<int> b;
    CHECK(b.empty());
    CHECK(b.data() == nullptr);
    for (int i = 0; i < 1000; ++i) REQUIRE(b.push_back(i));
    REQUIRE(b.size() == 1000);
    for (int i = 0; i < 1000; ++i) CHECK(b[static_cast<std::size_t>(i)] == i);
    REQUIRE(b.resize(10));
    CHECK(b.size() == 10);
    REQUIRE(b.resize(2000));
    CHECK(b[9] == 9);
    b.clear();
    CHECK(b.begin() == b.end());
}

TEST_CASE("elements lie on a 64-byte boundary", "[buffer]") {
    struct alignas(128) wide {
        char bytes[128];
    };
    buffer<char> chars;
    buffer<wide> wides;
    for (std::size_t n : {1U, 7U, 100U, 10000U}) {
        REQUIRE(chars.resize(n));
        REQUIRE(wides.resize(n));
        CHECK(reinterpret_cast<std::uintptr_t>(chars.data()) % 64 == 0);
        CHECK(reinterpret_cast<std::uintptr_t>(wides.data()) % 128 == 0);
    }
}

TEST_CASE("an element of the buffer itself can be pushed while it grows", "[buffer]") {
    buffer<std::uint64_t> b;
    REQUIRE(b.push_back(42));
    for (int i = 0; i < 100; ++i) REQUIRE(b.push_back(b[0]));
    for (const std::uint64_t v : b) CHECK(v == 42);
}

TEST_CASE("append copies a range, which may be empty", "[buffer]") {
    buffer<int> b;
    const int values[]{1, 2, 3};
    CHECK(b.append(nullptr, 0));
    REQUIRE(b.append(values, 3));
    REQUIRE(b.append(values + 1, 2));
    REQUIRE(b.size() == 5);
    CHECK(b[4] == 3);
    CHECK(b[3] == 2);
}

TEST_CASE("a failed allocation returns false and changes nothing", "[buffer]") {
    constexpr std::size_t max = std::numeric_limits<std::size_t>::max();
    buffer<float> b;
    REQUIRE(b.push_back(1.F));
    const float* before = b.data();
    for (const std::size_t count : {max, max / 2, max / sizeof(float), max / sizeof(float) + 2, max / 8 + 1}) {
        CHECK_FALSE(b.resize(count));
        CHECK_FALSE(b.append(before, count));
    }
    for (const std::uint64_t count : {UINT64_MAX, UINT64_MAX / sizeof(float) + 2, std::uint64_t{1} << 60}) CHECK_FALSE(b.resize(count));
    if constexpr (sizeof(void*) == 4) CHECK_FALSE(b.resize((std::uint64_t{1} << 32) + 1));  // not truncated to 1
    CHECK(b.size() == 1);
    CHECK(b.data() == before);
    CHECK(b[0] == 1.F);
}

TEST_CASE("moving leaves the source empty", "[buffer]") {
    buffer<int> a;
    REQUIRE(a.push_back(7));
    buffer<int> b{std::move(a)};
    CHECK(a.data() == nullptr);
    CHECK(a.empty());
    REQUIRE(b.size() == 1);
    buffer<int> c;
    REQUIRE(c.push_back(1));
    c = std::move(b);
    CHECK(b.data() == nullptr);
    CHECK(c[0] == 7);
    buffer<int>& same = c;
    c = std::move(same);
    REQUIRE(c.size() == 1);
    CHECK(c[0] == 7);
    c.release();
    CHECK(c.data() == nullptr);
    REQUIRE(c.push_back(2));
    CHECK(c[0] == 2);
}

TEST_CASE("sorting orders every size, with repeated elements and without", "[buffer]") {
    for (std::uint32_t size = 0; size <= 200; ++size)
        for (const std::uint32_t values : {1U, 2U, 7U, 1000003U}) {
            buffer<std::uint32_t> b;
            std::map<std::uint32_t, int> counts;
            for (std::uint32_t i = 0; i < size; ++i) {
                const std::uint32_t element = (i * i * 2654435761U + i) % values;
                ++counts[element];
                REQUIRE(b.push_back(element));
            }
            cvt::detail::sort(b, [](std::uint32_t x, std::uint32_t y) { return x < y; });
            std::size_t i = 0;
            for (const auto& [element, count] : counts)
                for (int n = 0; n < count; ++n) REQUIRE(b[i++] == element);
            REQUIRE(i == b.size());
        }
}
