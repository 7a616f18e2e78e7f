// The version, the platform check, and the inline namespace that keeps units of different compiler flags apart.
#pragma once

#if __cplusplus < 202002L && !defined(_MSVC_LANG)
#error "cvt is C++20: compile with -std=c++20"
#endif

#include <bit>

#define CVT_VERSION_MAJOR 0
#define CVT_VERSION_MINOR 2
#define CVT_VERSION_PATCH 0
#define CVT_VERSION_STRING "0.2.0"

static_assert(std::endian::native == std::endian::little,
              "cvt reads little-endian checkpoints in place: big-endian targets are not supported");

// Inline functions compiled with different -m flags must not share a symbol: the linker keeps one body for all, and a
// body with AVX-512 in it kills the program on a machine without. So every name of the library is in an inline namespace
// named after the unit's own flags. Consequently a cvt::model& cannot pass between units of different flags: a link error
// instead of an illegal instruction.
#if defined(__AVX512F__)
#define CVT_TAG_SIMD _avx512
#elif defined(__AVX2__)
#define CVT_TAG_SIMD _avx2
#elif defined(__AVX__)
#define CVT_TAG_SIMD _avx
#elif defined(__SSE3__) || defined(__POPCNT__)
#define CVT_TAG_SIMD _sse4
#elif defined(__ARM_FEATURE_SVE)
#define CVT_TAG_SIMD _sve
#elif defined(__ARM_FEATURE_ATOMICS)  // every 64-bit ARM architecture after ARMv8.0
#define CVT_TAG_SIMD _lse
#elif defined(__wasm_relaxed_simd__)
#define CVT_TAG_SIMD _relaxed
#elif defined(__wasm_simd128__)
#define CVT_TAG_SIMD _simd128
#else
#define CVT_TAG_SIMD _base
#endif

#if defined(__FMA__)
#define CVT_TAG_FMA _fma
#else
#define CVT_TAG_FMA
#endif

#if defined(__BMI2__) || defined(__BMI__) || defined(__LZCNT__)
#define CVT_TAG_BMI _bmi
#else
#define CVT_TAG_BMI
#endif

// Dot products of Armv8.2. Units that have other extensions, but not this one, lack a kernel set: see kernels/arm/neon_dotprod.hpp.
#if defined(__ARM_FEATURE_DOTPROD)
#define CVT_TAG_DOTPROD _dotprod
#elif defined(__ARM_FEATURE_SVE) || defined(__ARM_FEATURE_CRYPTO) || defined(__ARM_FEATURE_AES) || defined(__ARM_FEATURE_SHA2) ||   \
    defined(__ARM_FEATURE_SHA3) || defined(__ARM_FEATURE_SM4) || defined(__ARM_FEATURE_FP16_SCALAR_ARITHMETIC) ||                   \
    defined(__ARM_FEATURE_BF16_SCALAR_ARITHMETIC) || defined(__ARM_FEATURE_MATMUL_INT8) || defined(__ARM_FEATURE_MEMORY_TAGGING) || \
    defined(__ARM_FEATURE_RNG)
#define CVT_TAG_DOTPROD _nodotprod
#define CVT_UNIT_LACKS_DOTPROD 1
#else
#define CVT_TAG_DOTPROD
#endif

#if defined(__FAST_MATH__)
#define CVT_TAG_MATH _fastmath
#else
#define CVT_TAG_MATH
#endif

#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
#define CVT_TAG_EXCEPTIONS
#else
#define CVT_TAG_EXCEPTIONS _noexc
#endif

// Units compiled at the architecture's baseline, with exceptions and IEEE arithmetic: see kernels/sets.hpp.
#if !defined(__SSE3__) && !defined(__POPCNT__) && !defined(__ARM_FEATURE_SVE) && !defined(__ARM_FEATURE_ATOMICS) &&                 \
    !defined(__ARM_FEATURE_DOTPROD) && !defined(CVT_UNIT_LACKS_DOTPROD) && !defined(__wasm_simd128__) && !defined(__FAST_MATH__) && \
    (defined(__cpp_exceptions) || defined(_CPPUNWIND))
#define CVT_UNIT_IS_BASELINE 1
#endif

#define CVT_TAG_JOIN_(a, b, c, d, e, f, g) a##b##c##d##e##f##g
#define CVT_TAG_JOIN(a, b, c, d, e, f, g) CVT_TAG_JOIN_(a, b, c, d, e, f, g)
#define CVT_ABI_NAMESPACE CVT_TAG_JOIN(v0_2, CVT_TAG_SIMD, CVT_TAG_FMA, CVT_TAG_BMI, CVT_TAG_DOTPROD, CVT_TAG_MATH, CVT_TAG_EXCEPTIONS)

// Every header opens and closes the library's namespaces with these two.
#define CVT_NAMESPACE_BEGIN \
    namespace cvt {         \
    inline namespace CVT_ABI_NAMESPACE {
#define CVT_NAMESPACE_END \
    }                     \
    }
