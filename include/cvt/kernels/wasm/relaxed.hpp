// The wasm-relaxed kernel set (WebAssembly with relaxed vectors): fused multiply-adds and 8-bit dot products where the CPU has them.
//
// The only one of units that are compiled with -mrelaxed-simd. Engines choose how to compute a relaxed instruction, so the last bits of
// results may differ from one engine or CPU to another.
#pragma once

#if defined(__wasm_relaxed_simd__) && defined(__clang__)
#define CVT_HAS_WASM_RELAXED_KERNELS 1

#include <wasm_simd128.h>

#include "../kernel_set.hpp"
#include "../targets.hpp"

CVT_NAMESPACE_BEGIN
namespace kernels::wasm_relaxed {

inline constexpr char name[] = "wasm-relaxed";
inline bool supported() noexcept { return true; }  // an engine without relaxed vectors refuses the whole module

// Without products to hold, 12 sums, 2 weights and 1 input fit into the 15 registers of V8.
inline constexpr int nr_vectors = 2, mr = 6, unroll = 1;
#include "../simd/wasm.inl"

CVT_SIMD vec fma(vec a, vec b, vec c) { return wasm_f32x4_relaxed_madd(a, b, c); }
CVT_SIMD void accumulate(vec& sum, vec a, vec b) { sum = fma(a, b, sum); }  // compilers do not reorder it
CVT_SIMD vec select(mask m, vec yes, vec no) { return wasm_i32x4_relaxed_laneselect(yes, no, m); }
/// NaN becomes 0 or -2^31, which times_power_of_two shifts out.
CVT_SIMD ints round(vec a) { return wasm_i32x4_relaxed_trunc_f32x4(wasm_f32x4_nearest(a)); }

/// Relaxed dot products are exact only if the bytes of one operand have seven bits.
inline constexpr int input_max = 127;
CVT_SIMD void accumulate4(ints& sum, ints a, ints b) { sum = wasm_i32x4_relaxed_dot_i8x16_i7x16_add(b, a, sum); }

#include "../simd/kernels.inl"

}  // namespace kernels::wasm_relaxed
CVT_NAMESPACE_END

#endif
