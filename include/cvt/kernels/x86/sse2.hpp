// The SSE2 kernel set (every x86-64): the fallback of units that must not instantiate Eigen.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__)
#define CVT_HAS_SSE2_KERNELS 1

#include <emmintrin.h>

#include "../kernel_set.hpp"
#include "../targets.hpp"

CVT_NAMESPACE_BEGIN
namespace kernels::sse2 {

inline constexpr char name[] = "sse2";
inline bool supported() noexcept { return true; }  // every x86-64 CPU has it

using vec = __m128;
using ints = __m128i;
using mask = __m128;
inline constexpr std::ptrdiff_t lanes = 4;
inline constexpr int nr_vectors = 2;  // of 16 registers 12 are sums, 2 weights, 1 an input
inline constexpr int mr = 6, unroll = 4;
inline constexpr std::ptrdiff_t mc = 72;  // with gemm_f32.inl's kc 144 KiB of inputs

CVT_SIMD vec set1(float v) { return _mm_set1_ps(v); }
CVT_SIMD vec load(const float* p) { return _mm_loadu_ps(p); }
CVT_SIMD void store(float* p, vec v) { _mm_storeu_ps(p, v); }
CVT_SIMD vec add(vec a, vec b) { return _mm_add_ps(a, b); }
CVT_SIMD vec sub(vec a, vec b) { return _mm_sub_ps(a, b); }
CVT_SIMD vec mul(vec a, vec b) { return _mm_mul_ps(a, b); }
CVT_SIMD vec div(vec a, vec b) { return _mm_div_ps(a, b); }
CVT_SIMD vec fma(vec a, vec b, vec c) { return _mm_add_ps(_mm_mul_ps(a, b), c); }
// sum += a * b. By inline assembly, so that sums stay in their registers, and in order also under -ffast-math.
CVT_SIMD void accumulate(vec& sum, vec a, vec b) {
    sum = fma(a, b, sum);
    __asm__("" : "+x"(sum));
}
CVT_SIMD vec sqrt(vec a) { return _mm_sqrt_ps(a); }
// b if either is NaN. By inline assembly, because under -ffast-math a compiler may swap the operands of the intrinsic.
CVT_SIMD vec max(vec a, vec b) {
    __asm__("maxps {%1, %0|%0, %1}" : "+x"(a) : "x"(b));
    return a;
}
CVT_SIMD vec min(vec a, vec b) {
    __asm__("minps {%1, %0|%0, %1}" : "+x"(a) : "x"(b));
    return a;
}
CVT_SIMD vec abs(vec a) { return _mm_andnot_ps(_mm_set1_ps(-0.F), a); }
CVT_SIMD mask less(vec a, vec b) { return _mm_cmplt_ps(a, b); }
CVT_SIMD vec select(mask m, vec yes, vec no) { return _mm_or_ps(_mm_and_ps(m, yes), _mm_andnot_ps(m, no)); }
CVT_SIMD ints round(vec a) { return _mm_cvtps_epi32(a); }
CVT_SIMD vec to_float(ints a) { return _mm_cvtepi32_ps(a); }
CVT_SIMD vec times_power_of_two(vec a, ints n) {  // a and the result normal numbers
    return _mm_castsi128_ps(_mm_add_epi32(_mm_castps_si128(a), _mm_slli_epi32(n, 23)));
}

/// Bytes are widened to 16 bits, the narrowest that SSE2 multiplies.
inline constexpr int input_max = 255;
inline constexpr int input_shift = 0;
CVT_SIMD ints broadcast4(int bytes) { return _mm_set1_epi32(bytes); }
CVT_SIMD ints load4(const std::byte* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
CVT_SIMD void accumulate4(ints& sum, ints a, ints b) {
    const ints words = _mm_unpacklo_epi8(a, _mm_setzero_si128());
    const ints low = _mm_madd_epi16(words, _mm_srai_epi16(_mm_unpacklo_epi8(b, b), 8));   // lanes 0 and 1, a sum for each pair
    const ints high = _mm_madd_epi16(words, _mm_srai_epi16(_mm_unpackhi_epi8(b, b), 8));  // lanes 2 and 3
    const vec even = _mm_shuffle_ps(_mm_castsi128_ps(low), _mm_castsi128_ps(high), 0x88);
    const vec odd = _mm_shuffle_ps(_mm_castsi128_ps(low), _mm_castsi128_ps(high), 0xDD);
    sum = _mm_add_epi32(sum, _mm_add_epi32(_mm_castps_si128(even), _mm_castps_si128(odd)));
}
CVT_SIMD void store_bytes(unsigned char* p, ints a) {
    const ints words = _mm_packs_epi32(a, a);
    const int bytes = _mm_cvtsi128_si32(_mm_packus_epi16(words, words));
    __builtin_memcpy(p, &bytes, sizeof bytes);
}

#include "../simd/emulated.inl"
CVT_SIMD float sum_of(vec v) {
    v = _mm_add_ps(v, _mm_movehl_ps(v, v));
    return _mm_cvtss_f32(_mm_add_ss(v, _mm_shuffle_ps(v, v, 1)));
}
CVT_SIMD float max_of(vec v) {
    v = _mm_max_ps(v, _mm_movehl_ps(v, v));
    return _mm_cvtss_f32(_mm_max_ss(v, _mm_shuffle_ps(v, v, 1)));
}

#include "../simd/kernels.inl"

}  // namespace kernels::sse2
CVT_NAMESPACE_END

#endif
