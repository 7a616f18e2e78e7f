// The exponentials and sums of softmax, for a block of scores.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cvt/tensor.hpp>
#include <limits>

CVT_NAMESPACE_BEGIN
namespace {

/// e^x for x <= 0, within 1e-7 of the value; a loop of it is vectorised at any compiler flags, which std::exp is not.
inline float exponential(float x) noexcept {
    x = x < -87.F ? -87.F : x;
    const int n = static_cast<int>(x * 1.44269504F - 0.5F);
    const auto power = static_cast<float>(n);
    const float r = (x - power * 0.693359375F) + power * 2.12194440e-4F;
    float sum = 1.F / 5040;
    for (const float c : {1.F / 720, 1.F / 120, 1.F / 24, 1.F / 6, 0.5F, 1.F, 1.F}) sum = sum * r + c;
    return sum * std::bit_cast<float>((n + 127) << 23);
}
inline double exponential(double x) noexcept { return std::exp(x); }

/// Column j of `scores` (classes, count) becomes e^(score - largest), with the bias added first. Writes the largest score and the sum.
template <class T>
void exponentials(matrix<T> scores, const double* bias, T* largest, double* sums) noexcept {
    const auto count = static_cast<std::size_t>(scores.cols);
    std::fill_n(largest, count, -std::numeric_limits<T>::max());
    std::fill_n(sums, count, 0.0);
    for (std::ptrdiff_t k = 0; k < scores.rows; ++k) {
        T* const row = scores.row(k);
        const T add = static_cast<T>(bias[k]);
        for (std::size_t j = 0; j < count; ++j) {
            row[j] += add;
            largest[j] = row[j] > largest[j] ? row[j] : largest[j];
        }
    }
    for (std::ptrdiff_t k = 0; k < scores.rows; ++k) {
        T* const row = scores.row(k);
        for (std::size_t j = 0; j < count; ++j) row[j] = exponential(row[j] - largest[j]);
        for (std::size_t j = 0; j < count; ++j) sums[j] += static_cast<double>(row[j]);
    }
}

}  // namespace
CVT_NAMESPACE_END
