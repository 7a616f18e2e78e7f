// Operations common to AVX2 and AVX-512: the instructions of the FMA tile, minimum and maximum, sums across eight lanes.
// Included by their headers, after vec and set1.

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CVT_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define CVT_SANITIZED 1
#endif
#endif

#if defined(__clang__)
#define CVT_MEMORY_AT(p) "m"(*p)
#else
#define CVT_MEMORY_AT(p) "m"(*reinterpret_cast<const float(*)[]>(p))
#endif

// sum += a * b. By inline assembly, because compilers put the result in the register of `a` and copy it back some steps later. Volatile
// to keep the order: g++ would move instructions of later steps forward and run out of registers.
CVT_SIMD void accumulate(vec& sum, vec a, vec b) { __asm__ volatile("vfmadd231ps {%2, %1, %0|%0, %1, %2}" : "+v"(sum) : "v"(a), "v"(b)); }
// Broadcasts p[Offset], moved by Times * bytes, to every lane. By inline assembly, because compilers compute such addresses before the
// loop, one for every row and step, and run out of registers. The last operand tells the compiler that the instruction reads memory: g++
// needs an array of unknown bound, which stands for any object there; clang takes any operand. Sanitizers cannot see the read.
template <int Times, int Offset>
CVT_SIMD vec broadcast(const float* p, std::ptrdiff_t bytes) {
#if defined(CVT_SANITIZED)
    return set1(*static_cast<const float*>(static_cast<const void*>(reinterpret_cast<const char*>(p + Offset) + Times * bytes)));
#else
    vec x;
    __asm__("vbroadcastss {%c4(%1,%2,%c3), %0|%0, dword ptr [%1+%2*%c3+%c4]}"
            : "=v"(x)
            : "r"(p), "r"(bytes), "i"(Times), "i"(Offset * 4), CVT_MEMORY_AT(p));
    return x;
#endif
}
// Keeps a sum in its register from one iteration of a loop to the next.
CVT_SIMD void keep_in_register(vec& sum) { __asm__("" : "+v"(sum)); }
// b if either is NaN. By inline assembly, because under -ffast-math a compiler may swap the operands of the intrinsic.
CVT_SIMD vec max(vec a, vec b) {
    vec c;
    __asm__("vmaxps {%2, %1, %0|%0, %1, %2}" : "=v"(c) : "v"(a), "v"(b));
    return c;
}
CVT_SIMD vec min(vec a, vec b) {
    vec c;
    __asm__("vminps {%2, %1, %0|%0, %1, %2}" : "=v"(c) : "v"(a), "v"(b));
    return c;
}
// Over eight lanes; a wider vector is halved first.
CVT_SIMD float sum_of(__m256 v) {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
CVT_SIMD float max_of(__m256 v) {
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}

#undef CVT_MEMORY_AT
#undef CVT_SANITIZED
