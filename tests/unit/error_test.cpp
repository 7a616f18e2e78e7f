// error and result<T>: text, truncation, moves, and value(), the only function that throws.
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include <catch2/catch.hpp>
#include <cvt/error.hpp>

TEST_CASE("an error is true, no error is false and has an empty text", "[error]") {
    const cvt::error none, some = cvt::error::format(cvt::errc::io, "%s: cannot be opened", "a.npy");
    CHECK_FALSE(none);
    CHECK(none.code() == cvt::errc::ok);
    CHECK(std::string{none.what()}.empty());
    CHECK(some);
    CHECK(some.code() == cvt::errc::io);
    CHECK(std::string{some.what()} == "a.npy: cannot be opened");
}

TEST_CASE("a text that does not fit is cut and marked", "[error]") {
    const std::string fits(cvt::error::capacity - 1, 'x'), longer(cvt::error::capacity, 'x');
    CHECK(cvt::error::format(cvt::errc::io, "%s", fits.c_str()).what() == fits);
    const cvt::error cut = cvt::error::format(cvt::errc::io, "%s", longer.c_str());
    CHECK(std::strlen(cut.what()) == cvt::error::capacity - 1);
    CHECK(cut.what() == std::string(cvt::error::capacity - 4, 'x') + "...");
    for (std::size_t before = 0; before < 4; ++before) {  // no UTF-8 character is cut
        std::string characters(before, 'x');
        while (characters.size() < 2 * cvt::error::capacity) characters += "\xF0\x9F\x90\x88";
        const std::string whole = characters.substr(0, before + (cvt::error::capacity - 4 - before) / 4 * 4);
        CHECK(cvt::error::format(cvt::errc::io, "%s", characters.c_str()).what() == whole + "...");
    }
}

TEST_CASE("control characters in names from files do not reach a terminal", "[error]") {
    const auto shown = [](const char* name) { return std::string{cvt::error::format(cvt::errc::malformed, "%s: twice", name).what()}; };
    CHECK(shown("a\x1b[2J\nb\x7f") == "a?[2J?b?: twice");
    CHECK(shown("\xC2\x9B"
                "2J") == "??2J: twice");                                    // CSI in one character
    CHECK(shown("caf\xC3\xA9 \xC2\xA0") == "caf\xC3\xA9 \xC2\xA0: twice");  // UTF-8 is kept
    const std::string cut(cvt::error::capacity, '\xC2');
    CHECK(std::strlen(cvt::error::format(cvt::errc::io, "%s", cut.c_str()).what()) == cvt::error::capacity - 1);
}

TEST_CASE("out_of_memory names the purpose and the size", "[error]") {
    const cvt::error e = cvt::error::out_of_memory("workspace", 123456789012ULL);
    CHECK(e.code() == cvt::errc::out_of_memory);
    CHECK(std::string{e.what()} == "out of memory: workspace needs 123456789012 bytes");
}

TEST_CASE("every code has a distinct name", "[error]") {
    std::string names;
    for (int i = 0; i <= static_cast<int>(cvt::errc::bad_sound); ++i) {
        const std::string name = to_string(static_cast<cvt::errc>(i));
        CHECK(name != "unknown");
        CHECK(names.find("," + name + ",") == std::string::npos);
        names += "," + name + ",";
    }
    CHECK(std::string{to_string(static_cast<cvt::errc>(200))} == "unknown");
}

namespace {

/// Counts live objects, to check that the union of value and error destroys its member exactly once.
struct counted {
    static inline int alive = 0;
    std::unique_ptr<int> value;
    explicit counted(int v) : value{std::make_unique<int>(v)} { ++alive; }
    counted(counted&& other) noexcept : value{std::move(other.value)} { ++alive; }
    ~counted() { --alive; }
};

cvt::result<counted> make(int v) {
    if (v < 0) return cvt::error::format(cvt::errc::invalid_argument, "expected 0 or more, found %d", v);
    return counted{v};
}

}  // namespace

TEST_CASE("a result holds a value or an error and destroys it exactly once", "[error]") {
    {
        cvt::result<counted> good = make(3), bad = make(-3);
        REQUIRE(good);
        CHECK(*good->value == 3);
        CHECK_FALSE(good.error());
        REQUIRE_FALSE(bad);
        CHECK(std::string{bad.error().what()} == "expected 0 or more, found -3");
        CHECK(counted::alive == 1);

        cvt::result<counted> moved = std::move(good);
        CHECK(*moved->value == 3);
        moved = std::move(bad);  // replaces a value by an error
        CHECK_FALSE(moved);
        moved = make(5);  // and an error by a value
        REQUIRE(moved);
        CHECK(*moved->value == 5);
        const counted taken = *std::move(moved);
        CHECK(*taken.value == 5);
    }
    CHECK(counted::alive == 0);
}

TEST_CASE("value() throws the error", "[error]") {
    CHECK(*make(1).value().value == 1);
    try {
        (void)make(-1).value();
        FAIL("nothing was thrown");
    } catch (const cvt::bad_result& thrown) {
        CHECK(thrown.error().code() == cvt::errc::invalid_argument);
        CHECK(std::string{thrown.what()} == "expected 0 or more, found -1");
    }
}
