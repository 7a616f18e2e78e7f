// Matrix products: weights packed into panels, a register tile of 6 rows by 2 vectors. Included by body.inl.

inline constexpr std::ptrdiff_t panel = 2 * lanes;  // columns of the register tile
inline constexpr int micro_rows = 6;                // its rows: 6 x 2 sums, 2 weights and 1 input fill 15 registers
inline constexpr std::ptrdiff_t block_k = 512;      // depth summed in registers before it is added to what is stored: bounds the rounding
inline constexpr std::ptrdiff_t cached_rows = 72;   // rows that all panels pass over at a time: with block_k 144 KiB of inputs
inline constexpr std::ptrdiff_t tile_rows = 204;    // rows a task takes

inline std::size_t packed_size(std::ptrdiff_t n, std::ptrdiff_t k) noexcept {
    return static_cast<std::size_t>((n + panel - 1) / panel * panel) * static_cast<std::size_t>(k);
}

/// Panels of `panel` columns, each (k, panel), the last one padded with zeros; from one panel to the next (packed_k, panel).
inline void pack(const float* w, std::ptrdiff_t stride_n, std::ptrdiff_t stride_k, std::ptrdiff_t n, std::ptrdiff_t k, float* packed,
                 std::ptrdiff_t packed_k) noexcept {
    for (std::ptrdiff_t first = 0; first < n; first += panel, packed += panel * packed_k) {
        const std::ptrdiff_t width = n - first < panel ? n - first : panel;
        const float* from = w + first * stride_n;
        if (stride_n == 1) {
            for (std::ptrdiff_t j = 0; j < k; ++j) {
                store(packed + j * panel, load_part(from + j * stride_k, width));
                store(packed + j * panel + lanes, load_part(from + j * stride_k + lanes, width - lanes));
            }
            continue;
        }
        for (std::ptrdiff_t j = 0; j < k; ++j) {
            float* to = packed + j * panel;
            for (std::ptrdiff_t i = 0; i < width; ++i) to[i] = from[i * stride_n + j * stride_k];
            for (std::ptrdiff_t i = width; i < panel; ++i) to[i] = 0.F;
        }
    }
}

inline constexpr std::ptrdiff_t unroll = 4, line = 64 / sizeof(float);

/// What the register tile does with its sums.
struct tile_args {
    const float* in;
    std::ptrdiff_t in_stride;
    const float* weights;  // (k, panel)
    std::ptrdiff_t k;
    const float* bias;       // `width` floats, or null
    const float* row_scale;  // a factor a row, or null
    float* out;
    std::ptrdiff_t out_stride, width;
    const float* next;  // weights that will be needed after this panel: this tile's share of them, in cache lines
    std::ptrdiff_t next_lines, next_lines_a_step;
    bool accumulate;  // start from what is in `out`
    epilogue then;
};

/// sum[r] += in[r * stride] * w, one step of the depth. Row r is reached from `in` or, from the fourth on, from `upper`.
/// Not by r % 3: g++ 12 with -O1 -fsanitize=shift computes that wrongly for 3.
template <int Rows>
CVT_ALWAYS_INLINE void multiply_step(vec (&sum)[static_cast<std::size_t>(Rows)][2], const float* in, const float* upper,
                                     std::ptrdiff_t stride, std::ptrdiff_t twice, const float* w) {
    const vec w0 = load(w), w1 = load(w + lanes);
    CVT_UNROLL for (int r = 0; r < Rows; ++r) {
        const vec x = set1((r < 3 ? in : upper)[r == 0 || r == 3 ? 0 : r == 1 || r == 4 ? stride : twice]);
        sum[r][0] = fma(x, w0, sum[r][0]);
        sum[r][1] = fma(x, w1, sum[r][1]);
    }
    CVT_UNROLL for (int r = 0; r < Rows; ++r) __asm__("" : "+" CVT_VEC_REGISTER(sum[r][0]), "+" CVT_VEC_REGISTER(sum[r][1]));
}

/// sum[r] += in[r * stride ...] * w over `depth`, in order. Meanwhile the lines of `next` are fetched, a few with every
/// step: all at once they would keep the inputs waiting.
///
/// Left alone, compilers make a loop counter of every row's address and run out of registers (62 GFLOP/s instead of 96).
/// The empty asm statements emit nothing: they make the addresses opaque, so that rows are reached as base + stride.
template <int Rows>
CVT_ALWAYS_INLINE void multiply_accumulate(vec (&sum)[static_cast<std::size_t>(Rows)][2], const float* in, std::ptrdiff_t stride,
                                           const float* w, std::ptrdiff_t depth, const float* next, std::ptrdiff_t lines,
                                           std::ptrdiff_t lines_a_step) {
    const float* upper = in + (Rows > 3 ? 3 * stride : 0);
    std::ptrdiff_t twice = 2 * stride;
    for (; depth >= unroll; depth -= unroll, in += unroll, upper += unroll, w += unroll * panel) {
        __asm__("" : "+r"(in), "+r"(upper), "+r"(w), "+r"(stride), "+r"(twice));
        if (lines > 0) {
            for (std::ptrdiff_t i = 0; i < lines_a_step; ++i, next += line) __builtin_prefetch(next, 0, 2);
            lines -= lines_a_step;
        }
        CVT_UNROLL for (int k = 0; k < unroll; ++k) multiply_step<Rows>(sum, in + k, upper + k, stride, twice, w + k * panel);
    }
    for (; depth > 0; --depth, ++in, ++upper, w += panel) multiply_step<Rows>(sum, in, upper, stride, twice, w);
}

/// One test a tile, not one a row: a tile of a depth of 64 is multiplied in 400 cycles.
template <int Rows>
inline void register_tile(const tile_args& a) noexcept {
    const bool whole = a.width == panel;
    vec sum[static_cast<std::size_t>(Rows)][2];
    {
        vec b0 = set1(0.F), b1 = b0;
        if (a.bias != nullptr) {
            b0 = whole ? load(a.bias) : load_part(a.bias, a.width);
            b1 = whole ? load(a.bias + lanes) : load_part(a.bias + lanes, a.width - lanes);
        }
        CVT_UNROLL for (int r = 0; r < Rows; ++r) {
            sum[r][0] = b0;
            sum[r][1] = b1;
        }
    }
    multiply_accumulate<Rows>(sum, a.in, a.in_stride, a.weights, a.k, a.next, a.next_lines, a.next_lines_a_step);
    float* out = a.out;
    const std::ptrdiff_t stride = a.out_stride;
    if (a.accumulate && whole) {
        CVT_UNROLL for (int r = 0; r < Rows; ++r) {
            sum[r][0] = add(sum[r][0], load(out + r * stride));
            sum[r][1] = add(sum[r][1], load(out + r * stride + lanes));
        }
    } else if (a.accumulate) {
        CVT_UNROLL for (int r = 0; r < Rows; ++r) {
            sum[r][0] = add(sum[r][0], load_part(out + r * stride, a.width));
            sum[r][1] = add(sum[r][1], load_part(out + r * stride + lanes, a.width - lanes));
        }
    }
    if (a.row_scale != nullptr) {
        CVT_UNROLL for (int r = 0; r < Rows; ++r) {
            const vec s = set1(a.row_scale[r]);
            sum[r][0] = mul(sum[r][0], s);
            sum[r][1] = mul(sum[r][1], s);
        }
    }
    if (whole) {
        CVT_UNROLL for (int r = 0; r < Rows; ++r) {
            store(out + r * stride, sum[r][0]);
            store(out + r * stride + lanes, sum[r][1]);
        }
    } else {
        CVT_UNROLL for (int r = 0; r < Rows; ++r) {
            store_part(out + r * stride, a.width, sum[r][0]);
            store_part(out + r * stride + lanes, a.width - lanes, sum[r][1]);
        }
    }
    // Activated after they are stored: with all sums alive there is no register left for the polynomial.
    if (a.then == epilogue::quick_gelu) {
        for (int r = 0; r < Rows; ++r, out += stride) {
            store_part(out, a.width, quick_gelu(load_part(out, a.width)));
            store_part(out + lanes, a.width - lanes, quick_gelu(load_part(out + lanes, a.width - lanes)));
        }
    } else if (a.then == epilogue::erf_gelu) {
        for (int r = 0; r < Rows; ++r, out += stride) {
            store_part(out, a.width, erf_gelu(load_part(out, a.width)));
            store_part(out + lanes, a.width - lanes, erf_gelu(load_part(out + lanes, a.width - lanes)));
        }
    }
}

inline void tile_of_rows(std::ptrdiff_t rows, const tile_args& a) noexcept {
    switch (rows) {
        case 1: return register_tile<1>(a);
        case 2: return register_tile<2>(a);
        case 3: return register_tile<3>(a);
        case 4: return register_tile<4>(a);
        case 5: return register_tile<5>(a);
        default: return register_tile<6>(a);
    }
}
static_assert(micro_rows == 6, "tile_of_rows has a case for each number of rows");

/// Rows of the next register tile when `left` are left. Tiles of one or two rows leave the multipliers waiting for each
/// other's sums, so that 7 and 8 rows are taken as 4 and 3 or 4.
CVT_ALWAYS_INLINE std::ptrdiff_t rows_of_next_tile(std::ptrdiff_t left) {
    if (left == micro_rows + 1 || left == micro_rows + 2) return 4;
    return left < micro_rows ? left : micro_rows;
}

/// Panel after panel, each over all rows; while one is multiplied, the next is fetched.
inline void multiply_panels(const linear_args& a) noexcept {
    const std::ptrdiff_t tiles = (a.rows + micro_rows - 1) / micro_rows, packed_k = a.packed_k == 0 ? a.k : a.packed_k;
    const std::ptrdiff_t blocks = (a.k + block_k - 1) / block_k, even = ((a.k + blocks - 1) / blocks + unroll - 1) / unroll * unroll;
    for (std::ptrdiff_t k = 0; k < a.k; k += even) {
        const std::ptrdiff_t depth = a.k - k < even ? a.k - k : even;
        const std::ptrdiff_t lines = (depth * panel / line + tiles - 1) / tiles;
        const bool first = k == 0, last = k + depth == a.k;
        for (std::ptrdiff_t column = 0; column < a.n; column += panel) {
            const float* weights = a.weights + column * packed_k + k * panel;
            const float* next = column + panel < a.n ? weights + packed_k * panel : last ? a.next : a.weights + (k + depth) * panel;
            tile_args t{.in = a.in + k,
                        .in_stride = a.in_stride,
                        .weights = weights,
                        .k = depth,
                        .bias = first && a.bias != nullptr ? a.bias + column : nullptr,
                        .row_scale = last ? a.row_scale : nullptr,
                        .out = a.out + column,
                        .out_stride = a.out_stride,
                        .width = a.n - column < panel ? a.n - column : panel,
                        .next = next,
                        .next_lines = next == nullptr ? 0 : lines,
                        .next_lines_a_step = lines * unroll / depth + 1,
                        .accumulate = !first || a.then == epilogue::add,
                        .then = last ? a.then : epilogue::none};
            for (std::ptrdiff_t left = a.rows; left > 0;) {
                const std::ptrdiff_t rows = rows_of_next_tile(left);
                tile_of_rows(rows, t);
                left -= rows;
                t.in += rows * a.in_stride;
                t.out += rows * a.out_stride;
                t.next += t.next_lines * line;
                if (t.row_scale != nullptr) t.row_scale += rows;
            }
        }
    }
}

/// By few rows at a time, so that their inputs stay in the second cache while the panels pass over them.
inline void linear(const linear_args& a) noexcept {
    const std::ptrdiff_t parts = (a.rows + cached_rows - 1) / cached_rows;
    const std::ptrdiff_t even = ((a.rows + parts - 1) / parts + micro_rows - 1) / micro_rows * micro_rows;
    linear_args part = a;
    for (std::ptrdiff_t left = a.rows; left > 0; left -= even) {
        part.rows = left < even ? left : even;
        part.next = left <= even ? a.next : a.weights;
        multiply_panels(part);
        part.in += even * a.in_stride;
        part.out += even * a.out_stride;
        if (part.row_scale != nullptr) part.row_scale += even;
    }
}
