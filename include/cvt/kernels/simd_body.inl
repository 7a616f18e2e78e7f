// The hot loops, written once over a vector type; included once for each instruction set, inside its target region.
//
// The including header has opened the target region and a namespace of its own, and has defined there: vec (a vector of
// `lanes` floats), its operations, and `micro_rows`, the rows of a product's register tile. Nothing here may come from
// outside that namespace: a std or Eigen template called from a target region would be compiled for the baseline.

// Without unroll pragmas the accumulators of the register tile are spilled at -O2 (measured: 93 -> 31 GFLOP/s).
#if defined(__clang__)
#define CVT_UNROLL _Pragma("clang loop unroll(full)")
#else
#define CVT_UNROLL _Pragma("GCC unroll 16")
#endif
#define CVT_ALWAYS_INLINE inline __attribute__((always_inline))

// ---------------------------------------------------------------- elementary functions

/// e^x to a few units in the last place for -87.3 <= x <= 88.3; 0 below, infinity above; NaN stays.
CVT_ALWAYS_INLINE vec exp(vec x) {
    const vec low = set1(-87.3F);
    const mask tiny = less(x, low);
    x = max(low, min(set1(89.F), x));  // in this order a NaN passes through; 2^128 is infinity
    const ints n = round(mul(x, set1(1.44269504F)));
    const vec nf = to_float(n);
    vec r = fma(nf, set1(-0.693359375F), x);  // ln 2 in two parts, the first with few bits: exact product
    r = fma(nf, set1(2.12194440e-4F), r);
    vec p = set1(0.00138145394F);
    p = fma(p, r, set1(0.00836874545F));
    p = fma(p, r, set1(0.041668389F));
    p = fma(p, r, set1(0.166665211F));
    p = fma(p, r, set1(0.49999994F));
    p = fma(p, mul(r, r), add(r, set1(1.F)));
    return zero_where(tiny, mul(p, power_of_two(n)));
}

/// x * sigmoid(1.702 x).
CVT_ALWAYS_INLINE vec quick_gelu(vec x) { return div(x, add(set1(1.F), exp(mul(x, set1(-1.702F))))); }

/// x * Phi(x). With u = |x|, the tail Phi(-u) is e^(-u^2 / 2) times a polynomial in t = 1 / (1 + 0.45 u / sqrt(2)), a
/// minimax fit of erfcx, so that it is accurate relative to itself however small.
CVT_ALWAYS_INLINE vec erf_gelu(vec x) {
    const vec u = abs(x);
    const vec t = div(set1(1.F), fma(u, set1(0.318198052F), set1(1.F)));
    vec p = set1(-0.0163776465F);
    p = fma(p, t, set1(0.0722831935F));
    p = fma(p, t, set1(-0.0972935334F));
    p = fma(p, t, set1(0.00262967497F));
    p = fma(p, t, set1(0.0436775312F));
    p = fma(p, t, set1(0.0319359601F));
    p = fma(p, t, set1(0.0967509449F));
    p = fma(p, t, set1(0.112318374F));
    p = fma(p, t, set1(0.127142176F));
    p = fma(p, t, set1(0.126933321F));
    const vec tail = mul(mul(p, t), exp(mul(mul(x, x), set1(-0.5F))));
    return mul(x, select(less(x, set1(0.F)), tail, sub(set1(1.F), tail)));
}

// ---------------------------------------------------------------- matrix products

inline constexpr std::ptrdiff_t panel = 2 * lanes;  // columns of the register tile
inline constexpr std::ptrdiff_t block_k = 384;      // depth summed in registers before it is added to what is stored: bounds the rounding

inline std::size_t packed_size(std::ptrdiff_t n, std::ptrdiff_t k) noexcept {
    return static_cast<std::size_t>((n + panel - 1) / panel * panel) * static_cast<std::size_t>(k);
}

/// Panels of `panel` columns, each (k, panel), the last one padded with zeros.
inline void pack(const float* w, std::ptrdiff_t stride_n, std::ptrdiff_t stride_k, std::ptrdiff_t n, std::ptrdiff_t k,
                 float* packed) noexcept {
    for (std::ptrdiff_t first = 0; first < n; first += panel, packed += panel * k) {
        const std::ptrdiff_t width = n - first < panel ? n - first : panel;
        const float* from = w + first * stride_n;
        for (std::ptrdiff_t j = 0; j < k; ++j) {
            float* to = packed + j * panel;
            for (std::ptrdiff_t i = 0; i < width; ++i) to[i] = from[i * stride_n + j * stride_k];
            for (std::ptrdiff_t i = width; i < panel; ++i) to[i] = 0.F;
        }
    }
}

/// What the register tile does with its sums.
struct tile_args {
    const float* in;
    std::ptrdiff_t in_stride;
    const float* weights;  // (k, panel)
    std::ptrdiff_t k;
    const float* bias;  // `width` floats, or null
    float* out;
    std::ptrdiff_t out_stride, width;
    bool accumulate;  // start from what is in `out`
    epilogue then;
};

template <int Rows>
inline void register_tile(const tile_args& a) noexcept {
    vec sum[static_cast<std::size_t>(Rows)][2];
    {
        const vec b0 = a.bias == nullptr ? set1(0.F) : load_part(a.bias, a.width);
        const vec b1 = a.bias == nullptr ? set1(0.F) : load_part(a.bias + lanes, a.width - lanes);
        CVT_UNROLL for (int r = 0; r < Rows; ++r) {
            sum[r][0] = b0;
            sum[r][1] = b1;
        }
    }
    const float* in = a.in;
    const float* w = a.weights;
    const std::ptrdiff_t stride = a.in_stride;
    for (std::ptrdiff_t k = 0; k < a.k; ++k, ++in, w += panel) {
        const vec w0 = load(w), w1 = load(w + lanes);
        CVT_UNROLL for (int r = 0; r < Rows; ++r) {
            const vec x = set1(in[r * stride]);
            sum[r][0] = fma(x, w0, sum[r][0]);
            sum[r][1] = fma(x, w1, sum[r][1]);
        }
    }
    CVT_UNROLL for (int r = 0; r < Rows; ++r) {
        float* out = a.out + r * a.out_stride;
        vec y0 = sum[r][0], y1 = sum[r][1];
        if (a.accumulate) {
            y0 = add(y0, load_part(out, a.width));
            y1 = add(y1, load_part(out + lanes, a.width - lanes));
        }
        if (a.then == epilogue::quick_gelu) {
            y0 = quick_gelu(y0);
            y1 = quick_gelu(y1);
        } else if (a.then == epilogue::erf_gelu) {
            y0 = erf_gelu(y0);
            y1 = erf_gelu(y1);
        }
        store_part(out, a.width, y0);
        store_part(out + lanes, a.width - lanes, y1);
    }
}

inline void row_tail(std::ptrdiff_t rows, const tile_args& a) noexcept {
    switch (rows) {
        case 1: return register_tile<1>(a);
        case 2: return register_tile<2>(a);
        case 3: return register_tile<3>(a);
        case 4: return register_tile<4>(a);
        case 5: return register_tile<5>(a);
        default: return;
    }
}
static_assert(micro_rows == 6, "row_tail covers the rows that a register tile of 6 leaves");

inline void linear(const linear_args& a) noexcept {
    for (std::ptrdiff_t k = 0; k < a.k; k += block_k) {
        const std::ptrdiff_t depth = a.k - k < block_k ? a.k - k : block_k;
        const bool first = k == 0, last = k + depth == a.k;
        for (std::ptrdiff_t column = 0; column < a.n; column += panel) {
            tile_args t{a.in + k,
                        a.in_stride,
                        a.weights + column * a.k + k * panel,
                        depth,
                        first && a.bias != nullptr ? a.bias + column : nullptr,
                        a.out + column,
                        a.out_stride,
                        a.n - column < panel ? a.n - column : panel,
                        !first || a.then == epilogue::add,
                        last ? a.then : epilogue::none};
            std::ptrdiff_t row = 0;
            for (; row + micro_rows <= a.rows; row += micro_rows) {
                register_tile<micro_rows>(t);
                t.in += micro_rows * a.in_stride;
                t.out += micro_rows * a.out_stride;
            }
            row_tail(a.rows - row, t);
        }
    }
}

// ---------------------------------------------------------------- rows

inline void softmax(float* x, std::ptrdiff_t stride, std::ptrdiff_t rows, std::ptrdiff_t columns) noexcept {
    const std::ptrdiff_t whole = columns - columns % lanes;
    for (std::ptrdiff_t r = 0; r < rows; ++r, x += stride) {
        const vec lowest = set1(-3.402823466e38F);
        vec top = lowest;
        for (std::ptrdiff_t i = 0; i < whole; i += lanes) top = max(load(x + i), top);
        if (whole < columns) top = max(load_part_or(x + whole, columns - whole, lowest), top);
        const vec highest = set1(max_of(top));
        vec sum = set1(0.F);
        for (std::ptrdiff_t i = 0; i < whole; i += lanes) {
            const vec e = exp(sub(load(x + i), highest));
            sum = add(sum, e);
            store(x + i, e);
        }
        if (whole < columns) {
            const vec e = exp(sub(load_part_or(x + whole, columns - whole, lowest), highest));
            sum = add(sum, e);  // padded lanes are e^lowest = 0
            store_part(x + whole, columns - whole, e);
        }
        const vec share = set1(1.F / sum_of(sum));
        for (std::ptrdiff_t i = 0; i < whole; i += lanes) store(x + i, mul(load(x + i), share));
        if (whole < columns) store_part(x + whole, columns - whole, mul(load_part(x + whole, columns - whole), share));
    }
}

inline void layer_norm(const float* in, std::ptrdiff_t rows, std::ptrdiff_t dim, const float* gain, const float* bias,
                       float* out) noexcept {
    const std::ptrdiff_t whole = dim - dim % lanes, rest = dim - whole;
    const float share = 1.F / static_cast<float>(dim);
    for (std::ptrdiff_t r = 0; r < rows; ++r, in += dim, out += dim) {
        vec sum = rest == 0 ? set1(0.F) : load_part(in + whole, rest);
        for (std::ptrdiff_t i = 0; i < whole; i += lanes) sum = add(sum, load(in + i));
        const vec mean = set1(sum_of(sum) * share);
        vec squares = set1(0.F);
        if (rest != 0) {
            const vec d = sub(load_part_or(in + whole, rest, mean), mean);
            squares = mul(d, d);
        }
        for (std::ptrdiff_t i = 0; i < whole; i += lanes) {
            const vec d = sub(load(in + i), mean);
            squares = fma(d, d, squares);
        }
        const vec scale = div(set1(1.F), sqrt(set1(sum_of(squares) * share + 1e-5F)));
        for (std::ptrdiff_t i = 0; i < whole; i += lanes) {
            vec y = mul(sub(load(in + i), mean), scale);
            if (gain != nullptr) y = fma(y, load(gain + i), load(bias + i));
            store(out + i, y);
        }
        if (rest != 0) {
            vec y = mul(sub(load_part(in + whole, rest), mean), scale);
            if (gain != nullptr) y = fma(y, load_part(gain + whole, rest), load_part(bias + whole, rest));
            store_part(out + whole, rest, y);
        }
    }
}

inline void depthwise(const depthwise_args& a) noexcept {
    const std::ptrdiff_t channels = a.channels;
    for (int oy = a.row_begin; oy < a.row_end; ++oy) {
        const int y0 = oy * a.stride - a.padding;
        const int ky_begin = y0 < 0 ? -y0 : 0, ky_end = a.height - y0 < a.kernel ? a.height - y0 : a.kernel;
        for (int ox = 0; ox < a.out_width; ++ox) {
            const int x0 = ox * a.stride - a.padding;
            const int kx_begin = x0 < 0 ? -x0 : 0, kx_end = a.width - x0 < a.kernel ? a.width - x0 : a.kernel;
            float* out = a.out + (static_cast<std::ptrdiff_t>(oy) * a.out_width + ox) * channels;
            for (std::ptrdiff_t c = 0; c < channels; c += lanes) {
                const std::ptrdiff_t width = channels - c < lanes ? channels - c : lanes;
                vec sum = load_part(a.bias + c, width);
                for (int ky = ky_begin; ky < ky_end; ++ky) {
                    const float* in = a.in + (static_cast<std::ptrdiff_t>(y0 + ky) * a.width + x0) * channels + c;
                    const float* w = a.weights + static_cast<std::ptrdiff_t>(ky) * a.kernel * channels + c;
                    for (int kx = kx_begin; kx < kx_end; ++kx)
                        sum = fma(load_part(in + kx * channels, width), load_part(w + kx * channels, width), sum);
                }
                store_part(out + c, width, sum);
            }
        }
    }
}

#undef CVT_UNROLL
#undef CVT_ALWAYS_INLINE
