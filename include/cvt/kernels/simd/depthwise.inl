// Depth-wise convolution of a token grid, channels last. Included by kernels.inl.

/// Computes `count` outputs of a grid row that all use the same KernelRows x KernelColumns taps. The taps of a vector of channels stay
/// in registers along the row. Rows are cut into pieces whose inputs stay in the L1 cache.
template <int KernelRows, int KernelColumns>
inline void depthwise_run(const depthwise_args& a, const float* in, const float* weights, float* out, std::ptrdiff_t count) noexcept {
    const std::ptrdiff_t channels = a.in.cols, in_row = a.width * a.in.stride, in_step = a.stride * a.in.stride;
    const std::ptrdiff_t weights_row = a.kernel * channels;
    constexpr std::ptrdiff_t cut = 16;
    for (std::ptrdiff_t first = 0; first < count; first += cut) {
        const std::ptrdiff_t outputs = count - first < cut ? count - first : cut;
        for (std::ptrdiff_t c = 0; c < channels; c += lanes) {
            const std::ptrdiff_t width = channels - c;
            vec taps[static_cast<std::size_t>(KernelRows)][static_cast<std::size_t>(KernelColumns)];
            CVT_UNROLL for (int y = 0; y < KernelRows; ++y) CVT_UNROLL for (int x = 0; x < KernelColumns; ++x) taps[y][x] =
                load_part(weights + y * weights_row + x * channels + c, width);
            const vec shift = load_part(a.bias + c, width);
            const float* from = in + first * in_step + c;
            float* to = out + first * a.out.stride + c;
            for (std::ptrdiff_t i = 0; i < outputs; ++i, from += in_step, to += a.out.stride) {
                vec sum = shift;
                CVT_UNROLL for (int y = 0; y < KernelRows; ++y) CVT_UNROLL for (int x = 0; x < KernelColumns; ++x) sum =
                    fma(load_part(from + y * in_row + x * a.in.stride, width), taps[y][x], sum);
                store_part(to, width, sum);
            }
        }
    }
}

/// Position of a kernel on the grid: its corner, and the taps [ky_begin, ky_end) x [kx_begin, kx_end) inside the grid.
struct kernel_window {
    int y0, x0, ky_begin, ky_end, kx_begin, kx_end;
};

/// Computes one output with a kernel of any size.
inline void depthwise_output(const depthwise_args& a, const kernel_window& at, float* out) noexcept {
    const std::ptrdiff_t channels = a.in.cols;
    for (std::ptrdiff_t c = 0; c < channels; c += lanes) {
        const std::ptrdiff_t width = channels - c;
        vec sum = load_part(a.bias + c, width);
        for (int ky = at.ky_begin; ky < at.ky_end; ++ky) {
            const float* in = a.in.data + (static_cast<std::ptrdiff_t>(at.y0 + ky) * a.width + at.x0) * a.in.stride + c;
            const float* w = a.weights + static_cast<std::ptrdiff_t>(ky) * a.kernel * channels + c;
            for (int kx = at.kx_begin; kx < at.kx_end; ++kx)
                sum = fma(load_part(in + kx * a.in.stride, width), load_part(w + kx * channels, width), sum);
        }
        store_part(out + c, width, sum);
    }
}

inline void depthwise(const depthwise_args& a) noexcept {
    using run_type = void (*)(const depthwise_args&, const float*, const float*, float*, std::ptrdiff_t) noexcept;
    static constexpr run_type runs[3][3] = {{depthwise_run<1, 1>, depthwise_run<1, 2>, depthwise_run<1, 3>},
                                            {depthwise_run<2, 1>, depthwise_run<2, 2>, depthwise_run<2, 3>},
                                            {depthwise_run<3, 1>, depthwise_run<3, 2>, depthwise_run<3, 3>}};
    const std::ptrdiff_t end = a.begin + a.out.rows;
    float* out = a.out.data;
    for (std::ptrdiff_t token = a.begin; token < end;) {
        const int oy = static_cast<int>(token / a.out_width), ox = static_cast<int>(token % a.out_width);
        const int y0 = oy * a.stride - a.padding, x0 = ox * a.stride - a.padding;
        const int ky_begin = y0 < 0 ? -y0 : 0, ky_end = a.height - y0 < a.kernel ? a.height - y0 : a.kernel;
        const int kx_begin = x0 < 0 ? -x0 : 0, kx_end = a.width - x0 < a.kernel ? a.width - x0 : a.kernel;
        const int rows = ky_end - ky_begin, columns = kx_end - kx_begin;
        std::ptrdiff_t count = 1;
        if (a.kernel == 3 && rows > 0 && columns > 0) {
            if (columns == 3) {  // as far along the row as the whole kernel is inside
                count = (a.width - 3 - x0) / a.stride + 1;
                if (count > a.out_width - ox) count = a.out_width - ox;
                if (count > end - token) count = end - token;
            }
            const float* in = a.in.data + (static_cast<std::ptrdiff_t>(y0 + ky_begin) * a.width + x0 + kx_begin) * a.in.stride;
            const float* weights = a.weights + (static_cast<std::ptrdiff_t>(ky_begin) * a.kernel + kx_begin) * a.in.cols;
            runs[rows - 1][columns - 1](a, in, weights, out, count);
        } else {
            depthwise_output(a, {y0, x0, ky_begin, ky_end, kx_begin, kx_end}, out);
        }
        token += count;
        out += count * a.out.stride;
    }
}
