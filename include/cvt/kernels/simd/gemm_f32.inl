// Matrix products: weights packed into panels, a register tile of 6 rows by micro_vectors vectors. Included by kernels.inl.

inline constexpr std::ptrdiff_t panel = micro_vectors * lanes;  // columns of the register tile
inline constexpr int micro_rows = 6;                            // its rows
inline constexpr std::ptrdiff_t block_k = 512;    // depth summed in registers before it is added to what is stored: bounds the rounding
inline constexpr std::ptrdiff_t tile_rows = 204;  // rows a task takes

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
            for (std::ptrdiff_t j = 0; j < k; ++j)
                CVT_UNROLL for (std::ptrdiff_t c = 0; c < panel; c += lanes)
                    store(packed + j * panel + c, load_part(from + j * stride_k + c, width - c));
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
    const float* bias;       // `panel` floats, or null
    const float* row_scale;  // a factor a row, or null
    float* out;              // (rows, panel)
    std::ptrdiff_t out_stride;
    const float* next;  // weights that will be needed after this panel: `next_lines` cache lines of them a tile
    std::ptrdiff_t next_lines;
    bool accumulate;  // start from what is in `out`
    epilogue then;
};

/// How far a tile's rows lie apart, in bytes: row 2 is reached as twice `once`, row 4 as four times.
struct row_offsets {
    std::ptrdiff_t once, thrice, five;
};

/// sum[r] += in[r * stride + K] * w[K * panel], one step of the depth.
template <int Rows, int Vectors, int K>
CVT_ALWAYS_INLINE void multiply_step(vec (&sum)[static_cast<std::size_t>(Rows)][static_cast<std::size_t>(Vectors)], const float* in,
                                     row_offsets row, const float* w) {
    vec step[static_cast<std::size_t>(Vectors)];
    CVT_UNROLL for (int v = 0; v < Vectors; ++v) step[v] = load(w + K * panel + v * lanes);
    CVT_UNROLL for (int r = 0; r < Rows; ++r) {
        const vec x = r == 0   ? set1(in[K])
                      : r == 1 ? broadcast<1, K>(in, row.once)
                      : r == 2 ? broadcast<2, K>(in, row.once)
                      : r == 3 ? broadcast<1, K>(in, row.thrice)
                      : r == 4 ? broadcast<4, K>(in, row.once)
                               : broadcast<1, K>(in, row.five);
        CVT_UNROLL for (int v = 0; v < Vectors; ++v) accumulate(sum[r][v], x, step[v]);
    }
}

/// `unroll` steps.
template <int Rows, int Vectors>
CVT_ALWAYS_INLINE void multiply_steps(vec (&sum)[static_cast<std::size_t>(Rows)][static_cast<std::size_t>(Vectors)], const float*& in,
                                      row_offsets row, const float*& w) {
    static_assert(unroll == 4);
    multiply_step<Rows, Vectors, 0>(sum, in, row, w);
    multiply_step<Rows, Vectors, 1>(sum, in, row, w);
    multiply_step<Rows, Vectors, 2>(sum, in, row, w);
    multiply_step<Rows, Vectors, 3>(sum, in, row, w);
    in += unroll;
    w += unroll * panel;
    CVT_UNROLL for (int r = 0; r < Rows; ++r) { CVT_UNROLL for (int v = 0; v < Vectors; ++v) pin(sum[r][v]); }
}

/// sum[r] += in[r * stride ...] * w over `depth`, in order. Meanwhile `lines` of `next` are fetched, at most depth / unroll
/// of them, one with every `unroll` steps: all at once they would keep the inputs waiting.
///
/// Every instruction counts where the core's other hardware thread is busy: then only three can begin in a cycle. Hence two loops,
/// one that fetches and one that does not, which count by the address of the weights.
template <int Rows, int Vectors>
CVT_ALWAYS_INLINE void multiply_accumulate(vec (&sum)[static_cast<std::size_t>(Rows)][static_cast<std::size_t>(Vectors)], const float* in,
                                           std::ptrdiff_t stride, const float* w, std::ptrdiff_t depth, const float* next,
                                           std::ptrdiff_t lines) {
    const auto bytes = stride * static_cast<std::ptrdiff_t>(sizeof(float));
    const row_offsets row{bytes, 3 * bytes, 5 * bytes};
    const float *const end = w + depth * panel, *const whole = w + depth / unroll * unroll * panel;
    for (const float* const fetched = w + lines * unroll * panel; w != fetched; next += line) {
        __builtin_prefetch(next, 0, 2);
        multiply_steps<Rows, Vectors>(sum, in, row, w);
    }
    while (w != whole) multiply_steps<Rows, Vectors>(sum, in, row, w);
    for (; w != end; ++in, w += panel) multiply_step<Rows, Vectors, 0>(sum, in, row, w);
}

/// The activation of tiles that are stored: while sums are alive, no register is left for the polynomial. Not inlined: there would
/// be a copy for every number of rows.
template <int Vectors>
__attribute__((noinline)) inline void activate(float* out, std::ptrdiff_t stride, std::ptrdiff_t rows, epilogue then) noexcept {
    if (then == epilogue::quick_gelu) {
        for (; rows > 0; --rows, out += stride)
            CVT_UNROLL for (int v = 0; v < Vectors; ++v) store(out + v * lanes, quick_gelu(load(out + v * lanes)));
    } else {
        for (; rows > 0; --rows, out += stride)
            CVT_UNROLL for (int v = 0; v < Vectors; ++v) store(out + v * lanes, erf_gelu(load(out + v * lanes)));
    }
}

/// `tiles` tiles of Rows rows and the panel's first vectors, one below the other; `a` is left at the rows after them.
template <int Rows, int Vectors>
inline void register_tiles(tile_args& a, std::ptrdiff_t tiles) noexcept {
    const std::ptrdiff_t stride = a.out_stride, rows = tiles * Rows;
    float* const begin = a.out;
    for (; tiles > 0; --tiles) {
        vec sum[static_cast<std::size_t>(Rows)][static_cast<std::size_t>(Vectors)];
        CVT_UNROLL for (int v = 0; v < Vectors; ++v) {
            const vec bias = a.bias == nullptr ? set1(0.F) : load(a.bias + v * lanes);
            CVT_UNROLL for (int r = 0; r < Rows; ++r) sum[r][v] = bias;
        }
        float* out = a.out;
        if (a.accumulate) {  // its rows may lie in memory, each in a page of its own
            CVT_UNROLL for (int r = 0; r < Rows; ++r) __builtin_prefetch(out + r * stride, 1, 3);
        }
        multiply_accumulate<Rows, Vectors>(sum, a.in, a.in_stride, a.weights, a.k, a.next, a.next_lines);
        if (a.accumulate) {
            CVT_UNROLL for (int r = 0; r < Rows; ++r) {
                CVT_UNROLL for (int v = 0; v < Vectors; ++v) sum[r][v] = add(sum[r][v], load(out + r * stride + v * lanes));
            }
        }
        if (a.row_scale != nullptr) {
            CVT_UNROLL for (int r = 0; r < Rows; ++r) {
                const vec s = set1(a.row_scale[r]);
                CVT_UNROLL for (int v = 0; v < Vectors; ++v) sum[r][v] = mul(sum[r][v], s);
            }
            a.row_scale += Rows;
        }
        CVT_UNROLL for (int r = 0; r < Rows; ++r) {
            CVT_UNROLL for (int v = 0; v < Vectors; ++v) store(out + r * stride + v * lanes, sum[r][v]);
        }
        a.in += Rows * a.in_stride;
        a.out += Rows * stride;
        a.next += a.next_lines * line;
    }
    if (a.then == epilogue::quick_gelu || a.then == epilogue::erf_gelu) activate<Vectors>(begin, stride, rows, a.then);
}

/// All rows of a panel's first vectors. Tiles of one or two rows leave the multipliers waiting for each other's sums, so that the
/// last 7 or 8 rows are taken as 4 and 3 or 4.
template <int Vectors>
inline void tiles_of_panel(tile_args a, std::ptrdiff_t rows) noexcept {
    static_assert(micro_rows == 6, "the last rows are taken as there are cases for");
    const bool split = rows > micro_rows && (rows % micro_rows == 1 || rows % micro_rows == 2);
    const std::ptrdiff_t whole = rows / micro_rows - (split ? 1 : 0);
    register_tiles<6, Vectors>(a, whole);
    std::ptrdiff_t left = rows - whole * micro_rows;
    if (left > micro_rows) {
        register_tiles<4, Vectors>(a, 1);
        left -= 4;
    }
    switch (left) {
        case 1: return register_tiles<1, Vectors>(a, 1);
        case 2: return register_tiles<2, Vectors>(a, 1);
        case 3: return register_tiles<3, Vectors>(a, 1);
        case 4: return register_tiles<4, Vectors>(a, 1);
        case 5: return register_tiles<5, Vectors>(a, 1);
        default: return;
    }
}

/// The vectors of a panel that its first `width` columns lie in: of a panel of four one, two or four.
CVT_ALWAYS_INLINE void tiles_of_width(const tile_args& a, std::ptrdiff_t width, std::ptrdiff_t rows) noexcept {
    if constexpr (micro_vectors == 4) {
        if (width <= lanes) return tiles_of_panel<1>(a, rows);
        if (width <= 2 * lanes) return tiles_of_panel<2>(a, rows);
    }
    return tiles_of_panel<micro_vectors>(a, rows);
}

/// (rows, panel) from where the first `has` columns are, zeros beside them, to where the first `takes` are wanted.
inline void copy_panel(const float* from, std::ptrdiff_t from_stride, std::ptrdiff_t has, float* to, std::ptrdiff_t to_stride,
                       std::ptrdiff_t takes, std::ptrdiff_t rows) noexcept {
    for (std::ptrdiff_t r = 0; r < rows; ++r, from += from_stride, to += to_stride) {
        CVT_UNROLL for (std::ptrdiff_t c = 0; c < panel; c += lanes) store_part(to + c, takes - c, load_part(from + c, has - c));
    }
}

/// Panel after panel, each over all rows, cached_rows at most; while one is multiplied, the next is fetched, by enough tiles all of
/// it.
inline void multiply_panels(const linear_args& a) noexcept {
    const std::ptrdiff_t tiles = (a.rows + micro_rows - 1) / micro_rows, packed_k = a.packed_k == 0 ? a.k : a.packed_k;
    const std::ptrdiff_t blocks = (a.k + block_k - 1) / block_k, even = ((a.k + blocks - 1) / blocks + unroll - 1) / unroll * unroll;
    constexpr std::ptrdiff_t beside_rows = 4 * micro_rows;
    alignas(64) float beside[beside_rows * panel], bias[panel];  // where the last panel has columns beyond n, for some rows at a time
    for (std::ptrdiff_t k = 0; k < a.k; k += even) {
        const std::ptrdiff_t depth = a.k - k < even ? a.k - k : even;
        const std::ptrdiff_t share = (depth * panel / line + tiles - 1) / tiles, lines = share < depth / unroll ? share : depth / unroll;
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
                        .next = next,
                        .next_lines = next == nullptr ? 0 : lines,
                        .accumulate = !first || a.then == epilogue::add,
                        .then = last ? a.then : epilogue::none};
            const std::ptrdiff_t width = a.n - column;
            if (width >= panel || (micro_vectors == 4 && (width == lanes || width == 2 * lanes))) {
                tiles_of_width(t, width, a.rows);
                continue;
            }
            if (t.bias != nullptr) {
                copy_panel(t.bias, 0, width, bias, 0, panel, 1);
                t.bias = bias;
            }
            for (std::ptrdiff_t r = 0; r < a.rows; r += beside_rows) {
                const std::ptrdiff_t rows = a.rows - r < beside_rows ? a.rows - r : beside_rows;
                float* const out = a.out + r * a.out_stride + column;
                tile_args part = t;
                part.in += r * a.in_stride;
                part.out = beside;
                part.out_stride = panel;
                part.next += r / micro_rows * t.next_lines * line;
                if (part.row_scale != nullptr) part.row_scale += r;
                if (part.accumulate) copy_panel(out, a.out_stride, width, beside, panel, panel, rows);
                tiles_of_width(part, width, rows);
                copy_panel(beside, panel, width, out, a.out_stride, width, rows);
            }
        }
    }
}

/// By few rows at a time, so that their inputs stay in the second cache while the panels pass over them.
inline void linear(const linear_args& a) noexcept {
    const std::ptrdiff_t parts = (a.rows + cached_rows - 1) / cached_rows;
    const std::ptrdiff_t even = ((a.rows + parts - 1) / parts + micro_rows - 1) / micro_rows * micro_rows;
    linear_args part = a;
    part.next = a.weights;
    part.rows = even;
    std::ptrdiff_t left = a.rows;
    for (; left > even; left -= even) {
        multiply_panels(part);
        part.in += even * a.in_stride;
        part.out += even * a.out_stride;
        if (part.row_scale != nullptr) part.row_scale += even;
    }
    part.next = a.next;
    part.rows = left;
    multiply_panels(part);
}
