// Every public class has a snippet in its comment; that this program was built says that the snippets compile.
#include "snippets.hpp"

#include <catch2/catch.hpp>

TEST_CASE("every public class has a snippet of three to six lines") {
    REQUIRE(class_snippets.size() > 30);
    for (const class_snippet& snippet : class_snippets) {
        INFO(snippet.name);
        CHECK(snippet.lines >= 3);
        CHECK(snippet.lines <= 6);
    }
    CHECK(static_cast<std::size_t>(blocks_of_code) == class_snippets.size());  // none stands where it is not compiled
}
