// version: its number and text agree, and the inline namespace contains the compiler flags of the unit.
#include <string>

#include <catch2/catch.hpp>
#include <cvt/version.hpp>

CVT_NAMESPACE_BEGIN
inline int in_the_namespace() { return 1; }
CVT_NAMESPACE_END

#define CVT_TEST_TEXT_(x) #x
#define CVT_TEST_TEXT(x) CVT_TEST_TEXT_(x)

TEST_CASE("the numbers and the text agree", "[version]") {
    CHECK(std::string{CVT_VERSION_STRING} ==
          std::to_string(CVT_VERSION_MAJOR) + "." + std::to_string(CVT_VERSION_MINOR) + "." + std::to_string(CVT_VERSION_PATCH));
}

TEST_CASE("names are in cvt, inside an inline namespace for version and flags", "[version]") {
    CHECK(cvt::in_the_namespace() == 1);
    CHECK(&cvt::in_the_namespace == &cvt::CVT_ABI_NAMESPACE::in_the_namespace);
    const std::string tag = CVT_TEST_TEXT(CVT_ABI_NAMESPACE);
    CHECK(tag.rfind("v" + std::to_string(CVT_VERSION_MAJOR) + "_" + std::to_string(CVT_VERSION_MINOR) + "_", 0) == 0);
#if defined(__AVX512F__)
    CHECK(tag.find("_avx512") != std::string::npos);
#elif defined(__AVX2__)
    CHECK(tag.find("_avx2") != std::string::npos);
#elif defined(__x86_64__) && !defined(__SSE3__)
    CHECK(tag.find("_base") != std::string::npos);
#endif
}
