// CvT-13 and CvT-21 at 224, 384 and 200 x 333 against the float64 reference.
#include "golden.hpp"

TEST_CASE("CvT-13 and CvT-21 give the reference's outputs", "[golden]") {
    cvt_test::check_golden("published", 1000, 1e-5, cvt_test::run_session);
}
