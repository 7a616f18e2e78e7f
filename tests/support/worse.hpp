// worse: the larger of two differences, where NaN counts as the largest.
#pragma once

#include <cmath>

namespace cvt_test {

/// Folds differences into the worst of them. std::max drops a NaN, and so would hide a wrong number.
template <class Real>
Real worse(Real worst, Real difference) {
    return std::isnan(worst) || worst >= difference ? worst : difference;
}

}  // namespace cvt_test
