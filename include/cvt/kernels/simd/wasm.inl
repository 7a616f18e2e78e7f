// The operations that both WebAssembly kernel sets spell alike. Included by their headers.

using vec = v128_t;
using ints = v128_t;
using mask = v128_t;
inline constexpr std::ptrdiff_t lanes = 4;
inline constexpr std::ptrdiff_t mc = 72;  // with gemm_f32.inl's kc 144 KiB of inputs

CVT_SIMD vec set1(float v) { return wasm_f32x4_splat(v); }
CVT_SIMD vec load(const float* p) { return wasm_v128_load(p); }
CVT_SIMD void store(float* p, vec v) { wasm_v128_store(p, v); }
CVT_SIMD vec add(vec a, vec b) { return wasm_f32x4_add(a, b); }
CVT_SIMD vec sub(vec a, vec b) { return wasm_f32x4_sub(a, b); }
CVT_SIMD vec mul(vec a, vec b) { return wasm_f32x4_mul(a, b); }
CVT_SIMD vec div(vec a, vec b) { return wasm_f32x4_div(a, b); }
CVT_SIMD vec sqrt(vec a) { return wasm_f32x4_sqrt(a); }
CVT_SIMD vec max(vec a, vec b) { return wasm_f32x4_pmax(b, a); }  // the first operand if either is NaN
CVT_SIMD vec min(vec a, vec b) { return wasm_f32x4_pmin(b, a); }
CVT_SIMD vec abs(vec a) { return wasm_f32x4_abs(a); }
CVT_SIMD mask less(vec a, vec b) { return wasm_f32x4_lt(a, b); }
CVT_SIMD vec to_float(ints a) { return wasm_f32x4_convert_i32x4(a); }
CVT_SIMD vec times_power_of_two(vec a, ints n) {  // a and the result normal numbers
    return wasm_i32x4_add(a, wasm_i32x4_shl(n, 23));
}

CVT_SIMD ints broadcast4(int bytes) { return wasm_i32x4_splat(bytes); }
CVT_SIMD ints load4(const std::byte* p) { return wasm_v128_load(p); }
inline constexpr int input_shift = 0;
CVT_SIMD void store_bytes(unsigned char* p, ints a) {
    const ints words = wasm_i16x8_narrow_i32x4(a, a);
    wasm_v128_store32_lane(p, wasm_u8x16_narrow_i16x8(words, words), 0);
}

#include "emulated.inl"
CVT_SIMD float sum_of(vec v) {
    v = add(v, wasm_i32x4_shuffle(v, v, 2, 3, 0, 1));
    return wasm_f32x4_extract_lane(add(v, wasm_i32x4_shuffle(v, v, 1, 0, 3, 2)), 0);
}
CVT_SIMD float max_of(vec v) {
    v = max(v, wasm_i32x4_shuffle(v, v, 2, 3, 0, 1));
    return wasm_f32x4_extract_lane(max(v, wasm_i32x4_shuffle(v, v, 1, 0, 3, 2)), 0);
}
