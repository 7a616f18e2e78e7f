// The configuration of a CvT: stage_config, config and the three published variants.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "version.hpp"

CVT_NAMESPACE_BEGIN

/// Activation of the MLPs. Microsoft's checkpoints were trained with `quick`, x * sigmoid(1.702 x); transformers runs
/// the same weights with `erf`, x * Phi(x).
enum class gelu : std::uint8_t { quick, erf };

/// How queries, keys and values are taken from the token grid before their linear layers (official
/// `QKV_PROJ_METHOD`). `dw_bn`: depth-wise convolution and batch norm (the paper, section 3.2). `avg`: average pooling of
/// keys and values (the paper's ablation). `linear`: neither.
enum class projection : std::uint8_t { dw_bn, avg, linear };

/// Element type of a model's weights. `int8` is for the linear layers of the blocks and for all conv token embeddings but the first.
/// Each output channel has a scale, and inputs are quantised (docs/precision.md).
enum class precision : std::uint8_t { f32, int8 };

constexpr const char* to_string(precision p) noexcept { return p == precision::f32 ? "f32" : "int8"; }
constexpr const char* to_string(gelu g) noexcept { return g == gelu::quick ? "quick" : "erf"; }
constexpr const char* to_string(projection p) noexcept {
    return p == projection::dw_bn ? "dw_bn" : p == projection::avg ? "avg" : "linear";
}

/// One stage: a conv token embedding followed by `depth` transformer blocks (Wu et al. 2021, section 3,
/// table 1). The defaults are those of the published models' later stages.
/// @code{.cpp}
/// cvt::config config = cvt::cvt_13;
/// config.stage[2] = {.embed_dim = 512, .num_heads = 8, .depth = 4, .cls_token = true};
/// if (cvt::error e = cvt::validate(config)) return report(e);
/// @endcode
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
    int stride_q = 1;    ///< must leave the query grid as large as the input grid
    int stride_kv = 2;   ///< "squeezed" projection: keys and values on a coarser grid

    [[nodiscard]] constexpr int hidden_dim() const noexcept { return static_cast<int>(embed_dim * mlp_ratio); }
    [[nodiscard]] constexpr int head_dim() const noexcept { return embed_dim / num_heads; }
    friend constexpr bool operator==(const stage_config&, const stage_config&) = default;
};

/// Configuration of a model.
/// @code{.cpp}
/// cvt::config config = cvt::cvt_13;
/// config.num_classes = 10;
/// config.gelu = cvt::gelu::erf;
/// cvt::result<cvt::model> model = cvt::model::load("weights.safetensors", {.config = config});
/// @endcode
struct config {
    static constexpr int max_stages = 8;

    int num_channels = 3;    ///< of the input
    int num_classes = 1000;  ///< rows of the head; 0: no head, the embedding is the result
    cvt::gelu gelu = cvt::gelu::quick;
    /// Whether there is a LayerNorm before the embedding (official `norm`). False only for encoders whose file has none
    /// (transformers' CvtModel): the embedding is then the class token, or the mean of the tokens, without normalisation.
    bool final_norm = true;
    int num_stages = 3;
    std::array<stage_config, max_stages> stage{};  ///< only the first num_stages are used

    [[nodiscard]] constexpr std::span<const stage_config> stages() const noexcept {
        return {stage.data(), static_cast<std::size_t>(num_stages < 0 ? 0 : num_stages > max_stages ? max_stages : num_stages)};
    }
    [[nodiscard]] constexpr const stage_config& last_stage() const noexcept { return stage[static_cast<std::size_t>(num_stages - 1)]; }
    /// Whether classification reads the last stage's class token (else the mean of its tokens).
    [[nodiscard]] constexpr bool uses_cls_token() const noexcept { return last_stage().cls_token; }
    friend constexpr bool operator==(const config& a, const config& b) noexcept {
        return a.num_channels == b.num_channels && a.num_classes == b.num_classes && a.gelu == b.gelu && a.final_norm == b.final_norm &&
               a.num_stages == b.num_stages && std::equal(a.stages().begin(), a.stages().end(), b.stages().begin());
    }
};

namespace detail {
constexpr config published(std::array<int, 3> dims, std::array<int, 3> heads, std::array<int, 3> depths) noexcept {
    config c;
    for (std::size_t i = 0; i < 3; ++i) c.stage[i] = {.embed_dim = dims[i], .num_heads = heads[i], .depth = depths[i]};
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

CVT_NAMESPACE_END
