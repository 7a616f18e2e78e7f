// arena: measuring and filling agree, pieces are aligned and do not overlap, huge sizes saturate.
#include <catch2/catch.hpp>
#include <cstdint>
#include <limits>

#include <cvt/runtime/arena.hpp>
#include <cvt/runtime/buffer.hpp>

using cvt::detail::arena;

TEST_CASE("a measuring arena counts the bytes that a filling one takes") {
    const std::size_t sizes[]{1, 0, 15, 16, 17, 1000, 3};
    arena measure;
    for (const std::size_t n : sizes) CHECK(measure.take<float>(n) == nullptr);

    cvt::detail::buffer<std::byte> block;
    REQUIRE(block.resize(measure.peak()));
    arena memory{block.data()};
    const std::byte* end = block.data();
    for (const std::size_t n : sizes) {
        const std::byte* at = reinterpret_cast<const std::byte*>(memory.take<float>(n));
        CHECK(reinterpret_cast<std::uintptr_t>(at) % 64 == 0);
        CHECK(at >= end);  // after the previous piece
        end = at + n * sizeof(float);
    }
    CHECK(end <= block.data() + block.size());
    CHECK(memory.peak() == measure.peak());
    CHECK(memory.mark() == measure.mark());
}

TEST_CASE("rewinding frees memory and keeps the peak") {
    arena a;
    a.take<float>(100);
    const std::uint64_t mark = a.mark();
    a.take<float>(1000);
    const std::uint64_t peak = a.peak();
    CHECK(peak >= 1100 * sizeof(float));
    a.rewind(mark);
    CHECK(a.mark() == mark);
    a.take<float>(500);
    CHECK(a.peak() == peak);
    a.rewind(mark);
    a.take<float>(2000);
    CHECK(a.peak() > peak);
}

TEST_CASE("huge sizes saturate at a size that cannot be allocated") {
    constexpr std::uint64_t max = std::numeric_limits<std::uint64_t>::max();
    for (const std::uint64_t huge : {max, max - 1, max - 15, max / 2, max / sizeof(float)}) {
        arena a;
        a.take<float>(64);
        a.take<float>(huge);
        const std::uint64_t full = a.peak();
        CHECK(full >= max / 16);
        CHECK(full <= max / 2);  // so that adding an alignment does not wrap around
        a.take<float>(huge);
        a.take<float>(16);
        CHECK(a.peak() == full);
    }
}
