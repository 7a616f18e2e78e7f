// Checks that every public class has a snippet in its comment. This program contains the snippets, so its build compiles them.
#include "snippets.hpp"

#include <catch2/catch.hpp>

TEST_CASE("every public class has a snippet of three to six lines") {
    REQUIRE(class_snippets.size() > 30);
    for (const class_snippet& snippet : class_snippets) {
        INFO(snippet.name);
        CHECK(snippet.lines >= 3);
        CHECK(snippet.lines <= 6);
    }
    CHECK(static_cast<std::size_t>(blocks_of_code) == class_snippets.size());  // no comment has a snippet that is not compiled
}
