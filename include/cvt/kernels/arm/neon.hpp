// The NEON kernel set (64-bit ARM), which every such CPU can run: also the fallback on this architecture.
#pragma once

#if defined(__aarch64__) && defined(__ARM_NEON) && defined(__GNUC__)
#define CVT_HAS_NEON_KERNELS 1

#include <arm_neon.h>

#include "../kernel_set.hpp"
#include "../targets.hpp"

CVT_NAMESPACE_BEGIN
namespace kernels::neon {

inline constexpr char name[] = "neon";
inline bool supported() noexcept { return true; }  // every 64-bit ARM CPU has it

using vec = float32x4_t;
using ints = int32x4_t;
using mask = uint32x4_t;
inline constexpr std::ptrdiff_t lanes = 4;
inline constexpr int nr_vectors = 2;  // of 32 registers 12 are sums, 2 weights, 1 an input
inline constexpr int mr = 6, unroll = 4;
inline constexpr std::ptrdiff_t mc = 72;  // with gemm_f32.inl's kc 144 KiB of inputs

CVT_SIMD vec set1(float v) { return vdupq_n_f32(v); }
CVT_SIMD vec load(const float* p) { return vld1q_f32(p); }
CVT_SIMD void store(float* p, vec v) { vst1q_f32(p, v); }
CVT_SIMD vec add(vec a, vec b) { return vaddq_f32(a, b); }
CVT_SIMD vec sub(vec a, vec b) { return vsubq_f32(a, b); }
CVT_SIMD vec mul(vec a, vec b) { return vmulq_f32(a, b); }
CVT_SIMD vec div(vec a, vec b) { return vdivq_f32(a, b); }
CVT_SIMD vec fma(vec a, vec b, vec c) { return vfmaq_f32(c, a, b); }
// sum += a * b. By inline assembly, so that sums stay in their registers, and in order also under -ffast-math.
CVT_SIMD void accumulate(vec& sum, vec a, vec b) {
    sum = fma(a, b, sum);
    __asm__("" : "+w"(sum));
}
CVT_SIMD vec sqrt(vec a) { return vsqrtq_f32(a); }
CVT_SIMD vec select(mask m, vec yes, vec no) { return vbslq_f32(m, yes, no); }
// b if either is NaN, which FMAX and FMAXNM do not return. The comparison is inline assembly, because under -ffast-math a
// compiler may turn the intrinsics into one of those.
CVT_SIMD mask greater(vec a, vec b) {
    mask m;
    __asm__("fcmgt %0.4s, %1.4s, %2.4s" : "=w"(m) : "w"(a), "w"(b));
    return m;
}
CVT_SIMD vec max(vec a, vec b) { return select(greater(a, b), a, b); }
CVT_SIMD vec min(vec a, vec b) { return select(greater(b, a), a, b); }
CVT_SIMD vec abs(vec a) { return vabsq_f32(a); }
CVT_SIMD mask less(vec a, vec b) { return greater(b, a); }
CVT_SIMD ints round(vec a) { return vcvtnq_s32_f32(a); }
CVT_SIMD vec to_float(ints a) { return vcvtq_f32_s32(a); }
CVT_SIMD vec times_power_of_two(vec a, ints n) {  // a and the result normal numbers
    return vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(a), vshlq_n_s32(n, 23)));
}

/// Bytes are widened: instructions that multiply unsigned by signed bytes are an extension (i8mm).
inline constexpr int input_max = 255;
inline constexpr int input_shift = 0;
CVT_SIMD ints broadcast4(int bytes) { return vdupq_n_s32(bytes); }
CVT_SIMD ints load4(const std::byte* p) { return vreinterpretq_s32_s8(vld1q_s8(reinterpret_cast<const signed char*>(p))); }
CVT_SIMD void accumulate4(ints& sum, ints a, ints b) {
    const int16x8_t words = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(vreinterpretq_u8_s32(a))));  // the four bytes, twice
    const int8x16_t bytes = vreinterpretq_s8_s32(b);
    const int16x8_t low = vmovl_s8(vget_low_s8(bytes)), high = vmovl_high_s8(bytes);
    const ints first = vpaddq_s32(vmull_s16(vget_low_s16(words), vget_low_s16(low)), vmull_high_s16(words, low));
    const ints second = vpaddq_s32(vmull_s16(vget_low_s16(words), vget_low_s16(high)), vmull_high_s16(words, high));
    sum = vaddq_s32(sum, vpaddq_s32(first, second));
}
CVT_SIMD void store_bytes(unsigned char* p, ints a) {
    const uint8x8_t bytes = vqmovn_u16(vcombine_u16(vqmovun_s32(a), vqmovun_s32(a)));
    __builtin_memcpy(p, &bytes, 4);
}

#include "../simd/emulated.inl"
CVT_SIMD float sum_of(vec v) { return vaddvq_f32(v); }
CVT_SIMD float max_of(vec v) { return vmaxvq_f32(v); }

#include "../simd/kernels.inl"

}  // namespace kernels::neon
CVT_NAMESPACE_END

#endif
