// Normalisation of 8-bit channels: what each of the 256 values becomes, as torchvision's ToTensor and Normalize compute it.
#pragma once

#include <array>
#include <cstddef>

#include "../error.hpp"
#include "../float_bits.hpp"
#include "preprocessing.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

inline error check_normalization(const preprocessing& p) noexcept {
    if (!p.normalize) return {};
    if (p.mean_count != 3 || p.std_count != 3)
        return error::format(errc::invalid_argument, "preprocessing: expected a mean and a std of 3 values for RGB images, found %d and %d",
                             p.mean_count, p.std_count);
    for (std::size_t c = 0; c < 3; ++c) {
        if (!is_finite(p.mean[c]))
            return error::format(errc::invalid_argument, "preprocessing.mean[%d] is not a finite number", static_cast<int>(c));
        if (!is_finite(p.std[c]) || magnitude_bits(p.std[c]) == 0)
            return error::format(errc::invalid_argument, "preprocessing.std[%d]: expected a finite number other than zero",
                                 static_cast<int>(c));
    }
    return {};
}

/// Float32 (p / 255 - mean) / std of every value p of one channel, rounded after each step as torchvision does. The
/// volatile steps keep -ffast-math from merging the divisions.
using value_table = std::array<float, 256>;
inline void fill_table(value_table& table, bool normalize, float mean, float std) noexcept {
    for (std::size_t i = 0; i < table.size(); ++i) {
        volatile float v = static_cast<float>(i);
        volatile float divisor = 255.F;
        v = v / divisor;
        if (normalize) {
            divisor = std;
            v = v - mean;
            v = v / divisor;
        }
        table[i] = v;
    }
}

}  // namespace detail
CVT_NAMESPACE_END
