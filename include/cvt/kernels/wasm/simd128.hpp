// The wasm-simd128 kernel set (WebAssembly with 128-bit vectors): the only one of units that are compiled with -msimd128.
#pragma once

#if defined(__wasm_simd128__) && !defined(__wasm_relaxed_simd__) && defined(__clang__)
#define CVT_HAS_WASM_SIMD128_KERNELS 1

#include <wasm_simd128.h>

#include "../kernel_set.hpp"
#include "../targets.hpp"

CVT_NAMESPACE_BEGIN
namespace kernels::wasm_simd128 {

inline constexpr char name[] = "wasm-simd128";
inline bool supported() noexcept { return true; }  // an engine without vectors refuses the whole module

// V8 moves all loads of an iteration to its beginning. With 15 registers, 8 sums and one step of depth are what it does not spill.
inline constexpr int nr_vectors = 2, mr = 4, unroll = 1;
#include "../simd/wasm.inl"

CVT_SIMD vec fma(vec a, vec b, vec c) {
#pragma clang fp reassociate(off) contract(off)  // in order also under -ffast-math
    using numbers = float __attribute__((vector_size(16)));
    return static_cast<vec>(static_cast<numbers>(a) * static_cast<numbers>(b) + static_cast<numbers>(c));
}
CVT_SIMD void accumulate(vec& sum, vec a, vec b) { sum = fma(a, b, sum); }
CVT_SIMD vec select(mask m, vec yes, vec no) { return wasm_v128_bitselect(yes, no, m); }
/// By the bits of a + 1.5 * 2^23, because engines need some eight instructions for a saturating conversion. NaN becomes a multiple of
/// 2^9, which times_power_of_two shifts out.
CVT_SIMD ints round(vec a) { return wasm_i32x4_sub(add(max(a, set1(-4194304.F)), set1(12582912.F)), wasm_i32x4_splat(0x4B400000)); }

/// Bytes are widened to 16 bits, the narrowest that dot products take.
inline constexpr int input_max = 255;
CVT_SIMD void accumulate4(ints& sum, ints a, ints b) {
    const ints words = wasm_u16x8_extend_low_u8x16(a);                             // the four bytes, twice
    const ints low = wasm_i32x4_dot_i16x8(words, wasm_i16x8_extend_low_i8x16(b));  // lanes 0 and 1, a sum for each pair
    const ints high = wasm_i32x4_dot_i16x8(words, wasm_i16x8_extend_high_i8x16(b));
    const ints even = wasm_i32x4_shuffle(low, high, 0, 2, 4, 6), odd = wasm_i32x4_shuffle(low, high, 1, 3, 5, 7);
    sum = wasm_i32x4_add(sum, wasm_i32x4_add(even, odd));
}

#include "../simd/kernels.inl"

}  // namespace kernels::wasm_simd128
CVT_NAMESPACE_END

#endif
