// Makes weights and images by a formula, with the same bits as tests/golden/cvt_reference.py, so that tests need no checkpoint.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <cvt/error.hpp>
#include <cvt/test_pattern.hpp>

namespace cvt_test {

using hash_stream = cvt::formula_stream;

inline std::vector<float> hash_uniform(std::string_view name, std::size_t count, std::uint64_t seed = 0) {
    const hash_stream stream{name, seed};
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i) values[i] = stream[i];
    return values;
}

/// Fills `out` with tensor `name` (official name) of a formula-made model: norm and bn weights 1 + u/8, running_var
/// 1 + u/2, biases, running_mean and cls_token u/8, other weights 1.75 u / sqrt(fan_in).
inline void fill_formula_tensor(std::string_view name, std::span<const std::int64_t> shape, float* out, std::uint64_t seed = 0) {
    std::size_t count = 1, fan_in = 1;
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
        count *= static_cast<std::size_t>(shape[axis]);
        if (axis != 0) fan_in *= static_cast<std::size_t>(shape[axis]);
    }
    float offset = 0, gain = 0;
    if (name.ends_with("running_var")) {
        offset = 1.F;
        gain = 0.5F;
    } else if (name.ends_with("bias") || name.ends_with("running_mean") || name.ends_with("cls_token")) {
        gain = 0.125F;
    } else if (shape.size() == 1) {
        offset = 1.F;
        gain = 0.125F;
    } else {
        gain = 1.75F / std::sqrt(static_cast<float>(fan_in));
    }
    const hash_stream u{name, seed};
    for (std::size_t i = 0; i < count; ++i) out[i] = offset + u[i] * gain;
}

inline std::vector<float> formula_tensor(std::string_view name, std::span<const std::int64_t> shape, std::uint64_t seed = 0) {
    std::size_t count = 1;
    for (const std::int64_t extent : shape) count *= static_cast<std::size_t>(extent);
    std::vector<float> values(count);
    fill_formula_tensor(name, shape, values.data(), seed);
    return values;
}

/// A weight_source of formula-made tensors, with `value` as the first elements of those whose names contain `name`.
struct altered_source {
    const char* name;
    float value;
    int count = 1;
    static cvt::error read(void* context, const char* tensor, std::span<const std::int64_t> shape, float* out) noexcept {
        const auto& self = *static_cast<altered_source*>(context);
        fill_formula_tensor(tensor, shape, out);
        if (std::string_view{tensor}.find(self.name) != std::string_view::npos) std::fill_n(out, self.count, self.value);
        return {};
    }
};

/// Makes a normalised image (channels, height, width) with values in [-1, 1).
inline std::vector<float> formula_image(int height, int width, int channels = 3, std::uint64_t seed = 0) {
    std::vector<float> image(static_cast<std::size_t>(channels) * static_cast<std::size_t>(height) * static_cast<std::size_t>(width));
    cvt::fill_formula_image(image, seed);
    return image;
}

/// The weights of a formula-made model, as a source for model::from_weights:
/// `formula_weights weights{seed}; cvt::model::from_weights(config, {&weights, &formula_weights::read})`.
struct formula_weights {
    std::uint64_t seed = 0;

    static cvt::error read(void* context, const char* official_name, std::span<const std::int64_t> shape, float* out) noexcept {
        fill_formula_tensor(official_name, shape, out, static_cast<const formula_weights*>(context)->seed);
        return {};
    }
};

}  // namespace cvt_test
