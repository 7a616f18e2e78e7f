// What a CvT looks like: stage_config and config, the three published variants, validation and feature-map sizes.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "error.hpp"

CVT_NAMESPACE_BEGIN

/// Activation of the MLPs. Microsoft's checkpoints were trained with `quick`, x * sigmoid(1.702 x); transformers runs
/// the same weights with `erf`, x * Phi(x).
enum class gelu : std::uint8_t { quick, erf };

/// How queries, keys and values are taken from the token grid before their linear layers (official
/// `QKV_PROJ_METHOD`): depth-wise convolution + batch norm (the paper, section 3.2), average pooling of keys and
/// values (paper's ablation), or none.
enum class projection : std::uint8_t { dw_bn, avg, linear };

constexpr const char* to_string(gelu g) noexcept { return g == gelu::quick ? "quick" : "erf"; }
constexpr const char* to_string(projection p) noexcept {
    return p == projection::dw_bn ? "dw_bn" : p == projection::avg ? "avg" : "linear";
}

/// One stage: a convolutional token embedding followed by `depth` transformer blocks (Wu et al. 2021, section 3,
/// table 1). The defaults are those of the published models' later stages.
struct stage_config {
    int embed_dim = 64;      ///< width of a token
    int num_heads = 1;       ///< divides embed_dim
    int depth = 1;           ///< blocks
    int patch_size = 3;      ///< kernel of the token embedding
    int patch_stride = 2;    ///< its stride
    int patch_padding = 1;   ///< its zero padding
    double mlp_ratio = 4.0;  ///< hidden width of the MLP = int(embed_dim * mlp_ratio)
    bool qkv_bias = true;    ///< whether the q, k, v linear layers have a bias
    bool cls_token = false;  ///< a learned token in front of the grid's (last stage of the published models)
    projection qkv_projection = projection::dw_bn;
    int kernel_qkv = 3;  ///< kernel of the projections' convolution or pooling
    int padding_q = 1;   ///< must leave the query grid as large as the input grid
    int padding_kv = 1;  ///< zero padding of the projections of keys and values
    int stride_q = 1;    ///< likewise
    int stride_kv = 2;   ///< "squeezed" projection: keys and values on a coarser grid

    [[nodiscard]] constexpr int hidden_dim() const noexcept { return static_cast<int>(embed_dim * mlp_ratio); }
    [[nodiscard]] constexpr int head_dim() const noexcept { return embed_dim / num_heads; }
    friend constexpr bool operator==(const stage_config&, const stage_config&) = default;
};

/// A whole model.
struct config {
    static constexpr int max_stages = 8;

    int num_channels = 3;    ///< of the input
    int num_classes = 1000;  ///< rows of the head; 0: no head, the embedding is the result
    cvt::gelu gelu = cvt::gelu::quick;
    /// True: LayerNorm before the embedding is taken (official `norm`). False only for encoders whose file has none
    /// (transformers' CvtModel): the embedding is then the un-normalised class token, or the mean of the tokens.
    bool final_norm = true;
    int num_stages = 3;
    std::array<stage_config, max_stages> stage{};  ///< the first num_stages count

    [[nodiscard]] constexpr std::span<const stage_config> stages() const noexcept {
        return {stage.data(), static_cast<std::size_t>(num_stages < 0 ? 0 : num_stages > max_stages ? max_stages : num_stages)};
    }
    [[nodiscard]] constexpr const stage_config& last_stage() const noexcept { return stage[static_cast<std::size_t>(num_stages - 1)]; }
    /// Whether classification reads the last stage's class token (else the mean of its tokens).
    [[nodiscard]] constexpr bool uses_cls_token() const noexcept { return last_stage().cls_token; }
    friend constexpr bool operator==(const config& a, const config& b) noexcept {
        if (a.num_channels != b.num_channels || a.num_classes != b.num_classes || a.gelu != b.gelu || a.final_norm != b.final_norm ||
            a.num_stages != b.num_stages)
            return false;
        for (std::size_t i = 0; i < a.stages().size(); ++i)
            if (!(a.stage[i] == b.stage[i])) return false;
        return true;
    }
};

namespace detail {
constexpr config published(std::array<int, 3> dims, std::array<int, 3> heads, std::array<int, 3> depths) noexcept {
    config c;
    for (std::size_t i = 0; i < 3; ++i) {
        c.stage[i].embed_dim = dims[i];
        c.stage[i].num_heads = heads[i];
        c.stage[i].depth = depths[i];
    }
    c.stage[0].patch_size = 7;
    c.stage[0].patch_stride = 4;
    c.stage[0].patch_padding = 2;
    c.stage[2].cls_token = true;
    return c;
}
}  // namespace detail

/// CvT-13: 19,997,480 parameters with 1000 classes.
inline constexpr config cvt_13 = detail::published({64, 192, 384}, {1, 3, 6}, {1, 2, 10});
/// CvT-21: 31,622,696 parameters.
inline constexpr config cvt_21 = detail::published({64, 192, 384}, {1, 3, 6}, {1, 4, 16});
/// CvT-W24: 277,196,392 parameters; published for 384 x 384.
inline constexpr config cvt_w24 = detail::published({192, 768, 1024}, {3, 12, 16}, {2, 2, 20});

/// Height and width of a feature map.
struct grid {
    int height = 0, width = 0;
    [[nodiscard]] constexpr std::ptrdiff_t tokens() const noexcept { return static_cast<std::ptrdiff_t>(height) * width; }
    friend constexpr bool operator==(const grid&, const grid&) = default;
};

/// Sizes of everything a forward pass makes from one input size.
struct model_shape {
    /// Sizes of one stage, in tokens.
    struct stage_shape {
        grid tokens;  ///< token grid of the stage: its map is (embed_dim, height, width)
        grid keys;    ///< grid of keys and values
        int cls = 0;  ///< 1 with a class token
        [[nodiscard]] constexpr std::ptrdiff_t queries() const noexcept { return tokens.tokens() + cls; }
        [[nodiscard]] constexpr std::ptrdiff_t key_count() const noexcept { return keys.tokens() + cls; }
    };
    grid input;
    int num_stages = 0;
    std::array<stage_shape, config::max_stages> stage{};
    [[nodiscard]] constexpr const stage_shape& last_stage() const noexcept { return stage[static_cast<std::size_t>(num_stages - 1)]; }
};

namespace detail {

/// floor((n + 2p - k) / s) + 1, or 0 where the kernel does not fit. torch.nn.Conv2d.
constexpr std::int64_t conv_extent(std::int64_t n, int kernel, int stride, int padding) noexcept {
    const std::int64_t room = n + 2 * std::int64_t{padding} - kernel;
    return room < 0 ? 0 : room / stride + 1;
}

/// torch.nn.AvgPool2d(ceil_mode=True): rounds up, so that a window may reach beyond the padded input (the only one too),
/// but none starts there.
constexpr std::int64_t pool_extent(std::int64_t n, int kernel, int stride, int padding) noexcept {
    const std::int64_t room = n + 2 * std::int64_t{padding} - kernel + stride - 1;
    if (room < 0) return 0;
    const std::int64_t out = room / stride + 1;
    return (out - 1) * stride >= n + padding ? out - 1 : out;
}

constexpr std::int64_t key_extent(const stage_config& s, std::int64_t n) noexcept {
    switch (s.qkv_projection) {
        case projection::dw_bn: return conv_extent(n, s.kernel_qkv, s.stride_kv, s.padding_kv);
        case projection::avg: return pool_extent(n, s.kernel_qkv, s.stride_kv, s.padding_kv);
        case projection::linear: break;
    }
    return n;
}

/// Whether an input of `n` pixels along one axis leaves at least one token and one key in every stage, with the query
/// grid as large as the token grid.
constexpr bool extent_fits(const config& c, std::int64_t n) noexcept {
    for (const stage_config& s : c.stages()) {
        n = conv_extent(n, s.patch_size, s.patch_stride, s.patch_padding);
        if (n < 1 || key_extent(s, n) < 1) return false;
    }
    return true;
}

}  // namespace detail

/// The largest height or width taken, in pixels.
inline constexpr int maximum_input = 65536;

/// The smallest height and width the configuration can take, in pixels. `c` must be valid.
constexpr int minimum_input(const config& c) noexcept {
    int n = 1;
    while (n < maximum_input && !detail::extent_fits(c, n)) ++n;
    return n;
}

/// Checks that `c` is a CvT this library can run: 1 to 8 stages, positive sizes within sane limits, heads that divide
/// widths, and a query projection that keeps the grid. The message names the stage and the field.
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
        switch (s.qkv_projection) {
            case projection::linear: continue;  // kernel, strides and paddings are not used
            case projection::dw_bn:
            case projection::avg: break;
            default: return bad(i, "qkv_projection", "dw_bn, avg or linear", static_cast<double>(s.qkv_projection));
        }
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

namespace detail {

/// shape_of() for a configuration that validate() has accepted.
inline result<model_shape> shape_of_valid(const config& c, std::int64_t height, std::int64_t width) noexcept {
    const long long found_height = height, found_width = width;
    if (height > maximum_input || width > maximum_input)
        return error::format(errc::invalid_argument, "input of %lld x %lld pixels (height x width) is too large: at most %d a side",
                             found_height, found_width, maximum_input);
    if (height < 1 || width < 1 || !extent_fits(c, height) || !extent_fits(c, width))
        return error::format(errc::invalid_argument,
                             "input of %lld x %lld pixels (height x width) is too small: this configuration needs at least %d x %d",
                             found_height, found_width, minimum_input(c), minimum_input(c));
    model_shape m;
    m.input = {static_cast<int>(height), static_cast<int>(width)};
    m.num_stages = c.num_stages;
    std::int64_t h = height, w = width;
    for (std::size_t i = 0; i < c.stages().size(); ++i) {
        const stage_config& s = c.stage[i];
        h = conv_extent(h, s.patch_size, s.patch_stride, s.patch_padding);
        w = conv_extent(w, s.patch_size, s.patch_stride, s.patch_padding);
        m.stage[i].tokens = {static_cast<int>(h), static_cast<int>(w)};
        m.stage[i].keys = {static_cast<int>(key_extent(s, h)), static_cast<int>(key_extent(s, w))};
        m.stage[i].cls = s.cls_token ? 1 : 0;
    }
    return m;
}

}  // namespace detail

/// Sizes of all stages for an input of height x width pixels. Errors: an invalid configuration, an input smaller than
/// minimum_input(c) or larger than maximum_input a side.
inline result<model_shape> shape_of(const config& c, std::int64_t height, std::int64_t width) noexcept {
    if (error e = validate(c)) return e;
    return detail::shape_of_valid(c, height, width);
}

CVT_NAMESPACE_END
