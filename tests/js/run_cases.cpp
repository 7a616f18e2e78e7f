// Exports run_cases(), which runs every test case of a module and returns the number of failed checks.
#include <catch2/catch.hpp>

extern "C" __attribute__((export_name("run_cases"))) int run_cases() {
    for (const Catch::test_case& c : Catch::cases()) {
        const int failed = Catch::counts.failed;
        c.run();
        std::printf("%s: %s\n", Catch::counts.failed == failed ? "ok" : "FAILED", c.name);
        std::fflush(stdout);
    }
    std::printf("%d checks, %d failed\n", Catch::counts.checks, Catch::counts.failed);
    std::fflush(stdout);
    return Catch::counts.failed;
}
