// Which configurations can run, and on which input sizes: validate(), minimum_input().
#pragma once

#include "config.hpp"
#include "error.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

/// floor((n + 2p - k) / s) + 1, or 0 if the kernel does not fit. torch.nn.Conv2d.
constexpr std::int64_t conv_extent(std::int64_t n, int kernel, int stride, int padding) noexcept {
    const std::int64_t excess = n + 2 * std::int64_t{padding} - kernel;
    return excess < 0 ? 0 : excess / stride + 1;
}

/// torch.nn.AvgPool2d(ceil_mode=True): rounds up, so that the last window may reach beyond the padded input, but may not
/// start there.
constexpr std::int64_t pool_extent(std::int64_t n, int kernel, int stride, int padding) noexcept {
    const std::int64_t excess = n + 2 * std::int64_t{padding} - kernel + stride - 1;
    if (excess < 0) return 0;
    const std::int64_t out = excess / stride + 1;
    return (out - 1) * stride >= n + padding ? out - 1 : out;
}

constexpr std::int64_t key_extent(const stage_config& s, std::int64_t n) noexcept {
    if (s.qkv_projection == projection::linear) return n;
    if (s.qkv_projection == projection::avg) return pool_extent(n, s.kernel_qkv, s.stride_kv, s.padding_kv);
    return conv_extent(n, s.kernel_qkv, s.stride_kv, s.padding_kv);
}

/// Whether an input of `n` pixels along one axis leaves at least one token and one key in every stage.
constexpr bool extent_fits(const config& c, std::int64_t n) noexcept {
    for (const stage_config& s : c.stages()) {
        n = conv_extent(n, s.patch_size, s.patch_stride, s.patch_padding);
        if (n < 1 || key_extent(s, n) < 1) return false;
    }
    return true;
}

}  // namespace detail

/// The largest height or width of an input, in pixels.
inline constexpr int maximum_input = 65536;

/// The smallest height and width the configuration can take, in pixels. `c` must be valid.
constexpr int minimum_input(const config& c) noexcept {
    int n = 1;
    while (n < maximum_input && !detail::extent_fits(c, n)) ++n;
    return n;
}

/// Checks that `c` is a CvT that this library can run. It needs 1 to 8 stages, and positive sizes within sane limits; num_heads must
/// divide embed_dim, and the query projection must keep the grid. The message names the stage and the field.
inline error validate(const config& c) noexcept {
    const auto bad = [](int stage, const char* field, const char* expected, double found) noexcept {
        return error::format(errc::bad_config, "stage %d: %s: expected %s, found %g", stage, field, expected, found);
    };
    if (c.num_stages < 1 || c.num_stages > config::max_stages)
        return error::format(errc::bad_config, "num_stages: expected 1 to %d, found %d", config::max_stages, c.num_stages);
    if (c.num_channels < 1 || c.num_channels > 4096)
        return error::format(errc::bad_config, "num_channels: expected 1 to 4096, found %d", c.num_channels);
    if (c.num_classes < 0 || c.num_classes > 10'000'000)
        return error::format(errc::bad_config, "num_classes: expected 0 to 10000000, found %d", c.num_classes);
    if (c.gelu != gelu::quick && c.gelu != gelu::erf)
        return error::format(errc::bad_config, "gelu: expected quick or erf, found value %d", static_cast<int>(c.gelu));
    for (int i = 0; i < c.num_stages; ++i) {
        const stage_config& s = c.stage[static_cast<std::size_t>(i)];
        if (s.embed_dim < 1 || s.embed_dim > 65536) return bad(i, "embed_dim", "1 to 65536", s.embed_dim);
        if (s.num_heads < 1 || s.embed_dim % s.num_heads != 0)
            return error::format(errc::bad_config, "stage %d: num_heads: expected a divisor of embed_dim %d, found %d", i, s.embed_dim,
                                 s.num_heads);
        if (s.depth < 1 || s.depth > 1024) return bad(i, "depth", "1 to 1024", s.depth);
        if (s.patch_size < 1 || s.patch_size > 256) return bad(i, "patch_size", "1 to 256", s.patch_size);
        if (s.patch_stride < 1 || s.patch_stride > 256) return bad(i, "patch_stride", "1 to 256", s.patch_stride);
        if (s.patch_padding < 0 || s.patch_padding >= s.patch_size) return bad(i, "patch_padding", "0 to patch_size - 1", s.patch_padding);
        if (!(s.mlp_ratio > 0 && s.mlp_ratio <= 64)) return bad(i, "mlp_ratio", "above 0 and at most 64", s.mlp_ratio);
        if (s.hidden_dim() < 1) return bad(i, "mlp_ratio", "at least 1 hidden unit", s.mlp_ratio);
        if (s.qkv_projection > projection::linear)
            return bad(i, "qkv_projection", "dw_bn, avg or linear", static_cast<double>(s.qkv_projection));
        if (s.qkv_projection == projection::linear) continue;  // kernel, strides and paddings are not used
        if (s.kernel_qkv < 1 || s.kernel_qkv > 63) return bad(i, "kernel_qkv", "1 to 63", s.kernel_qkv);
        if (s.stride_kv < 1 || s.stride_kv > 256) return bad(i, "stride_kv", "1 to 256", s.stride_kv);
        if (s.padding_kv < 0 || s.padding_kv >= s.kernel_qkv) return bad(i, "padding_kv", "0 to kernel_qkv - 1", s.padding_kv);
        if (s.qkv_projection == projection::avg) {
            if (2 * s.padding_kv > s.kernel_qkv) return bad(i, "padding_kv", "at most half of kernel_qkv (average pooling)", s.padding_kv);
            continue;  // queries are not pooled
        }
        // The attention's output is added to its input, so both need the same grid.
        if (s.stride_q != 1) return bad(i, "stride_q", "1 (queries must keep the grid)", s.stride_q);
        if (2 * s.padding_q != s.kernel_qkv - 1)
            return bad(i, "padding_q", "(kernel_qkv - 1) / 2 with an odd kernel_qkv (queries must keep the grid)", s.padding_q);
    }
    if (!detail::extent_fits(c, maximum_input))
        return error::format(errc::bad_config, "patch sizes and strides: no input up to %d pixels leaves a token in every stage",
                             maximum_input);
    return {};
}

CVT_NAMESPACE_END
