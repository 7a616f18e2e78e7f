// int8 products in plain C++, by the same body as in the other kernel sets: the Eigen set uses them beside Eigen's float32.
#pragma once

#include "kernel_set.hpp"
#include "targets.hpp"

CVT_NAMESPACE_BEGIN
namespace kernels::scalar {

using vec = float;
using ints = int;
using mask = bool;
inline constexpr std::ptrdiff_t lanes = 1;
inline constexpr int nr_vectors = 1, mr = 6;
inline constexpr std::ptrdiff_t nr = 1, task_rows = 32;

CVT_SIMD vec set1(float v) { return v; }
CVT_SIMD vec load(const float* p) { return *p; }
CVT_SIMD void store(float* p, vec v) { *p = v; }
CVT_SIMD vec load_part_or(const float* p, std::ptrdiff_t count, vec other) { return count >= 1 ? *p : other; }
CVT_SIMD vec load_part(const float* p, std::ptrdiff_t count) { return load_part_or(p, count, 0.F); }
CVT_SIMD void store_part(float* p, std::ptrdiff_t count, vec v) {
    if (count >= 1) *p = v;
}
CVT_SIMD vec add(vec a, vec b) { return a + b; }
CVT_SIMD vec sub(vec a, vec b) { return a - b; }
CVT_SIMD vec mul(vec a, vec b) { return a * b; }
CVT_SIMD vec div(vec a, vec b) { return a / b; }
CVT_SIMD vec reciprocal(vec a) { return div(set1(1.F), a); }
CVT_SIMD vec fma(vec a, vec b, vec c) { return a * b + c; }
CVT_SIMD vec max(vec a, vec b) { return a > b ? a : b; }
CVT_SIMD vec min(vec a, vec b) { return a < b ? a : b; }
CVT_SIMD vec abs(vec a) { return a < 0 ? -a : a; }
CVT_SIMD mask less(vec a, vec b) { return a < b; }
CVT_SIMD vec select(mask m, vec yes, vec no) { return m ? yes : no; }
CVT_SIMD ints round(vec a) { return static_cast<int>(__builtin_rintf(a > -2e9F ? (a < 2e9F ? a : 2e9F) : -2e9F)); }  // NaN as well
CVT_SIMD vec to_float(ints a) { return static_cast<float>(a); }
CVT_SIMD vec times_power_of_two(vec a, ints n) { return __builtin_ldexpf(a, n); }
CVT_SIMD float sum_of(vec v) { return v; }
CVT_SIMD float max_of(vec v) { return v; }

inline constexpr int input_max = 255;
inline constexpr int input_shift = 0;
CVT_SIMD ints broadcast4(int bytes) { return bytes; }
CVT_SIMD ints load4(const std::byte* p) {
    ints v = 0;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}
CVT_SIMD void accumulate4(ints& sum, ints a, ints b) {
    unsigned char x[4];
    signed char w[4];
    __builtin_memcpy(x, &a, sizeof a);
    __builtin_memcpy(w, &b, sizeof b);
    CVT_UNROLL for (int i = 0; i < 4; ++i) sum += x[i] * w[i];
}
CVT_SIMD void store_bytes(unsigned char* p, ints a) { *p = static_cast<unsigned char>(a < 0 ? 0 : a > 255 ? 255 : a); }

#include "simd/math.inl"

#include "simd/gemm_s8.inl"

}  // namespace kernels::scalar
CVT_NAMESPACE_END
