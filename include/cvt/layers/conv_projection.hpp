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

/// torch.nn.AvgPool2d(ceil_mode=True, count_include_pad=True) of output rows [row_begin, row_end), channels last.
inline void avg_pool(const float* in, grid size, std::ptrdiff_t dim, int kernel, int stride, int padding, int row_begin, int row_end,
                     int out_width, float* out) noexcept {
    for (int oy = row_begin; oy < row_end; ++oy) {
        for (int ox = 0; ox < out_width; ++ox) {
            const int top = oy * stride - padding, left = ox * stride - padding;
            const int bottom = std::min(top + kernel, size.height + padding), right = std::min(left + kernel, size.width + padding);
            const float share = 1.F / static_cast<float>((bottom - top) * (right - left));  // padding counts, what ceil mode adds does not
            float* to = out + (static_cast<std::ptrdiff_t>(oy) * out_width + ox) * dim;
            std::memset(to, 0, static_cast<std::size_t>(dim) * sizeof(float));
            for (int y = std::max(top, 0); y < std::min(bottom, size.height); ++y)
                for (int x = std::max(left, 0); x < std::min(right, size.width); ++x) {
                    const float* from = in + (static_cast<std::ptrdiff_t>(y) * size.width + x) * dim;
                    for (std::ptrdiff_t c = 0; c < dim; ++c) to[c] += from[c];
                }
            for (std::ptrdiff_t c = 0; c < dim; ++c) to[c] *= share;
        }
    }
}

/// What happens before the linear layer, on the grid's tokens; the class token's row is copied un-convolved.
/// in: (cls + tokens, dim). out: (cls + out_tokens, dim).
inline void project_grid(const context& run, const stage_config& s, const conv_projection_weights& w, bool queries, const float* in,
                         grid size, int cls, grid out_size, float* out) noexcept {
    const std::ptrdiff_t dim = s.embed_dim;
    if (cls != 0) std::memcpy(out, in, static_cast<std::size_t>(dim) * sizeof(float));
    const float* from = in + cls * dim;
    float* to = out + cls * dim;
    const int stride = queries ? s.stride_q : s.stride_kv, padding = queries ? s.padding_q : s.padding_kv;
    // A few grid rows a task: enough tasks to share, enough work in each.
    constexpr int band = 4;
    detail::parallel_for(run.host, (out_size.height + band - 1) / band, [&](std::ptrdiff_t i, int) noexcept {
        const int begin = static_cast<int>(i) * band, end = std::min(begin + band, out_size.height);
        if (s.qkv_projection == projection::dw_bn)
            run.kernels->depthwise({from, w.depthwise, w.shift, to, size.height, size.width, s.embed_dim, out_size.width, s.kernel_qkv,
                                    stride, padding, begin, end});
        else
            avg_pool(from, size, dim, s.kernel_qkv, stride, padding, begin, end, out_size.width, to);
    });
}

/// Whether project_grid is the identity, so that the linear layer can read the tokens themselves.
constexpr bool projects_identity(const stage_config& s, bool queries) noexcept {
    return s.qkv_projection == projection::linear || (s.qkv_projection == projection::avg && queries);
}

}  // namespace layers
CVT_NAMESPACE_END
