// Sizes of the feature maps: grid, model_shape and shape_of().
#pragma once

#include <cstddef>
#include <limits>

#include "validate.hpp"

CVT_NAMESPACE_BEGIN

namespace detail {

/// `n`, or the largest number of this type where pointers have 32 bits and `n` has more.
constexpr std::ptrdiff_t saturated(std::int64_t n) noexcept {
    constexpr std::int64_t max = std::numeric_limits<std::ptrdiff_t>::max();
    return static_cast<std::ptrdiff_t>(n < max ? n : max);
}

}  // namespace detail

/// Height and width of a feature map.
/// @code{.cpp}
/// constexpr cvt::grid map{.height = 14, .width = 14};
/// static_assert(map.tokens() == 196);
/// static_assert(map != cvt::grid{.height = 14, .width = 16});
/// @endcode
struct grid {
    int height = 0, width = 0;
    [[nodiscard]] constexpr std::ptrdiff_t tokens() const noexcept { return detail::saturated(std::int64_t{height} * width); }
    friend constexpr bool operator==(const grid&, const grid&) = default;
};

/// Sizes of all feature maps of a forward pass at one input size.
/// @code{.cpp}
/// cvt::result<cvt::model_shape> shape = cvt::shape_of(cvt::cvt_13, 224, 224);
/// if (!shape) return report(shape.error());
/// const cvt::grid last = shape->last_stage().tokens;  // 14 x 14
/// std::printf("%d x %d\n", last.height, last.width);
/// @endcode
struct model_shape {
    /// Sizes of one stage, in tokens.
    struct stage_shape {
        grid tokens;  ///< token grid of the stage: its map is (embed_dim, height, width)
        grid keys;    ///< grid of keys and values
        int cls = 0;  ///< 1 with a class token
        [[nodiscard]] constexpr std::ptrdiff_t queries() const noexcept { return detail::saturated(std::int64_t{tokens.tokens()} + cls); }
        [[nodiscard]] constexpr std::ptrdiff_t key_count() const noexcept { return detail::saturated(std::int64_t{keys.tokens()} + cls); }
    };
    grid input;
    int num_stages = 0;
    std::array<stage_shape, config::max_stages> stage{};
    [[nodiscard]] constexpr const stage_shape& last_stage() const noexcept { return stage[static_cast<std::size_t>(num_stages - 1)]; }
};

namespace network {
using stage_shape = model_shape::stage_shape;
}

namespace detail {

/// shape_of() for a configuration that is known to be valid.
inline result<model_shape> shape_of_valid(const config& c, std::int64_t height, std::int64_t width) noexcept {
    const long long found_height = height, found_width = width;
    if (height > maximum_input || width > maximum_input)
        return error::format(errc::invalid_argument, "input of %lld x %lld pixels (height x width) is too large: at most %d per side",
                             found_height, found_width, maximum_input);
    if (height < 1 || width < 1 || !detail::extent_fits(c, height) || !detail::extent_fits(c, width))
        return error::format(errc::invalid_argument,
                             "input of %lld x %lld pixels (height x width) is too small: this configuration needs at least %d x %d",
                             found_height, found_width, minimum_input(c), minimum_input(c));
    model_shape m;
    m.input = {static_cast<int>(height), static_cast<int>(width)};
    m.num_stages = c.num_stages;
    std::int64_t h = height, w = width;
    for (std::size_t i = 0; i < c.stages().size(); ++i) {
        const stage_config& s = c.stage[i];
        h = detail::conv_extent(h, s.patch_size, s.patch_stride, s.patch_padding);
        w = detail::conv_extent(w, s.patch_size, s.patch_stride, s.patch_padding);
        m.stage[i].tokens = {static_cast<int>(h), static_cast<int>(w)};
        m.stage[i].keys = {static_cast<int>(detail::key_extent(s, h)), static_cast<int>(detail::key_extent(s, w))};
        m.stage[i].cls = s.cls_token ? 1 : 0;
    }
    return m;
}

}  // namespace detail

/// Sizes of all stages for an input of height x width pixels. Errors: an invalid configuration, an input smaller than
/// minimum_input(c) or larger than maximum_input per side.
inline result<model_shape> shape_of(const config& c, std::int64_t height, std::int64_t width) noexcept {
    if (error e = validate(c)) return e;
    return detail::shape_of_valid(c, height, width);
}

CVT_NAMESPACE_END
