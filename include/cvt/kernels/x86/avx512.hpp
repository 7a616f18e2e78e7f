// The AVX-512 kernel set (x86-64): compiled in every unit, whatever its flags; runs on CPUs that have F, BW, DQ and VL.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__)
#define CVT_HAS_AVX512_KERNELS 1

#include <immintrin.h>

#include "../kernel_set.hpp"
#include "../targets.hpp"

CVT_NAMESPACE_BEGIN
namespace kernels::avx512 {

inline constexpr char name[] = "avx512";
inline bool supported() noexcept {  // libgcc also checks that the system saves the registers
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

}  // namespace kernels::avx512
CVT_NAMESPACE_END

CVT_TARGET_BEGIN("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")
CVT_NAMESPACE_BEGIN
namespace kernels::avx512 {

using vec = __m512;
using ints = __m512i;
using mask = __mmask16;
inline constexpr std::ptrdiff_t lanes = 16;
inline constexpr int nr_vectors = 4;  // of 32 registers 24 are sums, 4 weights, 1 an input
inline constexpr int mr = 6, unroll = 4;
inline constexpr std::ptrdiff_t mc = 102;  // with gemm_f32.inl's kc 204 KiB of inputs
// Some intrinsics without a mask start from an uninitialised value, about which g++ 12 warns in every host. They are used with the mask
// of all lanes instead, which compilers drop.
inline constexpr mask all_lanes = 0xFFFF;

CVT_SIMD vec set1(float v) { return _mm512_set1_ps(v); }
CVT_SIMD vec load(const float* p) { return _mm512_loadu_ps(p); }
CVT_SIMD void store(float* p, vec v) { _mm512_storeu_ps(p, v); }
CVT_SIMD vec add(vec a, vec b) { return _mm512_add_ps(a, b); }
CVT_SIMD vec sub(vec a, vec b) { return _mm512_sub_ps(a, b); }
CVT_SIMD vec mul(vec a, vec b) { return _mm512_mul_ps(a, b); }
CVT_SIMD vec div(vec a, vec b) { return _mm512_div_ps(a, b); }
CVT_SIMD vec reciprocal(vec a) {  // a Newton step doubles the 14 bits; a division takes five times as long
    const vec r = _mm512_maskz_rcp14_ps(all_lanes, a);
    return _mm512_mul_ps(r, _mm512_fnmadd_ps(a, r, _mm512_set1_ps(2.F)));
}
CVT_SIMD vec fma(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }
CVT_SIMD vec sqrt(vec a) { return _mm512_maskz_sqrt_ps(all_lanes, a); }
CVT_SIMD vec abs(vec a) { return _mm512_abs_ps(a); }
CVT_SIMD mask less(vec a, vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
CVT_SIMD vec select(mask m, vec yes, vec no) { return _mm512_mask_blend_ps(m, no, yes); }
CVT_SIMD ints round(vec a) { return _mm512_maskz_cvtps_epi32(all_lanes, a); }
CVT_SIMD vec to_float(ints a) { return _mm512_maskz_cvtepi32_ps(all_lanes, a); }
CVT_SIMD vec times_power_of_two(vec a, ints n) {  // a and the result normal numbers
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(a), _mm512_maskz_slli_epi32(all_lanes, n, 23)));
}

/// Mask of the first `count` lanes: none if it is negative, all if it exceeds `lanes`.
CVT_SIMD mask first_lanes(std::ptrdiff_t count) { return static_cast<mask>(count >= lanes ? 0xFFFF : count <= 0 ? 0 : (1 << count) - 1); }
CVT_SIMD vec load_part(const float* p, std::ptrdiff_t count) { return _mm512_maskz_loadu_ps(first_lanes(count), p); }
CVT_SIMD vec load_part_or(const float* p, std::ptrdiff_t count, vec other) { return _mm512_mask_loadu_ps(other, first_lanes(count), p); }
CVT_SIMD void store_part(float* p, std::ptrdiff_t count, vec v) { _mm512_mask_storeu_ps(p, first_lanes(count), v); }

/// Sums of pairs have 16 bits; 127 * 127 + 127 * 127 fits.
inline constexpr int input_max = 127;
inline constexpr int input_shift = 0;
CVT_SIMD ints broadcast4(int bytes) { return _mm512_set1_epi32(bytes); }
CVT_SIMD ints load4(const std::byte* p) { return _mm512_loadu_si512(p); }
CVT_SIMD void accumulate4(ints& sum, ints a, ints b) {
    sum = _mm512_add_epi32(sum, _mm512_madd_epi16(_mm512_maddubs_epi16(a, b), _mm512_set1_epi16(1)));
}
CVT_SIMD void store_bytes(unsigned char* p, ints a) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_maskz_cvtusepi32_epi8(all_lanes, a));
}

#include "../simd/x86.inl"
template <int Half>
CVT_SIMD __m256 half(vec v) {
    return _mm512_maskz_extractf32x8_ps(0xFF, v, Half);
}
CVT_SIMD float sum_of(vec v) { return sum_of(_mm256_add_ps(half<0>(v), half<1>(v))); }
CVT_SIMD float max_of(vec v) { return max_of(_mm256_max_ps(half<0>(v), half<1>(v))); }

#include "../simd/kernels.inl"

}  // namespace kernels::avx512
CVT_NAMESPACE_END

CVT_TARGET_END

#endif
