// Runs a model that another translation unit has loaded: neither checkpoint readers nor kernels are compiled here.
#include <algorithm>
#include <cvt/session.hpp>
#include <cvt/test_pattern.hpp>
#include <limits>
#include <vector>

#include "separate_units.hpp"

#if defined(CVT_HAS_SSE2_KERNELS) || defined(CVT_HAS_NEON_KERNELS) || defined(CVT_HAS_EIGEN_KERNELS)
#error "session.hpp brings the kernels"
#endif

float largest_logit(const cvt::model& m) {
    constexpr int side = 64;
    std::vector<float> image(3 * side * side), logits(static_cast<std::size_t>(m.config().num_classes));
    cvt::fill_formula_image(image, 1);
    cvt::session session{m};
    if (session.logits(cvt::view<const float, 3>{image.data(), 3, side, side}, logits)) return -std::numeric_limits<float>::infinity();
    return *std::max_element(logits.begin(), logits.end());
}
