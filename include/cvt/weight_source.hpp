// weight_source: anything that delivers tensors by name; and warning_list, what is worth telling about them.
#pragma once

#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <span>

#include "error.hpp"

CVT_NAMESPACE_BEGIN

/// Anything that can deliver a tensor by its official name ("stage2.blocks.0.attn.proj_q.weight") as float32, row-major.
/// Shapes are those of the official state dict. `read` is called once for each tensor while a model is built, in an
/// order that is not promised.
struct weight_source {
    void* context = nullptr;
    error (*read)(void* context, const char* official_name, std::span<const std::int64_t> shape, float* out) = nullptr;
};

/// Things worth telling that are not errors, such as weights that are not finite.
struct warning_list {
    static constexpr int capacity = 8, text_size = 192;
    int count = 0;  ///< how many there were; only the first `capacity` are kept
    char text[capacity][text_size]{};

    CVT_PRINTF(2, 3) void add(const char* pattern, ...) noexcept {
        if (count < capacity) {
            std::va_list arguments;
            va_start(arguments, pattern);
            std::vsnprintf(text[count], text_size, pattern, arguments);
            va_end(arguments);
        }
        ++count;
    }
};

CVT_NAMESPACE_END
