// The AVX2 + FMA kernel set (x86-64): compiled in every unit, whatever its flags; runs on CPUs that have both.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__)
#define CVT_HAS_AVX2_KERNELS 1

#include <immintrin.h>

#include "../kernel_set.hpp"
#include "../targets.hpp"

CVT_NAMESPACE_BEGIN
namespace kernels::avx2 {

inline constexpr char name[] = "avx2";
inline bool supported() noexcept {  // libgcc also checks that the system saves the registers
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

}  // namespace kernels::avx2
CVT_NAMESPACE_END

CVT_TARGET_BEGIN("avx2,fma")
CVT_NAMESPACE_BEGIN
namespace kernels::avx2 {

using vec = __m256;
using ints = __m256i;
using mask = __m256;
inline constexpr std::ptrdiff_t lanes = 8;
inline constexpr int nr_vectors = 2;  // of 16 registers 12 are sums, 2 weights, 1 an input
inline constexpr int mr = 6, unroll = 4;
inline constexpr std::ptrdiff_t mc = 72;  // with gemm_f32.inl's kc 144 KiB of inputs

CVT_SIMD vec set1(float v) { return _mm256_set1_ps(v); }
CVT_SIMD vec load(const float* p) { return _mm256_loadu_ps(p); }
CVT_SIMD void store(float* p, vec v) { _mm256_storeu_ps(p, v); }
CVT_SIMD vec add(vec a, vec b) { return _mm256_add_ps(a, b); }
CVT_SIMD vec sub(vec a, vec b) { return _mm256_sub_ps(a, b); }
CVT_SIMD vec mul(vec a, vec b) { return _mm256_mul_ps(a, b); }
CVT_SIMD vec div(vec a, vec b) { return _mm256_div_ps(a, b); }
CVT_SIMD vec reciprocal(vec a) { return div(set1(1.F), a); }
CVT_SIMD vec fma(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }
CVT_SIMD vec sqrt(vec a) { return _mm256_sqrt_ps(a); }
CVT_SIMD vec abs(vec a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.F), a); }
CVT_SIMD mask less(vec a, vec b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
CVT_SIMD vec select(mask m, vec yes, vec no) { return _mm256_blendv_ps(no, yes, m); }
CVT_SIMD ints round(vec a) { return _mm256_cvtps_epi32(a); }
CVT_SIMD vec to_float(ints a) { return _mm256_cvtepi32_ps(a); }
CVT_SIMD vec times_power_of_two(vec a, ints n) {  // a and the result normal numbers
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(a), _mm256_slli_epi32(n, 23)));
}

/// Mask of the first `count` lanes: none if it is negative, all if it exceeds `lanes`.
CVT_SIMD ints first_lanes(std::ptrdiff_t count) {
    const int n = count > lanes ? static_cast<int>(lanes) : static_cast<int>(count);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
CVT_SIMD vec load_part(const float* p, std::ptrdiff_t count) {
    return count >= lanes ? load(p) : _mm256_maskload_ps(p, first_lanes(count));
}
CVT_SIMD vec load_part_or(const float* p, std::ptrdiff_t count, vec other) {
    const ints m = first_lanes(count);
    return _mm256_blendv_ps(other, _mm256_maskload_ps(p, m), _mm256_castsi256_ps(m));
}
CVT_SIMD void store_part(float* p, std::ptrdiff_t count, vec v) {
    if (count >= lanes)
        store(p, v);
    else
        _mm256_maskstore_ps(p, first_lanes(count), v);
}

/// Sums of pairs have 16 bits; 127 * 127 + 127 * 127 fits.
inline constexpr int input_max = 127;
inline constexpr int input_shift = 0;
CVT_SIMD ints broadcast4(int bytes) { return _mm256_set1_epi32(bytes); }
CVT_SIMD ints load4(const std::byte* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
CVT_SIMD void accumulate4(ints& sum, ints a, ints b) {
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), _mm256_set1_epi16(1)));
}
CVT_SIMD void store_bytes(unsigned char* p, ints a) {
    const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packus_epi16(words, words));
}

#include "../simd/x86.inl"

#include "../simd/kernels.inl"

}  // namespace kernels::avx2
CVT_NAMESPACE_END

CVT_TARGET_END

#endif
