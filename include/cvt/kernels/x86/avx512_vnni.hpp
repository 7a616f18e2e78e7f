// The AVX-512 VNNI kernel set (x86-64): the AVX-512 set with int8 products by one instruction.
#pragma once

#include "avx512.hpp"

#if defined(CVT_HAS_AVX512_KERNELS)
#define CVT_HAS_AVX512_VNNI_KERNELS 1

CVT_TARGET_BEGIN("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma")
CVT_NAMESPACE_BEGIN
namespace kernels::avx512_vnni {

using namespace avx512;

inline constexpr int input_max = 255;
/// By inline assembly, as accumulate in x86.inl.
CVT_SIMD void accumulate4(ints& sum, ints a, ints b) { __asm__ volatile("vpdpbusd {%2, %1, %0|%0, %1, %2}" : "+v"(sum) : "v"(a), "v"(b)); }

#include "../simd/gemm_s8.inl"

}  // namespace kernels::avx512_vnni
CVT_NAMESPACE_END
CVT_TARGET_END

CVT_NAMESPACE_BEGIN
namespace kernels::avx512_vnni {

inline bool supported() noexcept { return avx512::supported() && __builtin_cpu_supports("avx512vnni"); }

inline constexpr kernel_set set = with_byte_products(avx512::set, "avx512_vnni", supported, s8::gemm);

}  // namespace kernels::avx512_vnni
CVT_NAMESPACE_END

#endif
