// weight_source: delivers a model's weights tensor by tensor; overlay_source: replaces some tensors of a source; warning_list.
#pragma once

#include <cstdint>
#include <span>

#include "error.hpp"

CVT_NAMESPACE_BEGIN

/// Delivers a tensor by its official name ("stage2.blocks.0.attn.proj_q.weight") as row-major float32. Shapes are those of
/// the official state dict. `read` is called once for each tensor while a model is built, in no particular order.
/// @code{.cpp}
/// cvt::weight_source zeros;
/// zeros.read = [](void*, const char*, std::span<const std::int64_t> shape, float* out) {
///     std::fill_n(out, std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies{}), 0.F);
///     return cvt::error{};
/// };
/// cvt::result<cvt::model> model = cvt::model::from_weights(cvt::cvt_13, zeros);
/// @endcode
struct weight_source {
    void* context = nullptr;
    error (*read)(void* context, const char* official_name, std::span<const std::int64_t> shape, float* out) = nullptr;
};

namespace detail {
/// Returns a weight_source that calls source.read(name, shape, out); `source` must outlive it.
template <class Source>
weight_source source_of(const Source& source) noexcept {
    return {const_cast<Source*>(&source), [](void* context, const char* name, std::span<const std::int64_t> shape, float* out) {
                return static_cast<const Source*>(context)->read(name, shape, out);
            }};
}
}  // namespace detail

/// Takes some tensors from one source and all others from another: a new head on a checkpoint's encoder.
/// @code{.cpp}
/// const char* const names[]{"head.weight", "head.bias"};
/// cvt::overlay_source both{.names = names, .over = my_head, .under = encoder};
/// cvt::result<cvt::model> model = cvt::model::from_weights(cvt::cvt_13, both.source());
/// @endcode
struct overlay_source {
    std::span<const char* const> names;  ///< official names of the tensors that `over` delivers
    weight_source over;                  ///< delivers these
    weight_source under;                 ///< delivers all others

    /// Both as one source; this object must outlive it.
    [[nodiscard]] weight_source source() noexcept {
        return {this, [](void* context, const char* name, std::span<const std::int64_t> shape, float* out) {
                    const auto& self = *static_cast<const overlay_source*>(context);
                    const weight_source* from = &self.under;
                    for (const char* const overlaid : self.names)
                        if (std::strcmp(name, overlaid) == 0) from = &self.over;
                    if (from->read == nullptr)
                        return error::format(errc::invalid_argument, "%s: its weight_source has no read function", name);
                    return from->read(from->context, name, shape, out);
                }};
    }
};

/// Problems that are not errors, such as weights that are not finite.
/// @code{.cpp}
/// const cvt::warning_list& warnings = model.warnings();
/// const int kept = std::min(warnings.count, cvt::warning_list::capacity);
/// for (int i = 0; i < kept; ++i) std::fprintf(stderr, "warning: %s\n", warnings.text[i]);
/// @endcode
struct warning_list {
    static constexpr int capacity = 8, text_size = 192;
    int count = 0;  ///< number of warnings, of which the first `capacity` are kept
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
