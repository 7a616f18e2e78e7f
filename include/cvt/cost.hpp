// The cost model: parameters, multiply-adds and activations of each stage.
#pragma once

#include <limits>

#include "network/tensor_list.hpp"
#include "shape.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

/// A count of at least 0 that saturates instead of overflowing.
struct count {
    static constexpr std::int64_t max = std::numeric_limits<std::int64_t>::max();
    std::int64_t value;

    constexpr count(std::int64_t v) noexcept : value{v} {}
    friend constexpr count operator+(count a, count b) noexcept { return a.value > max - b.value ? max : a.value + b.value; }
    friend constexpr count operator*(count a, count b) noexcept {
        return b.value != 0 && a.value > max / b.value ? max : a.value * b.value;
    }
};

}  // namespace detail

/// Costs of a stage, or of the final norm and the head. Counts saturate at 2^63 - 1.
/// @code{.cpp}
/// cvt::result<cvt::model_shape> shape = cvt::shape_of(model.config(), 224, 224);
/// if (!shape) return report(shape.error());
/// const cvt::stage_cost first = cvt::cost_of(model.config(), *shape).stage[0];
/// std::printf("%.2f G multiply-adds\n", 1e-9 * static_cast<double>(first.multiply_adds));
/// @endcode
struct stage_cost {
    std::int64_t parameters = 0;     ///< trained; BatchNorm's statistics do not count
    std::int64_t multiply_adds = 0;  ///< of one forward pass over every token of every block, as in the published numbers
    std::int64_t token_floats = 0;   ///< size of the output
};

/// The costs of a model.
/// @code{.cpp}
/// cvt::result<cvt::model_shape> shape = cvt::shape_of(cvt::cvt_13, 224, 224);
/// if (!shape) return report(shape.error());
/// const cvt::model_cost cost = cvt::cost_of(cvt::cvt_13, *shape);
/// std::printf("%.1f million parameters\n", 1e-6 * static_cast<double>(cost.total.parameters));
/// @endcode
struct model_cost {
    std::array<stage_cost, config::max_stages> stage{};
    stage_cost head;  ///< final norm and head
    stage_cost total;
    std::int64_t largest_tensor = 0;  ///< floats of the largest tensor; one is held beside the weights while a model is loaded
};

namespace network {

/// Tokens of a grid in 64 bits, also where std::ptrdiff_t has 32.
constexpr std::int64_t tokens_of(const grid& g) noexcept { return std::int64_t{g.height} * g.width; }
constexpr std::int64_t queries_of(const stage_shape& shape) noexcept { return tokens_of(shape.tokens) + shape.cls; }
constexpr std::int64_t keys_of(const stage_shape& shape) noexcept { return tokens_of(shape.keys) + shape.cls; }

/// Multiply-adds of the conv token embedding.
constexpr std::int64_t embedding_multiply_adds(const stage_config& s, int channels, const stage_shape& shape) noexcept {
    return (detail::count{tokens_of(shape.tokens)} * s.embed_dim * channels * s.patch_size * s.patch_size).value;
}

/// Multiply-adds of q, k and v: depth-wise convolutions and linear layers, for the first `rows` queries and all keys. The class
/// token is not convolved, so the convolution of q costs nothing if it is the only query.
constexpr std::int64_t projection_multiply_adds(const stage_config& s, const stage_shape& shape, std::int64_t rows) noexcept {
    const detail::count dim{s.embed_dim}, convolved{rows > shape.cls ? tokens_of(shape.tokens) : 0};
    const detail::count linear = (detail::count{2} * keys_of(shape) + rows) * dim * dim;
    if (s.qkv_projection != projection::dw_bn) return linear.value;
    return (linear + (detail::count{2} * tokens_of(shape.keys) + convolved) * dim * s.kernel_qkv * s.kernel_qkv).value;
}

/// Multiply-adds of a whole attention layer: projections, q k^T, the sums of values and the output projection of `rows` queries.
constexpr std::int64_t attention_multiply_adds(const stage_config& s, const stage_shape& shape, std::int64_t rows) noexcept {
    const detail::count dim{s.embed_dim}, queries{rows};
    return (queries * dim * dim + detail::count{2} * queries * keys_of(shape) * dim + projection_multiply_adds(s, shape, rows)).value;
}

constexpr std::int64_t mlp_multiply_adds(const stage_config& s, std::int64_t rows) noexcept {
    return (detail::count{2} * rows * s.embed_dim * s.hidden_dim()).value;
}

/// Multiply-adds of a block of which only the first `rows` rows are needed afterwards.
constexpr std::int64_t block_multiply_adds(const stage_config& s, const stage_shape& shape, std::int64_t rows) noexcept {
    return (detail::count{attention_multiply_adds(s, shape, rows)} + mlp_multiply_adds(s, rows)).value;
}

}  // namespace network

/// Costs of a model of the valid configuration `c` on inputs of shape `shape`.
inline model_cost cost_of(const config& c, const model_shape& shape) noexcept {
    model_cost cost;
    network::for_each_tensor(c, [&](const network::tensor_info& t) noexcept {
        if (t.count() > cost.largest_tensor) cost.largest_tensor = t.count();
        if (t.role == network::tensor_role::statistic) return;
        stage_cost& owner = t.id < network::tensor_id::norm_weight ? cost.stage[static_cast<std::size_t>(t.at.stage)] : cost.head;
        owner.parameters += t.count();
    });
    int channels = c.num_channels;
    const auto add = [&](const stage_cost& part) noexcept {
        cost.total.parameters += part.parameters;
        cost.total.multiply_adds = (detail::count{cost.total.multiply_adds} + part.multiply_adds).value;
        cost.total.token_floats = (detail::count{cost.total.token_floats} + part.token_floats).value;
    };
    for (std::size_t i = 0; i < c.stages().size(); ++i) {
        const stage_config& s = c.stage[i];
        const network::stage_shape& sizes = shape.stage[i];
        const detail::count blocks = detail::count{s.depth} * network::block_multiply_adds(s, sizes, network::queries_of(sizes));
        cost.stage[i].multiply_adds = (blocks + network::embedding_multiply_adds(s, channels, sizes)).value;
        cost.stage[i].token_floats = (detail::count{network::queries_of(sizes)} * s.embed_dim).value;
        add(cost.stage[i]);
        channels = s.embed_dim;
    }
    cost.head.multiply_adds = std::int64_t{channels} * c.num_classes;
    cost.head.token_floats = c.num_classes;
    add(cost.head);
    return cost;
}

/// Multiply-adds of one forward pass over a height x width image, every token of every block counted, as in the published
/// numbers. Errors: those of shape_of; invalid_argument (2^63 or more).
inline result<std::int64_t> multiply_adds(const config& c, int height, int width) noexcept {
    const result<model_shape> shape = shape_of(c, height, width);
    if (!shape) return shape.error();
    const std::int64_t total = cost_of(c, *shape).total.multiply_adds;
    if (total != detail::count::max) return total;
    return error::format(errc::invalid_argument, "multiply_adds: an input of %d x %d pixels needs 2^63 or more", height, width);
}

CVT_NAMESPACE_END
