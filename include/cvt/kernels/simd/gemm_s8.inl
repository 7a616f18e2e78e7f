// Products with int8 weights. Weights are symmetric, with a scale for each output channel; inputs become bytes with a scale and an
// offset for each row. Included by kernels.inl, and by sets that differ from another one only in these products.
//
// With x = s_r q + o_r for row r of the input and w = s_n p for column n, where q and p are integers,
//   sum_k x w = s_r s_n (sum_k q p) + o_r s_n (sum_k p).
// The first sum is exact in int32; the second is computed when the weights are packed.
namespace s8 {

/// Depth with one quantisation of the inputs: shorter blocks have narrower ranges. Layers cut weights at multiples of it.
inline constexpr std::ptrdiff_t kc = 384;
/// Rows that are quantised at a time, on the stack. A panel's block stays in the L1 cache for all of them.
inline constexpr std::ptrdiff_t mc = 72;
static_assert(mc % mr == 0 && kc % lanes == 0);
inline constexpr std::ptrdiff_t line = 64;  // bytes of a cache line

/// Size of one depth block of a panel: (depth / 4, nr, 4) weights, then nr scales and nr sums of bytes.
inline std::ptrdiff_t block_bytes(std::ptrdiff_t depth) noexcept {
    return nr * ((depth + 3) / 4 * 4 + 2 * static_cast<std::ptrdiff_t>(sizeof(float)));
}
/// Bytes from one panel to the next.
inline std::ptrdiff_t panel_bytes(std::ptrdiff_t k) noexcept { return k / kc * block_bytes(kc) + (k % kc == 0 ? 0 : block_bytes(k % kc)); }
inline std::uint64_t packed_bytes(std::ptrdiff_t n, std::ptrdiff_t k) noexcept {
    return static_cast<std::uint64_t>((n + nr - 1) / nr) * static_cast<std::uint64_t>(panel_bytes(k));
}
inline std::size_t column_offset(std::ptrdiff_t first, std::ptrdiff_t packed_k) noexcept {
    return static_cast<std::size_t>(first / nr * panel_bytes(packed_k));
}
inline std::size_t depth_offset(std::ptrdiff_t first) noexcept { return static_cast<std::size_t>(first / kc * block_bytes(kc)); }

/// A depth block of a panel.
struct weight_block {
    const std::byte* bytes;
    const float *scale, *sum;  ///< (nr) s_n, and the sum of the block's bytes
};
inline weight_block block_at(const std::byte* data, std::ptrdiff_t depth) noexcept {
    const float* const scale = static_cast<const float*>(static_cast<const void*>(data + nr * ((depth + 3) / 4 * 4)));
    return {data, scale, scale + nr};
}

/// Packs the whole depth of W at once, because a channel has one scale.
inline void pack(const pack_args& a) noexcept {
    for (std::ptrdiff_t column = 0; column < (a.to.n + nr - 1) / nr * nr; ++column) {
        const float* const weights = a.weights + column * a.stride_n;
        const bool padding = column >= a.to.n;
        const float step = padding ? 0.F : detail::weight_scale(weights, a.stride_k, a.to.k);
        std::byte* block = a.to.data + column_offset(column, a.to.packed_k);
        for (std::ptrdiff_t k = 0; k < a.to.k; k += kc) {
            const std::ptrdiff_t depth = a.to.k - k < kc ? a.to.k - k : kc, lane = column % nr;
            int sum = 0;
            for (std::ptrdiff_t i = 0; i < (depth + 3) / 4 * 4; ++i) {
                const int byte = padding || i >= depth ? 0 : detail::weight_byte(weights[(k + i) * a.stride_k], step);
                block[i / 4 * 4 * nr + lane * 4 + i % 4] = static_cast<std::byte>(static_cast<signed char>(byte));
                sum += byte;
            }
            const float terms[]{step, static_cast<float>(sum)};
            std::byte* const scale = block + nr * ((depth + 3) / 4 * 4) + lane * static_cast<std::ptrdiff_t>(sizeof(float));
            __builtin_memcpy(scale, &terms[0], sizeof(float));
            __builtin_memcpy(scale + nr * static_cast<std::ptrdiff_t>(sizeof(float)), &terms[1], sizeof(float));
            block += block_bytes(depth);
        }
    }
}

/// Quantised rows of an input: x = scale * byte + offset.
struct quantized_rows {
    alignas(64) unsigned char bytes[static_cast<std::size_t>(mc * kc)];
    float scale[static_cast<std::size_t>(mc)], offset[static_cast<std::size_t>(mc)];
};

inline bool is_finite(float v) noexcept {
    unsigned bits = 0;
    __builtin_memcpy(&bits, &v, sizeof bits);
    return (bits & 0x7F800000U) != 0x7F800000U;
}

/// One row of a depth block, quantised.
struct row_terms {
    float scale, offset;
};

/// Quantises `count` floats to input_max steps from their smallest to their largest value. A constant row, or one whose range is too small
/// for a step, becomes its offset. A row with NaN or infinity gets an offset that is not finite, and so do its results. So does a row whose
/// sum overflows, which takes values beyond 8e35. `bytes` may be the memory of `x`: a byte is written after all floats before it were read.
inline row_terms quantize_row(const float* x, std::ptrdiff_t count, unsigned char* bytes) noexcept {
    constexpr int chains = 2;  // so that no operation waits for the previous one
    const std::ptrdiff_t whole = count - count % lanes, pairs = count - count % (chains * lanes);
    const vec any = set1(x[0]);
    vec high[chains]{any, any}, low[chains]{any, any}, sum[chains]{any, any};
    for (std::ptrdiff_t i = 0; i < pairs; i += chains * lanes) {
        CVT_UNROLL for (int j = 0; j < chains; ++j) {
            const vec v = load(x + i + j * lanes);
            high[j] = max(high[j], v);
            low[j] = min(low[j], v);
            sum[j] = add(sum[j], v);  // not finite if one value is not
        }
    }
    for (std::ptrdiff_t i = pairs; i < count; i += lanes) {
        const vec v = load_part_or(x + i, count - i, any);
        high[0] = max(high[0], v);
        low[0] = min(low[0], v);
        sum[0] = add(sum[0], v);
    }
    const float bottom = -max_of(mul(min(low[0], low[1]), set1(-1.F)));
    const float range = max_of(max(high[0], high[1])) - bottom, total = sum_of(add(sum[0], sum[1]));
    const bool constant = range < 1e-35F;
    const vec first = set1(bottom), inverse = set1(constant ? 0.F : static_cast<float>(input_max) / range);
    for (std::ptrdiff_t i = 0; i < whole; i += lanes) store_bytes(bytes + i, round(mul(sub(load(x + i), first), inverse)));
    if (count != whole) store_bytes(bytes + whole, round(mul(sub(load_part_or(x + whole, count - whole, first), first), inverse)));
    // Bytes are read four at a time. Those beyond the end are multiplied by zero, but must be initialised.
    if constexpr (lanes % 4 != 0)
        for (std::ptrdiff_t i = count; i % 4 != 0; ++i) bytes[i] = 0;
    return {constant ? 0.F : range / static_cast<float>(input_max), is_finite(total) ? bottom : total};
}

inline void quantize(matrix<const float> in, quantized_rows& to) noexcept {
    for (std::ptrdiff_t r = 0; r < in.rows; ++r) {
        const row_terms terms = quantize_row(in.row(r), in.cols, to.bytes + r * kc);
        to.scale[r] = terms.scale;
        to.offset[r] = terms.offset;
    }
}

/// A row that was quantised in place is a sequence of depth blocks: bytes, a multiple of 4, and row_terms.
inline constexpr auto terms_bytes = static_cast<std::ptrdiff_t>(sizeof(row_terms));
inline std::ptrdiff_t bytes_before(std::ptrdiff_t k) noexcept { return k / kc * (kc + terms_bytes); }

inline void quantize_in_place(matrix<float> x) noexcept {
    for (std::ptrdiff_t r = 0; r < x.rows; ++r) {
        unsigned char* const row = reinterpret_cast<unsigned char*>(x.row(r));
        for (std::ptrdiff_t k = 0; k < x.cols; k += kc) {
            const std::ptrdiff_t depth = x.cols - k < kc ? x.cols - k : kc;
            const row_terms terms = quantize_row(x.row(r) + k, depth, row + bytes_before(k));
            __builtin_memcpy(row + bytes_before(k) + (depth + 3) / 4 * 4, &terms, sizeof terms);
        }
    }
}

/// Copies the depth block that begins at k from rows that were quantised in place.
inline void copy_quantized(matrix<const float> in, std::ptrdiff_t k, std::ptrdiff_t depth, quantized_rows& to) noexcept {
    const std::ptrdiff_t count = (depth + 3) / 4 * 4;
    for (std::ptrdiff_t r = 0; r < in.rows; ++r) {
        const unsigned char* const block = reinterpret_cast<const unsigned char*>(in.row(r)) + bytes_before(k);
        row_terms terms;
        __builtin_memcpy(&terms, block + count, sizeof terms);
        __builtin_memcpy(to.bytes + r * kc, block, static_cast<std::size_t>(count));
        to.scale[r] = terms.scale;
        to.offset[r] = terms.offset;
    }
}

/// Arguments of a register tile.
struct tile_args {
    const unsigned char* bytes;  // (rows, kc)
    const float *scale, *offset;
    weight_block w;
    std::ptrdiff_t steps;  // of four bytes of depth
    const float* bias;     // `width` floats, or null
    float* out;            // (rows, width)
    std::ptrdiff_t out_stride, width;
    const std::byte* prefetch;  // weights needed after this block: each tile prefetches `prefetch_lines` cache lines of them
    std::ptrdiff_t prefetch_lines;
    bool accumulate;  // adds to `out` instead of overwriting it
};

/// sum[r] += in[r] * w over four bytes of depth.
template <int Rows>
CVT_SIMD void multiply_step(ints (&sum)[static_cast<std::size_t>(Rows)][static_cast<std::size_t>(nr_vectors)], const unsigned char* in,
                            const std::byte* w) {
    ints step[static_cast<std::size_t>(nr_vectors)];
    CVT_UNROLL for (int v = 0; v < nr_vectors; ++v) step[v] = load4(w + v * 4 * lanes);
    CVT_UNROLL for (int r = 0; r < Rows; ++r) {
        int bytes = 0;
        __builtin_memcpy(&bytes, in + r * kc, sizeof bytes);
        const ints x = broadcast4(bytes);
        CVT_UNROLL for (int v = 0; v < nr_vectors; ++v) accumulate4(sum[r][v], x, step[v]);
    }
}

/// Converts the sums to float and stores them: all columns of the panel, or its first a.width.
template <int Rows, bool Whole>
CVT_SIMD void store_tile(const tile_args& a, ints (&sum)[static_cast<std::size_t>(Rows)][static_cast<std::size_t>(nr_vectors)]) {
    const float *const row_scale = a.scale, *const row_offset = a.offset;
    const std::ptrdiff_t stride = a.out_stride;
    CVT_UNROLL for (int v = 0; v < nr_vectors; ++v) {
        const std::ptrdiff_t c = v * lanes, left = Whole ? lanes : a.width - c;
        const vec scale = load(a.w.scale + c), offset = mul(scale, load(a.w.sum + c));
        const vec bias = a.bias == nullptr ? set1(0.F) : Whole ? load(a.bias + c) : load_part(a.bias + c, left);
        float* const out = a.out + c;
        vec y[static_cast<std::size_t>(Rows)];
        CVT_UNROLL for (int r = 0; r < Rows; ++r) {
            y[r] = mul(to_float(sum[r][v]), mul(set1(row_scale[r]), scale));
            y[r] = add(y[r], mul(set1(row_offset[r]), offset));
            y[r] = add(y[r], bias);
        }
        if (a.accumulate) {
            CVT_UNROLL for (int r = 0; r < Rows; ++r) y[r] = add(y[r], Whole ? load(out + r * stride) : load_part(out + r * stride, left));
        }
        CVT_UNROLL for (int r = 0; r < Rows; ++r) Whole ? store(out + r * stride, y[r]) : store_part(out + r * stride, left, y[r]);
    }
}

/// Computes Rows rows of the panel.
template <int Rows>
__attribute__((noinline)) inline void register_tile(const tile_args& a) noexcept {
    ints sum[static_cast<std::size_t>(Rows)][static_cast<std::size_t>(nr_vectors)];
    CVT_UNROLL for (int v = 0; v < nr_vectors; ++v) {
        // What a set subtracts from every byte of the input, times the sum of the weights; exact in float32.
        const ints start = round(input_shift == 0 ? set1(0.F) : mul(load(a.w.sum + v * lanes), set1(static_cast<float>(input_shift))));
        CVT_UNROLL for (int r = 0; r < Rows; ++r) sum[r][v] = start;
    }
    if (a.accumulate) {  // its rows may be outside the caches
        CVT_UNROLL for (int r = 0; r < Rows; ++r) {
            CVT_UNROLL for (int v = 0; v < nr_vectors; ++v) __builtin_prefetch(a.out + r * a.out_stride + v * lanes, 1, 3);
        }
    }
    const unsigned char* in = a.bytes;
    const std::byte *w = a.w.bytes, *prefetch = a.prefetch, *const end = w + a.steps * 4 * nr;
    for (const std::byte* const fetched = w + a.prefetch_lines * 4 * nr; w != fetched; in += 4, w += 4 * nr, prefetch += line) {
        __builtin_prefetch(prefetch, 0, 2);
        multiply_step<Rows>(sum, in, w);
    }
    for (; w != end; in += 4, w += 4 * nr) multiply_step<Rows>(sum, in, w);
    if (a.width >= nr)
        store_tile<Rows, true>(a, sum);
    else
        store_tile<Rows, false>(a, sum);
}

inline void tiles_of_panel(tile_args a, std::ptrdiff_t rows) noexcept {
    for (; rows >= mr; rows -= mr) {
        register_tile<mr>(a);
        a.bytes += mr * kc;
        a.scale += mr;
        a.offset += mr;
        a.out += mr * a.out_stride;
        a.prefetch += a.prefetch_lines * line;
    }
    switch (rows) {
        case 1: return register_tile<1>(a);
        case 2: return register_tile<2>(a);
        case 3: return register_tile<3>(a);
        case 4: return register_tile<4>(a);
        case 5: return register_tile<5>(a);
        default: return;
    }
}

/// Applies the activation to stored results. The results are quantised afterwards, so the error of reciprocal() does not matter.
inline void activate(matrix<float> out, epilogue kind) noexcept {
    for (std::ptrdiff_t r = 0; r < out.rows; ++r) {
        float* const y = out.row(r);
        for (std::ptrdiff_t c = 0; c < out.cols; c += lanes) {
            vec x = load_part(y + c, out.cols - c);
            if (kind == epilogue::quick_gelu) {
                const vec divisor = quick_gelu_divisor(x);
                x = mul(x, reciprocal(divisor));
            } else {
                x = erf_gelu(x);
            }
            store_part(y + c, out.cols - c, x);
        }
    }
}

/// Multiplies each stored row by its factor.
inline void scale_rows(matrix<float> out, const float* factors) noexcept {
    for (std::ptrdiff_t r = 0; r < out.rows; ++r) {
        float* const y = out.row(r);
        const vec factor = set1(factors[r]);
        for (std::ptrdiff_t c = 0; c < out.cols; c += lanes) store_part(y + c, out.cols - c, mul(load_part(y + c, out.cols - c), factor));
    }
}

/// Multiplies at most mc rows, one depth block after the other, with every panel. Meanwhile the tiles prefetch the next panel.
inline void multiply_rows(const gemm_args& a, quantized_rows& q) noexcept {
    const std::ptrdiff_t rows = a.in.rows, tiles = (rows + mr - 1) / mr;
    for (std::ptrdiff_t k = 0; k < a.w.k; k += kc) {
        const bool first = k == 0, last = k + kc >= a.w.k;
        const std::ptrdiff_t depth = last ? a.w.k - k : kc, steps = (depth + 3) / 4;
        const std::ptrdiff_t lines_per_tile = (block_bytes(depth) / line + tiles - 1) / tiles,
                             lines = lines_per_tile < steps ? lines_per_tile : steps;
        if (a.quantized)
            copy_quantized(a.in, k, depth, q);
        else
            quantize(a.in.cols_at(k, depth), q);
        const std::byte *const base = a.w.data + depth_offset(k), *const after = last ? a.prefetch : base + block_bytes(depth);
        for (std::ptrdiff_t column = 0; column < a.w.n; column += nr) {
            const std::byte* const weights = base + column_offset(column, a.w.packed_k);
            const std::byte* const prefetch = column + nr < a.w.n ? base + column_offset(column + nr, a.w.packed_k) : after;
            tiles_of_panel({.bytes = q.bytes,
                            .scale = q.scale,
                            .offset = q.offset,
                            .w = block_at(weights, depth),
                            .steps = steps,
                            .bias = first && a.bias != nullptr ? a.bias + column : nullptr,
                            .out = a.out.data + column,
                            .out_stride = a.out.stride,
                            .width = a.w.n - column < nr ? a.w.n - column : nr,
                            .prefetch = prefetch,
                            .prefetch_lines = prefetch == nullptr ? 0 : lines,
                            .accumulate = !first || a.epilogue == epilogue::add},
                           rows);
        }
    }
    if (a.epilogue == epilogue::quick_gelu || a.epilogue == epilogue::erf_gelu) activate(a.out, a.epilogue);
    if (a.row_scale != nullptr) scale_rows(a.out, a.row_scale);
}

inline void multiply(const gemm_args& a) noexcept {
    quantized_rows q;
    gemm_args part = a;
    for (std::ptrdiff_t r = 0; r < a.in.rows; r += mc) {
        const bool last = r + mc >= a.in.rows;
        const std::ptrdiff_t rows = last ? a.in.rows - r : mc;
        part.in = a.in.rows_at(r, rows);
        part.out = a.out.rows_at(r, rows);
        part.row_scale = a.row_scale == nullptr ? nullptr : a.row_scale + r;
        part.prefetch = last ? a.prefetch : a.w.data;
        multiply_rows(part, q);
    }
}

inline constexpr gemm_kernels gemm{.mr = mr,
                                   .nr = nr,
                                   .split_rows = 1,
                                   .task_rows = task_rows,
                                   .packed_bytes = packed_bytes,
                                   .pack = pack,
                                   .multiply = multiply,
                                   .column_offset = column_offset,
                                   .depth_offset = depth_offset,
                                   .quantize = quantize_in_place};

}  // namespace s8
