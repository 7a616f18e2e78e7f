// Softmax of rows, without the division. Included by kernels.inl.

/// x = e^(x - maximum of the row), inverse_sums = 1 / sum of the row.
inline void softmax(matrix<float> scores, float* inverse_sums) noexcept {
    const std::ptrdiff_t whole = scores.cols - scores.cols % lanes, rest = scores.cols - whole;
    float* x = scores.data;
    const vec lowest = set1(-3.402823466e38F);
    for (std::ptrdiff_t r = 0; r < scores.rows; ++r, x += scores.stride) {
        vec top = rest == 0 ? lowest : load_part_or(x + whole, rest, lowest);
        for (std::ptrdiff_t i = 0; i < whole; i += lanes) top = max(load(x + i), top);
        const vec highest = set1(max_of(top));
        vec sum = set1(0.F);
        for (std::ptrdiff_t i = 0; i < whole; i += lanes) {
            const vec e = exp(sub(load(x + i), highest));
            sum = add(sum, e);
            store(x + i, e);
        }
        if (rest != 0) {
            store_part(x + whole, rest, exp(sub(load_part_or(x + whole, rest, lowest), highest)));
            sum = add(sum, load_part(x + whole, rest));
        }
        inverse_sums[r] = 1.F / sum_of(sum);
    }
}
