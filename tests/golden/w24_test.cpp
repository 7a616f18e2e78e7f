// CvT-W24 at 384 against the float64 reference, and its peak memory.
#include <sys/resource.h>

#include "golden.hpp"

TEST_CASE("CvT-W24 gives the reference's outputs in less than 2.6 GB", "[golden]") {
    using namespace cvt_test;
    check_golden("w24", 1000, 2e-5,
                 [](const golden_case& c, const std::vector<float>& image, all_outputs& out) { return run_session(c, image, out); });
    rusage usage{};
    REQUIRE(getrusage(RUSAGE_SELF, &usage) == 0);
    const double gigabytes = static_cast<double>(usage.ru_maxrss) * 1024 / 1e9;
    std::printf("peak memory %.2f GB, bound 2.6\n", gigabytes);
    CHECK(gigabytes < 2.6);
}
