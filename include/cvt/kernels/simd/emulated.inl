// Partial loads and stores, indexed broadcasts and reciprocals, for instruction sets that lack them. Included by their headers, after
// set1, load, store and div.

/// Loads the first `count` lanes; the others are those of `other`.
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
/// Broadcasts p[Offset], moved by Times * bytes, to every lane.
template <int Times, int Offset>
CVT_SIMD vec broadcast(const float* p, std::ptrdiff_t bytes) {
    return set1(*static_cast<const float*>(static_cast<const void*>(reinterpret_cast<const char*>(p + Offset) + Times * bytes)));
}
CVT_SIMD vec reciprocal(vec a) { return div(set1(1.F), a); }
CVT_SIMD void keep_in_register(vec&) {}  // accumulate does it
