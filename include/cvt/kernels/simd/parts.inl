// A vector of which only the first `count` lanes are in memory, for instruction sets without masked loads and stores.
// Included by their headers, beside load and store.

CVT_SIMD vec load_part_or(const float* p, std::ptrdiff_t count, vec other) {
    if (count >= lanes) return load(p);
    float v[lanes];
    store(v, other);
    for (std::ptrdiff_t i = 0; i < count; ++i) v[i] = p[i];
    return load(v);
}
CVT_SIMD vec load_part(const float* p, std::ptrdiff_t count) { return load_part_or(p, count, set1(0.F)); }
CVT_SIMD void store_part(float* p, std::ptrdiff_t count, vec a) {
    if (count >= lanes) return store(p, a);
    float v[lanes];
    store(v, a);
    for (std::ptrdiff_t i = 0; i < count; ++i) p[i] = v[i];
}
