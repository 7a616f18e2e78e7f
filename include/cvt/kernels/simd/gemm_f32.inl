// Products with float32 weights: weights packed into panels, a register tile of mr rows by nr columns. Included by kernels.inl.

inline constexpr std::ptrdiff_t nr = nr_vectors * lanes;  // columns of the register tile
inline constexpr std::ptrdiff_t kc = 512;         // depth summed in registers before it is added to memory: bounds the rounding error
inline constexpr std::ptrdiff_t task_rows = 204;  // maximum number of rows of a task

inline std::uint64_t packed_bytes(std::ptrdiff_t n, std::ptrdiff_t k) noexcept {
    return static_cast<std::uint64_t>((n + nr - 1) / nr * nr) * static_cast<std::uint64_t>(k) * sizeof(float);
}
inline std::size_t column_offset(std::ptrdiff_t first, std::ptrdiff_t packed_k) noexcept {
    return static_cast<std::size_t>(first * packed_k) * sizeof(float);
}
inline std::size_t depth_offset(std::ptrdiff_t first) noexcept { return static_cast<std::size_t>(first * nr) * sizeof(float); }

inline const float* floats(const std::byte* packed) noexcept { return static_cast<const float*>(static_cast<const void*>(packed)); }

/// Packs panels of nr columns, each (k, nr) and packed_k * nr floats apart; the last one is padded with zeros.
inline void pack(const pack_args& a) noexcept {
    float* panel = static_cast<float*>(static_cast<void*>(a.to.data));
    for (std::ptrdiff_t first = 0; first < a.to.n; first += nr, panel += nr * a.to.packed_k) {
        const std::ptrdiff_t width = a.to.n - first < nr ? a.to.n - first : nr;
        const float* from = a.weights + first * a.stride_n;
        if (a.stride_n == 1) {
            for (std::ptrdiff_t j = 0; j < a.to.k; ++j)
                CVT_UNROLL for (std::ptrdiff_t c = 0; c < nr; c += lanes)
                    store(panel + j * nr + c, load_part(from + j * a.stride_k + c, width - c));
            continue;
        }
        for (std::ptrdiff_t j = 0; j < a.to.k; ++j) {
            float* to = panel + j * nr;
            for (std::ptrdiff_t i = 0; i < width; ++i) to[i] = from[i * a.stride_n + j * a.stride_k];
            for (std::ptrdiff_t i = width; i < nr; ++i) to[i] = 0.F;
        }
    }
}

inline constexpr std::ptrdiff_t line = 64 / sizeof(float);

/// Arguments of a register tile.
struct tile_args {
    const float* in;
    std::ptrdiff_t in_stride;
    const float* weights;  // (k, nr)
    std::ptrdiff_t k;
    const float* bias;       // nr floats, or null
    const float* row_scale;  // a factor for each row, or null
    float* out;              // (rows, nr)
    std::ptrdiff_t out_stride;
    const float* prefetch;  // weights needed after this panel: each tile prefetches `prefetch_lines` cache lines of them
    std::ptrdiff_t prefetch_lines;
    bool accumulate;  // adds to `out` instead of overwriting it
    kernels::epilogue epilogue;
};

/// Distances of a tile's rows, in bytes: row 2 is at twice `once`, row 4 at four times `once`.
struct row_offsets {
    std::ptrdiff_t once, thrice, five;
};

/// One step of the depth: sum[r] += in[r * stride + K] * w[K * nr].
template <int Rows, int Vectors, int K>
CVT_SIMD void multiply_step(vec (&sum)[static_cast<std::size_t>(Rows)][static_cast<std::size_t>(Vectors)], const float* in, row_offsets row,
                            const float* w) {
    vec step[static_cast<std::size_t>(Vectors)];
    CVT_UNROLL for (int v = 0; v < Vectors; ++v) step[v] = load(w + K * nr + v * lanes);
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

/// Runs `unroll` steps.
template <int Rows, int Vectors>
CVT_SIMD void multiply_steps(vec (&sum)[static_cast<std::size_t>(Rows)][static_cast<std::size_t>(Vectors)], const float*& in,
                             row_offsets row, const float*& w) {
    static_assert(unroll == 4 || unroll == 1);
    multiply_step<Rows, Vectors, 0>(sum, in, row, w);
    if constexpr (unroll == 4) {
        multiply_step<Rows, Vectors, 1>(sum, in, row, w);
        multiply_step<Rows, Vectors, 2>(sum, in, row, w);
        multiply_step<Rows, Vectors, 3>(sum, in, row, w);
    }
    in += unroll;
    w += unroll * nr;
    CVT_UNROLL for (int r = 0; r < Rows; ++r) { CVT_UNROLL for (int v = 0; v < Vectors; ++v) keep_in_register(sum[r][v]); }
}

/// sum[r] += in[r] * weights over the depth, in order. Prefetches a.prefetch_lines cache lines of the next weights, at most
/// depth / unroll, one per `unroll` steps: all at once they would delay the inputs.
///
/// With a busy hyper-thread only three instructions issue per cycle. So the loop is split in two, with and without prefetch, and
/// the weight pointer is the loop counter.
template <int Rows, int Vectors>
CVT_SIMD void multiply_accumulate(vec (&sum)[static_cast<std::size_t>(Rows)][static_cast<std::size_t>(Vectors)],
                                  const tile_args& a) noexcept {
    const auto bytes = a.in_stride * static_cast<std::ptrdiff_t>(sizeof(float));
    const row_offsets row{bytes, 3 * bytes, 5 * bytes};
    const float *in = a.in, *w = a.weights;
    [[maybe_unused]] const float* prefetch = a.prefetch;
    const float *const end = w + a.k * nr, *const whole = w + a.k / unroll * unroll * nr;
    if constexpr (unroll > 1) {  // otherwise the set has no prefetch
        for (const float* const fetched = w + a.prefetch_lines * unroll * nr; w != fetched; prefetch += line) {
            __builtin_prefetch(prefetch, 0, 2);
            multiply_steps<Rows, Vectors>(sum, in, row, w);
        }
    }
    while (w != whole) multiply_steps<Rows, Vectors>(sum, in, row, w);
    for (; w != end; ++in, w += nr) multiply_step<Rows, Vectors, 0>(sum, in, row, w);
}

/// Applies the activation to stored tiles, because the sums leave no register for the polynomial. Not inlined, which would make a copy
/// for every number of rows.
template <int Vectors>
__attribute__((noinline)) inline void activate(float* out, std::ptrdiff_t stride, std::ptrdiff_t rows, epilogue kind) noexcept {
    if (kind == epilogue::quick_gelu) {
        for (; rows > 0; --rows, out += stride)
            CVT_UNROLL for (int v = 0; v < Vectors; ++v) store(out + v * lanes, quick_gelu(load(out + v * lanes)));
    } else {
        for (; rows > 0; --rows, out += stride)
            CVT_UNROLL for (int v = 0; v < Vectors; ++v) store(out + v * lanes, erf_gelu(load(out + v * lanes)));
    }
}

/// Computes `tiles` tiles of Rows rows and the panel's first vectors, one below the other, and moves `a` to the rows after them.
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
        if (a.accumulate) {  // its rows may be outside the caches, each in another page
            CVT_UNROLL for (int r = 0; r < Rows; ++r) __builtin_prefetch(out + r * stride, 1, 3);
        }
        multiply_accumulate<Rows, Vectors>(sum, a);
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
        a.prefetch += a.prefetch_lines * line;
    }
    if (a.epilogue == epilogue::quick_gelu || a.epilogue == epilogue::erf_gelu) activate<Vectors>(begin, stride, rows, a.epilogue);
}

/// Computes all rows of a panel's first vectors. In tiles of one or two rows the multipliers wait for each other's sums. So the last
/// mr + 1 or mr + 2 rows are split in halves, of which the first is not smaller.
template <int Vectors>
inline void tiles_of_panel(tile_args a, std::ptrdiff_t rows) noexcept {
    static_assert(mr == 4 || mr == 6, "the switch has cases for the last 1 to 5 rows");
    const bool split = rows > mr && (rows % mr == 1 || rows % mr == 2);
    const std::ptrdiff_t whole = rows / mr - (split ? 1 : 0);
    register_tiles<mr, Vectors>(a, whole);
    std::ptrdiff_t left = rows - whole * mr;
    if (left > mr) {
        constexpr int half = mr / 2 + 1;
        register_tiles<half, Vectors>(a, 1);
        left -= half;
    }
    switch (left) {
        case 1: return register_tiles<1, Vectors>(a, 1);
        case 2: return register_tiles<2, Vectors>(a, 1);
        case 3: return register_tiles<3, Vectors>(a, 1);
        case 4:
            if constexpr (mr > 4) register_tiles<4, Vectors>(a, 1);
            return;
        case 5:
            if constexpr (mr > 4) register_tiles<5, Vectors>(a, 1);
            return;
        default: return;
    }
}

/// Computes the vectors of a panel that contain its first `width` columns: one, two or four of four.
CVT_SIMD void tiles_of_width(const tile_args& a, std::ptrdiff_t width, std::ptrdiff_t rows) noexcept {
    if constexpr (nr_vectors == 4) {
        if (width <= lanes) return tiles_of_panel<1>(a, rows);
        if (width <= 2 * lanes) return tiles_of_panel<2>(a, rows);
    }
    return tiles_of_panel<nr_vectors>(a, rows);
}

/// Copies the rows of a panel of nr columns. `from` has the first from.cols of them, the others are zero; `to` gets the first to.cols.
inline void copy_panel(matrix<const float> from, matrix<float> to) noexcept {
    for (std::ptrdiff_t r = 0; r < to.rows; ++r, from.data += from.stride, to.data += to.stride) {
        CVT_UNROLL for (std::ptrdiff_t c = 0; c < nr; c += lanes)
            store_part(to.data + c, to.cols - c, load_part(from.data + c, from.cols - c));
    }
}

/// Multiplies panel after panel, each with all rows, at most mc. Meanwhile the tiles prefetch the next panel, wholly if there are enough
/// of them.
inline void multiply_panels(const gemm_args& a) noexcept {
    const std::ptrdiff_t rows = a.in.rows, tiles = (rows + mr - 1) / mr;
    const std::ptrdiff_t blocks = (a.w.k + kc - 1) / kc, block_depth = ((a.w.k + blocks - 1) / blocks + unroll - 1) / unroll * unroll;
    constexpr std::ptrdiff_t edge_rows = 4 * mr;
    alignas(64) float edge_tile[edge_rows * nr], bias[nr];  // for some rows of a last panel that has columns beyond n
    for (std::ptrdiff_t k = 0; k < a.w.k; k += block_depth) {
        const std::ptrdiff_t depth = a.w.k - k < block_depth ? a.w.k - k : block_depth;
        const std::ptrdiff_t lines_per_tile = (depth * nr / line + tiles - 1) / tiles,
                             lines = lines_per_tile < depth / unroll ? lines_per_tile : depth / unroll;
        const bool first = k == 0, last = k + depth == a.w.k;
        const float *const base = floats(a.w.data) + k * nr, *const after = last ? floats(a.prefetch) : base + depth * nr;
        for (std::ptrdiff_t column = 0; column < a.w.n; column += nr) {
            const float* const weights = base + column * a.w.packed_k;
            const float* const prefetch = column + nr < a.w.n ? weights + nr * a.w.packed_k : after;
            tile_args t{.in = a.in.data + k,
                        .in_stride = a.in.stride,
                        .weights = weights,
                        .k = depth,
                        .bias = first && a.bias != nullptr ? a.bias + column : nullptr,
                        .row_scale = last ? a.row_scale : nullptr,
                        .out = a.out.data + column,
                        .out_stride = a.out.stride,
                        .prefetch = prefetch,
                        .prefetch_lines = prefetch == nullptr ? 0 : lines,
                        .accumulate = !first || a.epilogue == epilogue::add,
                        .epilogue = last ? a.epilogue : epilogue::none};
            const std::ptrdiff_t width = a.w.n - column;
            if (width >= nr || (nr_vectors == 4 && (width == lanes || width == 2 * lanes))) {
                tiles_of_width(t, width, rows);
                continue;
            }
            if (t.bias != nullptr) {
                copy_panel({.data = t.bias, .rows = 1, .cols = width, .stride = 0}, {.data = bias, .rows = 1, .cols = nr, .stride = nr});
                t.bias = bias;
            }
            for (std::ptrdiff_t r = 0; r < rows; r += edge_rows) {
                const std::ptrdiff_t count = rows - r < edge_rows ? rows - r : edge_rows;
                const matrix<float> out{.data = t.out + r * t.out_stride, .rows = count, .cols = width, .stride = t.out_stride};
                const matrix<float> tile{.data = edge_tile, .rows = count, .cols = nr, .stride = nr};
                tile_args part = t;
                part.in += r * t.in_stride;
                part.out = edge_tile;
                part.out_stride = nr;
                part.prefetch += r / mr * t.prefetch_lines * line;
                if (part.row_scale != nullptr) part.row_scale += r;
                if (part.accumulate) copy_panel(out, tile);
                tiles_of_width(part, width, count);
                copy_panel(tile, out);
            }
        }
    }
}

/// Multiplies mc rows at a time, so that their inputs stay in the L2 cache for all panels.
inline void multiply(const gemm_args& a) noexcept {
    const std::ptrdiff_t rows = a.in.rows, parts = (rows + mc - 1) / mc;
    const std::ptrdiff_t part_rows = ((rows + parts - 1) / parts + mr - 1) / mr * mr;
    gemm_args part = a;
    part.prefetch = a.w.data;
    part.in.rows = part_rows;
    std::ptrdiff_t left = rows;
    for (; left > part_rows; left -= part_rows) {
        multiply_panels(part);
        part.in.data += part_rows * a.in.stride;
        part.out.data += part_rows * a.out.stride;
        if (part.row_scale != nullptr) part.row_scale += part_rows;
    }
    part.prefetch = a.prefetch;
    part.in.rows = left;
    multiply_panels(part);
}

inline constexpr gemm_kernels gemm_f32{.mr = mr,
                                       .nr = nr,
                                       .split_rows = 1,
                                       .task_rows = task_rows,
                                       .packed_bytes = packed_bytes,
                                       .pack = pack,
                                       .multiply = multiply,
                                       .column_offset = column_offset,
                                       .depth_offset = depth_offset};
