// unique_handle: each handle is closed once, by its last owner.
#include <catch2/catch.hpp>
#include <cvt/runtime/unique_handle.hpp>
#include <utility>

namespace {

struct handle {
    int closed = 0;
};
struct close_handle {
    void operator()(handle* h) const noexcept { ++h->closed; }
};
using owner = cvt::detail::unique_handle<handle, close_handle>;

}  // namespace

TEST_CASE("an owner closes its handle at its end") {
    handle h;
    {
        const owner o{&h};
        CHECK(o);
        CHECK(o.get() == &h);
        CHECK(h.closed == 0);
    }
    CHECK(h.closed == 1);
    CHECK_FALSE(owner{});
}

TEST_CASE("a move hands the handle over") {
    handle a, b;
    {
        owner from{&a}, to{std::move(from)};
        CHECK(to.get() == &a);
        CHECK(from.get() == nullptr);  // NOLINT(bugprone-use-after-move)
        owner assigned{&b};
        assigned = std::move(to);
        CHECK(assigned.get() == &a);
        owner& itself = assigned;
        assigned = std::move(itself);
        CHECK(assigned.get() == &a);
        CHECK(a.closed == 0);
    }
    CHECK(a.closed == 1);
    CHECK(b.closed == 1);
}

TEST_CASE("reset closes the handle, release does not") {
    handle a, b;
    owner o{&a};
    o.reset(&b);
    CHECK(a.closed == 1);
    CHECK(o.get() == &b);
    o.reset();
    CHECK(b.closed == 1);
    CHECK_FALSE(o);
    o.reset(&a);
    CHECK(o.release() == &a);
    CHECK_FALSE(o);
    CHECK(a.closed == 1);
}
