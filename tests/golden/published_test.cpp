// CvT-13 and CvT-21 at 224, 384 and 200 x 333 against the float64 reference.
#include "golden.hpp"

TEST_CASE("CvT-13 and CvT-21 give the reference's outputs", "[golden]") {
    using namespace cvt_test;
    check_golden("published", 1000, 1e-5,
                 [](const golden_case& c, const std::vector<float>& image, all_outputs& out) { return run_session(c, image, out); });
}
