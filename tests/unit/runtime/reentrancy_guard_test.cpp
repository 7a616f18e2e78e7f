// one_user: one call at a time, whatever became of the one before.
#include <catch2/catch.hpp>
#include <cvt/runtime/reentrancy_guard.hpp>
#include <utility>

using cvt::detail::one_user;

TEST_CASE("a second call is refused until the first has ended") {
    one_user object;
    for (int round = 0; round < 3; ++round) {
        const one_user::call first{object};
        CHECK(first);
        {
            const one_user::call second{object}, third{object};
            CHECK_FALSE(second);
            CHECK_FALSE(third);
        }
        CHECK_FALSE(one_user::call{object});  // a refused call does not free it
    }
    CHECK(one_user::call{object});
}

TEST_CASE("an object that is moved begins anew") {
    one_user from;
    const one_user::call busy{from};
    one_user to{std::move(from)};
    CHECK(one_user::call{to});
    one_user assigned;
    assigned = std::move(to);
    CHECK(one_user::call{assigned});
}
