// Convolutional projection: queries, keys and values from the token grid by a depth-wise convolution (batch norm folded
// in), average pooling or nothing, then a linear layer. The paper, section 3.2; official Attention.forward_conv.
#pragma once

#include <cstring>

#include "../config.hpp"
#include "context.hpp"

CVT_NAMESPACE_BEGIN
namespace layers {

struct conv_projection_weights {
    const float* depthwise = nullptr;  ///< (kernel, kernel, dim), times the batch norm's scale; null unless dw_bn
    const float* shift = nullptr;      ///< (dim): the batch norm's shift
    linear_weights linear;
};

/// torch.nn.AvgPool2d(ceil_mode=True, count_include_pad=True) of output tokens [begin, end), channels last, tokens `row` floats apart.
inline void avg_pool(const float* in, grid size, std::ptrdiff_t dim, std::ptrdiff_t row, int kernel, int stride, int padding, int out_width,
                     std::ptrdiff_t begin, std::ptrdiff_t end, float* out) noexcept {
    for (std::ptrdiff_t token = begin; token < end; ++token, out += row) {
        const int top = static_cast<int>(token / out_width) * stride - padding,
                  left = static_cast<int>(token % out_width) * stride - padding;
        const int bottom = std::min(top + kernel, size.height + padding), right = std::min(left + kernel, size.width + padding);
        const float share = 1.F / static_cast<float>((bottom - top) * (right - left));  // padding counts, what ceil mode adds does not
        std::memset(out, 0, static_cast<std::size_t>(dim) * sizeof(float));
        for (int y = std::max(top, 0); y < std::min(bottom, size.height); ++y)
            for (int x = std::max(left, 0); x < std::min(right, size.width); ++x) {
                const float* from = in + (static_cast<std::ptrdiff_t>(y) * size.width + x) * row;
                for (std::ptrdiff_t c = 0; c < dim; ++c) out[c] += from[c];
            }
        for (std::ptrdiff_t c = 0; c < dim; ++c) out[c] *= share;
    }
}

/// Whether nothing happens before the linear layer, so that it can read the tokens themselves.
constexpr bool projects_identity(const stage_config& s, bool queries) noexcept {
    return s.qkv_projection == projection::linear || (s.qkv_projection == projection::avg && queries);
}

/// Rows [first, first + rows) of one of the projections: out (rows, dim). in: (cls + tokens, dim), of
/// which the class token is not convolved. `convolved` is scratch memory for (rows, dim). All rows
/// are row_stride apart.
inline void project_rows(const context& run, const stage_config& s, const conv_projection_weights& w, bool queries, const float* in,
                         const model_shape::stage_shape& shape, std::ptrdiff_t first, std::ptrdiff_t rows, float* convolved,
                         float* out) noexcept {
    const std::ptrdiff_t dim = s.embed_dim, row = row_stride(dim);
    if (projects_identity(s, queries)) return run.linear(w.linear, in + first * row, row, rows, out, row);
    float* to = convolved;
    if (first < shape.cls) {
        std::memcpy(to, in, static_cast<std::size_t>(dim) * sizeof(float));
        to += row;
    }
    const float* tokens = in + shape.cls * row;
    const std::ptrdiff_t begin = std::max<std::ptrdiff_t>(0, first - shape.cls), end = first + rows - shape.cls;
    const int stride = queries ? s.stride_q : s.stride_kv, padding = queries ? s.padding_q : s.padding_kv;
    const int out_width = queries ? shape.tokens.width : shape.keys.width;
    if (s.qkv_projection == projection::dw_bn)
        run.kernels->depthwise({tokens, w.depthwise, w.shift, to, row, row, shape.tokens.height, shape.tokens.width, s.embed_dim, out_width,
                                s.kernel_qkv, stride, padding, begin, end});
    else
        avg_pool(tokens, shape.tokens, dim, row, s.kernel_qkv, stride, padding, out_width, begin, end, to);
    run.linear(w.linear, convolved, row, rows, out, row);
}

}  // namespace layers
CVT_NAMESPACE_END
