// A stand-in for Catch2, which needs files and exceptions: runs test cases in a WebAssembly module and prints failed checks.
#pragma once

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

namespace Catch {

struct test_case {
    const char* name;
    void (*run)();
};
inline std::vector<test_case>& cases() {
    static std::vector<test_case> all;
    return all;
}
inline std::vector<std::string>& notes() {
    static std::vector<std::string> all;
    return all;
}
struct check_counts {
    int checks = 0, failed = 0;
};
inline check_counts counts;

struct registration {
    registration(const char* name, void (*run)()) { cases().push_back({name, run}); }
};

/// A note that failed checks print, until its scope ends.
struct note {
    explicit note(const std::ostringstream& text) { notes().push_back(text.str()); }
    note(const note&) = delete;
    note& operator=(const note&) = delete;
    ~note() { notes().pop_back(); }
};

inline void check(bool good, const char* what, const char* file, int line, bool fatal) {
    ++counts.checks;
    if (good) return;
    ++counts.failed;
    std::printf("%s:%d: %s\n", file, line, what);
    for (const std::string& text : notes()) std::printf("    %s\n", text.c_str());
    std::fflush(stdout);
    if (fatal) std::abort();
}

/// A number that equals others within a share of it, by default that of Catch2.
struct Approx {
    explicit Approx(double expected) : value{expected} {}
    Approx& epsilon(double share) {
        part = share;
        return *this;
    }
    double value, part = 1.19209290e-05;
    friend bool operator==(double a, const Approx& b) { return std::abs(a - b.value) <= b.part * std::abs(b.value); }
};

/// Matchers of texts.
struct Contains {
    explicit Contains(std::string text) : parts{std::move(text)} {}
    std::vector<std::string> parts;
    Contains operator&&(const Contains& other) const {
        Contains both = *this;
        both.parts.insert(both.parts.end(), other.parts.begin(), other.parts.end());
        return both;
    }
    [[nodiscard]] bool match(const std::string& text) const {
        for (const std::string& part : parts)
            if (text.find(part) == std::string::npos) return false;
        return true;
    }
};

}  // namespace Catch
using Catch::Approx;

#define CVT_JOIN_(a, b) a##b
#define CVT_JOIN(a, b) CVT_JOIN_(a, b)
#define CVT_CASE(name, function)                                            \
    static void function();                                                 \
    static const Catch::registration CVT_JOIN(function, _){name, function}; \
    static void function()
#define TEST_CASE(name, ...) CVT_CASE(name, CVT_JOIN(cvt_test_case_, __LINE__))
#define CHECK(...) Catch::check(static_cast<bool>(__VA_ARGS__), #__VA_ARGS__, __FILE__, __LINE__, false)
#define REQUIRE(...) Catch::check(static_cast<bool>(__VA_ARGS__), #__VA_ARGS__, __FILE__, __LINE__, true)
#define REQUIRE_FALSE(...) REQUIRE(!(__VA_ARGS__))
#define CHECK_FALSE(...) CHECK(!(__VA_ARGS__))
#define CHECK_THAT(text, matcher) CHECK((matcher).match(text))
#define INFO(text)                                    \
    std::ostringstream CVT_JOIN(cvt_text_, __LINE__); \
    CVT_JOIN(cvt_text_, __LINE__) << text;            \
    const Catch::note CVT_JOIN(cvt_note_, __LINE__) { CVT_JOIN(cvt_text_, __LINE__) }
