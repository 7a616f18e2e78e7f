// The bounded search of the tables of names.
#include <catch2/catch.hpp>
#include <cstdint>
#include <vector>

#include <cvt/checkpoint/json/hash_table.hpp>

using cvt::checkpoint::max_probes;
using cvt::checkpoint::place_of;

TEST_CASE("place_of: the name, else the first free place from its hash on, round the end") {
    std::vector<std::uint32_t> table{0, 0, 0, 7};
    const auto is = [](std::uint32_t wanted) { return [wanted](std::uint32_t entry) { return entry == wanted; }; };
    CHECK(place_of(table, 2, is(5)) == 2);
    CHECK(place_of(table, 3, is(7)) == 3);
    CHECK(place_of(table, 7, is(7)) == 3);  // only the lower bits of a hash name a place
    CHECK(place_of(table, 3, is(5)) == 0);
    table[0] = 5;
    CHECK(place_of(table, 3, is(5)) == 0);
    CHECK(place_of(table, 3, is(6)) == 1);
}

TEST_CASE("place_of: gives up after max_probes places, in a full table too") {
    std::vector<std::uint32_t> table(4 * max_probes, 1);
    table[max_probes] = 2;
    const auto two = [](std::uint32_t entry) { return entry == 2; };
    CHECK(place_of(table, 0, two) == table.size());
    CHECK(place_of(table, 1, two) == max_probes);
    const std::vector<std::uint32_t> full(2, 1);
    CHECK(place_of(full, 0, two) == full.size());
}
