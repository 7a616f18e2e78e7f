// The operations of a CvT in float64, written like their definitions, as references for kernels and layers.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include <cvt/shape.hpp>

namespace cvt_test::naive {

/// rows x cols, row-major. Tokens are (height * width, channels), as in the library.
struct matrix {
    std::ptrdiff_t rows = 0, cols = 0;
    std::vector<double> values;

    matrix() = default;
    matrix(std::ptrdiff_t r, std::ptrdiff_t c) : rows{r}, cols{c}, values(static_cast<std::size_t>(r * c)) {}
    matrix(std::ptrdiff_t r, std::ptrdiff_t c, std::span<const float> from) : rows{r}, cols{c}, values(from.begin(), from.end()) {}

    double& operator()(std::ptrdiff_t r, std::ptrdiff_t c) { return values[static_cast<std::size_t>(r * cols + c)]; }
    double operator()(std::ptrdiff_t r, std::ptrdiff_t c) const { return values[static_cast<std::size_t>(r * cols + c)]; }
};

inline double at(std::span<const float> w, std::ptrdiff_t i) { return static_cast<double>(w[static_cast<std::size_t>(i)]); }

/// (channels, positions) <-> (positions, channels)
inline matrix transpose(const matrix& x) {
    matrix y{x.cols, x.rows};
    for (std::ptrdiff_t r = 0; r < x.rows; ++r)
        for (std::ptrdiff_t c = 0; c < x.cols; ++c) y(c, r) = x(r, c);
    return y;
}

/// Returns rows [first, first + count).
inline matrix rows(const matrix& x, std::ptrdiff_t first, std::ptrdiff_t count) {
    matrix y{count, x.cols};
    std::copy_n(x.values.begin() + first * x.cols, count * x.cols, y.values.begin());
    return y;
}

/// Stacks `top` above `bottom`.
inline matrix stack(const matrix& top, const matrix& bottom) {
    matrix y = top;
    y.rows += bottom.rows;
    y.cols = bottom.cols;
    y.values.insert(y.values.end(), bottom.values.begin(), bottom.values.end());
    return y;
}

inline matrix add(matrix a, const matrix& b) {
    for (std::size_t i = 0; i < a.values.size(); ++i) a.values[i] += b.values[i];
    return a;
}

/// torch.nn.Linear: x W^T + b with W (out, in); b (out) or empty.
inline matrix linear(const matrix& x, std::span<const float> w, std::span<const float> b) {
    const std::ptrdiff_t out = static_cast<std::ptrdiff_t>(w.size()) / x.cols;
    matrix y{x.rows, out};
    for (std::ptrdiff_t r = 0; r < x.rows; ++r)
        for (std::ptrdiff_t o = 0; o < out; ++o) {
            double sum = b.empty() ? 0.0 : at(b, o);
            for (std::ptrdiff_t i = 0; i < x.cols; ++i) sum += x(r, i) * at(w, o * x.cols + i);
            y(r, o) = sum;
        }
    return y;
}

/// Normalises each row, with biased variance and eps 1e-5.
inline matrix layer_norm(matrix x, std::span<const float> w, std::span<const float> b) {
    for (std::ptrdiff_t r = 0; r < x.rows; ++r) {
        double mean = 0, variance = 0;
        for (std::ptrdiff_t c = 0; c < x.cols; ++c) mean += x(r, c) / static_cast<double>(x.cols);
        for (std::ptrdiff_t c = 0; c < x.cols; ++c) variance += (x(r, c) - mean) * (x(r, c) - mean) / static_cast<double>(x.cols);
        for (std::ptrdiff_t c = 0; c < x.cols; ++c) x(r, c) = (x(r, c) - mean) / std::sqrt(variance + 1e-5) * at(w, c) + at(b, c);
    }
    return x;
}

inline double gelu(double x, cvt::gelu kind) {
    return kind == cvt::gelu::quick ? x / (1 + std::exp(-1.702 * x)) : 0.5 * x * std::erfc(-x / std::sqrt(2.0));
}
inline matrix gelu(matrix x, cvt::gelu kind) {
    for (double& v : x.values) v = gelu(v, kind);
    return x;
}

/// Softmax of each row.
inline matrix softmax(matrix x) {
    for (std::ptrdiff_t r = 0; r < x.rows; ++r) {
        double top = -std::numeric_limits<double>::infinity(), sum = 0;
        for (std::ptrdiff_t c = 0; c < x.cols; ++c) top = std::max(top, x(r, c));
        for (std::ptrdiff_t c = 0; c < x.cols; ++c) sum += x(r, c) = std::exp(x(r, c) - top);
        for (std::ptrdiff_t c = 0; c < x.cols; ++c) x(r, c) /= sum;
    }
    return x;
}

inline std::ptrdiff_t conv_out(std::ptrdiff_t n, int kernel, int stride, int padding) { return (n + 2 * padding - kernel) / stride + 1; }

inline cvt::grid conv_grid(cvt::grid g, int kernel, int stride, int padding) {
    return {static_cast<int>(conv_out(g.height, kernel, stride, padding)), static_cast<int>(conv_out(g.width, kernel, stride, padding))};
}

/// Calls visit(output token, input token, tap) for every kernel tap inside the `from` grid, tap = ky * kernel + kx.
template <class Visit>
void for_each_tap(cvt::grid from, cvt::grid to, int kernel, int stride, int padding, Visit visit) {
    for (int oy = 0; oy < to.height; ++oy)
        for (int ox = 0; ox < to.width; ++ox)
            for (int ky = 0; ky < kernel; ++ky)
                for (int kx = 0; kx < kernel; ++kx) {
                    const int y = oy * stride - padding + ky, x = ox * stride - padding + kx;
                    if (y < 0 || x < 0 || y >= from.height || x >= from.width) continue;
                    visit(std::ptrdiff_t{oy} * to.width + ox, std::ptrdiff_t{y} * from.width + x, ky * kernel + kx);
                }
}

/// torch.nn.Conv2d from tokens of grid `g` to tokens of conv_grid(g); W (out, in, kernel, kernel), b (out).
inline matrix conv2d(const matrix& x, cvt::grid g, std::span<const float> w, std::span<const float> b, int kernel, int stride,
                     int padding) {
    const auto out = static_cast<std::ptrdiff_t>(b.size());
    const cvt::grid to = conv_grid(g, kernel, stride, padding);
    matrix y{to.tokens(), out};
    for (std::ptrdiff_t t = 0; t < y.rows; ++t)
        for (std::ptrdiff_t o = 0; o < out; ++o) y(t, o) = at(b, o);
    for_each_tap(g, to, kernel, stride, padding, [&](std::ptrdiff_t t, std::ptrdiff_t from, std::ptrdiff_t tap) {
        for (std::ptrdiff_t o = 0; o < out; ++o)
            for (std::ptrdiff_t c = 0; c < x.cols; ++c) y(t, o) += x(from, c) * at(w, (o * x.cols + c) * kernel * kernel + tap);
    });
    return y;
}

/// Depth-wise convolution with W (channels, 1, kernel, kernel).
inline matrix depthwise(const matrix& x, cvt::grid g, std::span<const float> w, int kernel, int stride, int padding) {
    const cvt::grid to = conv_grid(g, kernel, stride, padding);
    matrix y{to.tokens(), x.cols};
    for_each_tap(g, to, kernel, stride, padding, [&](std::ptrdiff_t t, std::ptrdiff_t from, std::ptrdiff_t tap) {
        for (std::ptrdiff_t c = 0; c < x.cols; ++c) y(t, c) += x(from, c) * at(w, c * kernel * kernel + tap);
    });
    return y;
}

/// torch.nn.BatchNorm2d in eval mode: running statistics, eps 1e-5.
inline matrix batch_norm(matrix x, std::span<const float> w, std::span<const float> b, std::span<const float> mean,
                         std::span<const float> variance) {
    for (std::ptrdiff_t t = 0; t < x.rows; ++t)
        for (std::ptrdiff_t c = 0; c < x.cols; ++c)
            x(t, c) = (x(t, c) - at(mean, c)) / std::sqrt(at(variance, c) + 1e-5) * at(w, c) + at(b, c);
    return x;
}

/// torch.nn.AvgPool2d(kernel, stride, padding, ceil_mode=True, count_include_pad=True): no window starts in the right or bottom
/// padding or beyond, and a window counts the padding but nothing beyond it.
inline cvt::grid pool_grid(cvt::grid g, int kernel, int stride, int padding) {
    const auto out = [&](int n) {
        int count = 0;
        while (count * stride + kernel < n + 2 * padding + stride && count * stride < n + padding) ++count;
        return count;
    };
    return {out(g.height), out(g.width)};
}
inline matrix avg_pool(const matrix& x, cvt::grid g, int kernel, int stride, int padding) {
    const cvt::grid to = pool_grid(g, kernel, stride, padding);
    matrix y{to.tokens(), x.cols};
    for_each_tap(g, to, kernel, stride, padding, [&](std::ptrdiff_t t, std::ptrdiff_t from, std::ptrdiff_t) {
        const int top = static_cast<int>(t) / to.width * stride - padding, left = static_cast<int>(t) % to.width * stride - padding;
        const int height = std::min(top + kernel, g.height + padding) - top, width = std::min(left + kernel, g.width + padding) - left;
        for (std::ptrdiff_t c = 0; c < x.cols; ++c) y(t, c) += x(from, c) / (height * width);
    });
    return y;
}

/// softmax(scale q k^T) v for each of `heads` slices of the columns. Writes row 0 of the probabilities without its first
/// column, (heads, keys - 1), to `first_query` unless that is null.
inline matrix attention(const matrix& q, const matrix& k, const matrix& v, int heads, double scale, matrix* first_query = nullptr) {
    const std::ptrdiff_t d = q.cols / heads;
    matrix y{q.rows, q.cols};
    if (first_query != nullptr) *first_query = matrix{heads, k.rows - 1};
    for (std::ptrdiff_t h = 0; h < heads; ++h) {
        for (std::ptrdiff_t t = 0; t < q.rows; ++t) {
            matrix p{1, k.rows};
            for (std::ptrdiff_t s = 0; s < k.rows; ++s) {
                for (std::ptrdiff_t c = h * d; c < (h + 1) * d; ++c) p(0, s) += q(t, c) * k(s, c);
                p(0, s) *= scale;
            }
            p = softmax(p);
            for (std::ptrdiff_t s = 0; s < k.rows; ++s)
                for (std::ptrdiff_t c = h * d; c < (h + 1) * d; ++c) y(t, c) += p(0, s) * v(s, c);
            if (t == 0 && first_query != nullptr)
                for (std::ptrdiff_t s = 1; s < k.rows; ++s) (*first_query)(h, s - 1) = p(0, s);
        }
    }
    return y;
}

}  // namespace cvt_test::naive
