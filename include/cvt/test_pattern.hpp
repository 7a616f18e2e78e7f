// Numbers made by a formula, with the same bits in every language and on every machine: the images of self-tests.
#pragma once

#include <span>

#include "text.hpp"

CVT_NAMESPACE_BEGIN

/// The stream of values `name`, in [-1, 1). Value `index` is the upper 24 bits of splitmix64(FNV-1a-64(name) + seed + index).
/// Every step is exact in float32.
/// @code{.cpp}
/// const cvt::formula_stream stream{"head.bias"};
/// std::vector<float> bias(1000);
/// for (std::size_t i = 0; i < bias.size(); ++i) bias[i] = stream[i];
/// @endcode
class formula_stream {
public:
    explicit formula_stream(std::string_view name, std::uint64_t seed = 0) noexcept : state_{detail::fnv1a(name) + seed} {}

    float operator[](std::size_t index) const noexcept {
        std::uint64_t z = state_ + index + 0x9E3779B97F4A7C15U;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
        z ^= z >> 31;
        return static_cast<float>(z >> 40) / 8388608.F - 1.F;
    }

private:
    std::uint64_t state_;
};

/// Fills `out`, a row-major tensor of any shape, with the generated image, which counts as normalised. The same as
/// formula_image of tests/golden/cvt_reference.py.
inline void fill_formula_image(std::span<float> out, std::uint64_t seed) noexcept {
    const formula_stream stream{"image", seed};
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = stream[i];
}

CVT_NAMESPACE_END
