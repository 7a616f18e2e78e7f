// Conv projection: the inputs of the linear layers of q, k and v, made from the token grid. Either a depth-wise convolution (with the
// batch norm folded in), or average pooling, or the tokens unchanged. The paper, section 3.2; official Attention.forward_conv.
#pragma once

#include "context.hpp"
#include "linear.hpp"

CVT_NAMESPACE_BEGIN
namespace network {

struct conv_projection_weights {
    const float* depthwise = nullptr;  ///< (kernel, kernel, dim), times the batch norm's scale; null unless dw_bn
    const float* shift = nullptr;      ///< (dim): the batch norm's shift
    linear_weights linear;
};

/// How the token grid becomes the grid of one projection. `method` is projection::linear if the grid does not change.
struct projection_geometry {
    projection method;
    int kernel, stride, padding;
    grid out;
};

/// The geometry of q, which average pooling does not change.
constexpr projection_geometry query_geometry(const stage_config& s, const stage_shape& shape) noexcept {
    const projection method = s.qkv_projection == projection::avg ? projection::linear : s.qkv_projection;
    return {method, s.kernel_qkv, s.stride_q, s.padding_q, shape.tokens};
}
/// The geometry of k and v.
constexpr projection_geometry key_geometry(const stage_config& s, const stage_shape& shape) noexcept {
    return {s.qkv_projection, s.kernel_qkv, s.stride_kv, s.padding_kv, shape.keys};
}

/// torch.nn.AvgPool2d(ceil_mode=True, count_include_pad=True), channels last; ignores a.weights and a.bias.
inline void avg_pool(const kernels::depthwise_args& a) noexcept {
    const std::ptrdiff_t dim = a.in.cols;
    for (std::ptrdiff_t i = 0; i < a.out.rows; ++i) {
        const int top = static_cast<int>((a.begin + i) / a.out_width) * a.stride - a.padding,
                  left = static_cast<int>((a.begin + i) % a.out_width) * a.stride - a.padding;
        const int bottom = std::min(top + a.kernel, a.height + a.padding), right = std::min(left + a.kernel, a.width + a.padding);
        const float inverse_area =
            1.F / static_cast<float>((bottom - top) * (right - left));  // includes the padding, but not what ceil mode adds
        float* const out = a.out.row(i);
        std::memset(out, 0, static_cast<std::size_t>(dim) * sizeof(float));
        for (int y = std::max(top, 0); y < std::min(bottom, a.height); ++y)
            for (int x = std::max(left, 0); x < std::min(right, a.width); ++x) {
                const float* const from = a.in.row(static_cast<std::ptrdiff_t>(y) * a.width + x);
                for (std::ptrdiff_t c = 0; c < dim; ++c) out[c] += from[c];
            }
        for (std::ptrdiff_t c = 0; c < dim; ++c) out[c] *= inverse_area;
    }
}

/// Returns rows `r` of the input of a projection's linear layer, from y (cls + tokens, dim), whose class token is not convolved. Writes
/// them to `to` (rows, dim), or returns the rows of y if the projection has no convolution.
inline matrix<const float> convolve(const stage_pass& p, const conv_projection_weights& w, const projection_geometry& g,
                                    matrix<const float> y, row_range r, matrix<float> to) noexcept {
    if (g.method == projection::linear) return y.rows_at(r.first, r.count);
    const std::ptrdiff_t cls = p.shape.cls, first = std::max<std::ptrdiff_t>(0, r.first - cls), cls_rows = r.first < cls ? 1 : 0;
    if (cls_rows != 0) std::memcpy(to.data, y.data, static_cast<std::size_t>(y.cols) * sizeof(float));
    const kernels::depthwise_args window{.in = y.rows_at(cls, p.shape.tokens.tokens()),
                                         .height = p.shape.tokens.height,
                                         .width = p.shape.tokens.width,
                                         .weights = w.depthwise,
                                         .bias = w.shift,
                                         .kernel = g.kernel,
                                         .stride = g.stride,
                                         .padding = g.padding,
                                         .out = to.rows_at(cls_rows, r.count - cls_rows),
                                         .out_width = g.out.width,
                                         .begin = first};
    if (g.method == projection::dw_bn)
        p.ctx.kernels->depthwise(window);
    else
        avg_pool(window);
    return to.rows_at(0, r.count);
}

}  // namespace network
CVT_NAMESPACE_END
