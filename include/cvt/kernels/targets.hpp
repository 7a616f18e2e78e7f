// Macros of the kernels: the target region of an instruction set, always-inlined functions, unrolled loops.
#pragma once

// The functions between CVT_TARGET_BEGIN("avx2,fma") and CVT_TARGET_END may use these instructions, in addition to those of the unit's
// own flags. A region opens and closes outside every namespace.
#define CVT_PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define CVT_TARGET_BEGIN(isa) CVT_PRAGMA(clang attribute push(__attribute__((target(isa))), apply_to = function))
#define CVT_TARGET_END CVT_PRAGMA(clang attribute pop)
#else
#define CVT_TARGET_BEGIN(isa) CVT_PRAGMA(GCC push_options) CVT_PRAGMA(GCC target(isa))
#define CVT_TARGET_END CVT_PRAGMA(GCC pop_options)
#endif

#define CVT_SIMD inline __attribute__((always_inline))

// Without unroll pragmas compilers spill the accumulators of the register tile at -O2 (measured: 93 -> 31 GFLOP/s).
#if defined(__clang__)
#define CVT_UNROLL _Pragma("clang loop unroll(full)")
#else
#define CVT_UNROLL _Pragma("GCC unroll 16")
#endif
