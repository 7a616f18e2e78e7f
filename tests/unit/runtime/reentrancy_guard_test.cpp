// reentrancy_guard: one call at a time; a moved object is free.
#include <catch2/catch.hpp>
#include <cvt/runtime/reentrancy_guard.hpp>
#include <utility>

using cvt::detail::reentrancy_guard;

TEST_CASE("a second call is refused until the first has ended") {
    reentrancy_guard object;
    for (int round = 0; round < 3; ++round) {
        const reentrancy_guard::call first{object};
        CHECK(first);
        {
            const reentrancy_guard::call second{object}, third{object};
            CHECK_FALSE(second);
            CHECK_FALSE(third);
        }
        CHECK_FALSE(reentrancy_guard::call{object});  // a refused call does not release it
    }
    CHECK(reentrancy_guard::call{object});
}

TEST_CASE("a moved object is free") {
    reentrancy_guard from;
    const reentrancy_guard::call busy{from};
    reentrancy_guard to{std::move(from)};
    CHECK(reentrancy_guard::call{to});
    reentrancy_guard assigned;
    assigned = std::move(to);
    CHECK(reentrancy_guard::call{assigned});
}
