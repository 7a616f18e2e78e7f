// scoring: what a model's logits mean, and so what becomes of them.
#pragma once

#include <cstdint>

#include "version.hpp"

CVT_NAMESPACE_BEGIN

/// As transformers' pipeline decides: one class of all (softmax), each class by itself (sigmoid), or numbers that are the answer.
enum class scoring : std::uint8_t { softmax, sigmoid, value };

/// What a score is called in records: "probability", "sigmoid" or "value".
constexpr const char* to_string(scoring s) noexcept {
    return s == scoring::softmax ? "probability" : s == scoring::sigmoid ? "sigmoid" : "value";
}

CVT_NAMESPACE_END
