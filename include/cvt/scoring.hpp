// scoring: what a model's logits mean, and how they become scores.
#pragma once

#include <cstdint>

#include "version.hpp"

CVT_NAMESPACE_BEGIN

/// As in transformers' pipelines: exactly one class applies (softmax), each class applies or not (sigmoid), or the logits are the
/// answer (value).
enum class scoring : std::uint8_t { softmax, sigmoid, value };

/// Name of a score in records: "probability", "sigmoid" or "value".
constexpr const char* to_string(scoring s) noexcept {
    return s == scoring::softmax ? "probability" : s == scoring::sigmoid ? "sigmoid" : "value";
}

CVT_NAMESPACE_END
