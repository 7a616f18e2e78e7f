// The hot loops, written once over a vector type; included once for each instruction set, inside its target region.
//
// The including header has opened the target region and a namespace of its own, and has defined there: vec (a vector of
// `lanes` floats) and its operations. Nothing here may come from outside that namespace: a std or Eigen template called
// from a target region would be compiled for the baseline.

// Without unroll pragmas the accumulators of the register tile are spilled at -O2 (measured: 93 -> 31 GFLOP/s).
#if defined(__clang__)
#define CVT_UNROLL _Pragma("clang loop unroll(full)")
#else
#define CVT_UNROLL _Pragma("GCC unroll 16")
#endif
#define CVT_ALWAYS_INLINE inline __attribute__((always_inline))

#include "math.inl"

#include "gemm_f32.inl"

#include "softmax.inl"

#include "layer_norm.inl"

#include "depthwise.inl"

#undef CVT_UNROLL
#undef CVT_ALWAYS_INLINE
