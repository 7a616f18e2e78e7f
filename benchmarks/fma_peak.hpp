// Measures the peak rate of one core in float32 multiply-adds, with AVX-512, AVX2 or NEON, in the running process.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace cvt_bench {
namespace detail {

// Twelve independent chains hide a latency of up to six cycles on two units and leave registers for the two operands. The operands
// keep every value near 1, because overflow or denormals could change the speed.
constexpr float factor = 0.5F, addend = 0.5F;

struct timed {
    double flops;
    float sum;  ///< of all chains; the caller uses it, so that no chain is optimised away
};

#if defined(__x86_64__)

__attribute__((target("avx512f"), noinline)) inline timed chains_avx512(std::int64_t rounds) {
    const __m512 a = _mm512_set1_ps(factor), b = _mm512_set1_ps(addend);
    __m512 c0 = b, c1 = b, c2 = b, c3 = b, c4 = b, c5 = b, c6 = b, c7 = b, c8 = b, c9 = b, c10 = b, c11 = b;
    for (std::int64_t i = 0; i < rounds; ++i) {
        c0 = _mm512_fmadd_ps(c0, a, b), c1 = _mm512_fmadd_ps(c1, a, b), c2 = _mm512_fmadd_ps(c2, a, b);
        c3 = _mm512_fmadd_ps(c3, a, b), c4 = _mm512_fmadd_ps(c4, a, b), c5 = _mm512_fmadd_ps(c5, a, b);
        c6 = _mm512_fmadd_ps(c6, a, b), c7 = _mm512_fmadd_ps(c7, a, b), c8 = _mm512_fmadd_ps(c8, a, b);
        c9 = _mm512_fmadd_ps(c9, a, b), c10 = _mm512_fmadd_ps(c10, a, b), c11 = _mm512_fmadd_ps(c11, a, b);
        asm volatile("" : "+v"(c0), "+v"(c1), "+v"(c2), "+v"(c3), "+v"(c4), "+v"(c5));
        asm volatile("" : "+v"(c6), "+v"(c7), "+v"(c8), "+v"(c9), "+v"(c10), "+v"(c11));
    }
    const __m512 low = c0 + c1 + c2 + c3 + c4 + c5, high = c6 + c7 + c8 + c9 + c10 + c11;
    return {static_cast<double>(rounds) * 12 * 16 * 2, _mm512_cvtss_f32(low + high)};
}

__attribute__((target("avx2,fma"), noinline)) inline timed chains_avx2(std::int64_t rounds) {
    const __m256 a = _mm256_set1_ps(factor), b = _mm256_set1_ps(addend);
    __m256 c0 = b, c1 = b, c2 = b, c3 = b, c4 = b, c5 = b, c6 = b, c7 = b, c8 = b, c9 = b, c10 = b, c11 = b;
    for (std::int64_t i = 0; i < rounds; ++i) {
        c0 = _mm256_fmadd_ps(c0, a, b), c1 = _mm256_fmadd_ps(c1, a, b), c2 = _mm256_fmadd_ps(c2, a, b);
        c3 = _mm256_fmadd_ps(c3, a, b), c4 = _mm256_fmadd_ps(c4, a, b), c5 = _mm256_fmadd_ps(c5, a, b);
        c6 = _mm256_fmadd_ps(c6, a, b), c7 = _mm256_fmadd_ps(c7, a, b), c8 = _mm256_fmadd_ps(c8, a, b);
        c9 = _mm256_fmadd_ps(c9, a, b), c10 = _mm256_fmadd_ps(c10, a, b), c11 = _mm256_fmadd_ps(c11, a, b);
        // Keeps the compiler from merging equal chains.
        asm volatile("" : "+x"(c0), "+x"(c1), "+x"(c2), "+x"(c3), "+x"(c4), "+x"(c5));
        asm volatile("" : "+x"(c6), "+x"(c7), "+x"(c8), "+x"(c9), "+x"(c10), "+x"(c11));
    }
    const __m256 low = c0 + c1 + c2 + c3 + c4 + c5, high = c6 + c7 + c8 + c9 + c10 + c11;
    return {static_cast<double>(rounds) * 12 * 8 * 2, _mm256_cvtss_f32(low + high)};
}

// A multiply and an add of four lanes each, for CPUs without a fused multiply-add.
__attribute__((noinline)) inline timed chains_sse2(std::int64_t rounds) {
    const __m128 a = _mm_set1_ps(factor), b = _mm_set1_ps(addend);
    __m128 c0 = b, c1 = b, c2 = b, c3 = b, c4 = b, c5 = b, c6 = b, c7 = b, c8 = b, c9 = b, c10 = b, c11 = b;
    for (std::int64_t i = 0; i < rounds; ++i) {
        c0 = _mm_add_ps(_mm_mul_ps(c0, a), b), c1 = _mm_add_ps(_mm_mul_ps(c1, a), b);
        c2 = _mm_add_ps(_mm_mul_ps(c2, a), b), c3 = _mm_add_ps(_mm_mul_ps(c3, a), b);
        c4 = _mm_add_ps(_mm_mul_ps(c4, a), b), c5 = _mm_add_ps(_mm_mul_ps(c5, a), b);
        c6 = _mm_add_ps(_mm_mul_ps(c6, a), b), c7 = _mm_add_ps(_mm_mul_ps(c7, a), b);
        c8 = _mm_add_ps(_mm_mul_ps(c8, a), b), c9 = _mm_add_ps(_mm_mul_ps(c9, a), b);
        c10 = _mm_add_ps(_mm_mul_ps(c10, a), b), c11 = _mm_add_ps(_mm_mul_ps(c11, a), b);
        asm volatile("" : "+x"(c0), "+x"(c1), "+x"(c2), "+x"(c3), "+x"(c4), "+x"(c5));
        asm volatile("" : "+x"(c6), "+x"(c7), "+x"(c8), "+x"(c9), "+x"(c10), "+x"(c11));
    }
    const __m128 low = c0 + c1 + c2 + c3 + c4 + c5, high = c6 + c7 + c8 + c9 + c10 + c11;
    return {static_cast<double>(rounds) * 12 * 4 * 2, _mm_cvtss_f32(low + high)};
}

inline timed chains(std::int64_t rounds, bool avx512) {
    if (avx512) return chains_avx512(rounds);
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? chains_avx2(rounds) : chains_sse2(rounds);
}

#elif defined(__aarch64__)

// NEON's multiply-add adds to its destination, and some cores have four units for it: 24 chains.
inline timed chains(std::int64_t rounds, bool) {
    const float32x4_t a = vdupq_n_f32(0x1p-20F), b = vdupq_n_f32(factor);
    float32x4_t c[24];
    for (float32x4_t& x : c) x = b;
    for (std::int64_t i = 0; i < rounds; ++i)
#pragma GCC unroll 24
        for (float32x4_t& x : c) {
            x = vfmaq_f32(x, a, b);
            asm volatile("" : "+w"(x));  // keeps the compiler from merging equal chains
        }
    float sum = 0;
    for (const float32x4_t& x : c) sum += vgetq_lane_f32(x, 0);
    return {static_cast<double>(rounds) * 24 * 4 * 2, sum};
}

#else

// Four lanes of the compiler's vector extension: a lower bound of the peak.
inline timed chains(std::int64_t rounds, bool) {
    using lanes = float __attribute__((vector_size(16)));
    const lanes a{factor, factor, factor, factor}, b{addend, addend, addend, addend};
    lanes c[12];
    volatile float begin = 0;
    for (lanes& x : c) begin = begin + 0.01F, x = lanes{begin, begin, begin, begin};  // unequal, so that the compiler cannot merge them
    for (std::int64_t i = 0; i < rounds; ++i)
        for (lanes& x : c) x = x * a + b;
    float sum = 0;
    for (const lanes& x : c) sum += x[0];
    return {static_cast<double>(rounds) * 12 * 4 * 2, sum};
}

#endif

}  // namespace detail

/// GFLOP/s of one register-only loop on the calling core; a multiply-add is two operations, and 2^18 rounds take half a millisecond.
/// `kernels` is the name of the kernel set: AVX-512's multiply-add for "avx512" and "avx512_vnni", the best of the others for any other
/// set.
inline double timed_fma_loop(const char* kernels, std::int64_t rounds = std::int64_t{1} << 18) {
    using clock = std::chrono::steady_clock;
    const auto start = clock::now();
    const detail::timed done = detail::chains(rounds, std::strncmp(kernels, "avx512", 6) == 0);
    const double gflops = done.flops * 1e-9 / std::chrono::duration<double>(clock::now() - start).count();
    const volatile float used = done.sum;
    static_cast<void>(used);
    return gflops;
}

/// Rate of multiply-adds of the calling core, in GFLOP/s. `peak` is the best of all loops, because other programs can only slow a loop
/// down; `meanwhile` is their mean rate, which other programs reduce.
struct fma_rate {
    double peak, meanwhile;
};

inline fma_rate measured_fma_rate(const char* kernels, int loops = 25) {
    double best = 0, time = 0;  // of equal loops; time in units of one loop
    for (int i = 0; i < loops; ++i) {
        const double gflops = timed_fma_loop(kernels);
        best = gflops > best ? gflops : best;
        time += 1 / gflops;
    }
    return {best, loops / time};
}

}  // namespace cvt_bench
