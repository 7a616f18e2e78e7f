// LayerNorm of rows. Included by kernels.inl.

/// Four partial sums run side by side, so that no addition waits for the previous one.
inline void layer_norm(matrix<const float> tokens, affine w, matrix<float> normed) noexcept {
    constexpr std::ptrdiff_t chains = 4;
    const std::ptrdiff_t dim = tokens.cols, whole = dim - dim % lanes, fours = dim - dim % (chains * lanes), rest = dim - whole;
    const float inverse_dim = 1.F / static_cast<float>(dim);
    const float* in = tokens.data;
    float* out = normed.data;
    for (std::ptrdiff_t r = 0; r < tokens.rows; ++r, in += tokens.stride, out += normed.stride) {
        vec sum[chains];
        sum[0] = rest == 0 ? set1(0.F) : load_part(in + whole, rest);
        CVT_UNROLL for (int j = 1; j < chains; ++j) sum[j] = set1(0.F);
        for (std::ptrdiff_t i = 0; i < fours; i += chains * lanes)
            CVT_UNROLL for (int j = 0; j < chains; ++j) sum[j] = add(sum[j], load(in + i + j * lanes));
        for (std::ptrdiff_t i = fours; i < whole; i += lanes) sum[0] = add(sum[0], load(in + i));
        const vec mean = set1(sum_of(add(add(sum[0], sum[1]), add(sum[2], sum[3]))) * inverse_dim);

        CVT_UNROLL for (int j = 0; j < chains; ++j) sum[j] = set1(0.F);
        if (rest != 0) {
            const vec d = sub(load_part_or(in + whole, rest, mean), mean);
            sum[0] = mul(d, d);
        }
        for (std::ptrdiff_t i = 0; i < fours; i += chains * lanes) {
            CVT_UNROLL for (int j = 0; j < chains; ++j) {
                const vec d = sub(load(in + i + j * lanes), mean);
                sum[j] = fma(d, d, sum[j]);
            }
        }
        for (std::ptrdiff_t i = fours; i < whole; i += lanes) {
            const vec d = sub(load(in + i), mean);
            sum[0] = fma(d, d, sum[0]);
        }
        const float squares = sum_of(add(add(sum[0], sum[1]), add(sum[2], sum[3])));
        const vec scale = div(set1(1.F), sqrt(set1(squares * inverse_dim + 1e-5F)));
        for (std::ptrdiff_t i = 0; i < whole; i += lanes) {
            vec y = mul(sub(load(in + i), mean), scale);
            if (w.gain != nullptr) y = fma(y, load(w.gain + i), load(w.bias + i));
            store(out + i, y);
        }
        if (rest != 0) {
            vec y = mul(sub(load_part(in + whole, rest), mean), scale);
            if (w.gain != nullptr) y = fma(y, load_part(w.gain + whole, rest), load_part(w.bias + whole, rest));
            store_part(out + whole, rest, y);
        }
    }
}
