// The AVX-VNNI kernel set (x86-64 without AVX-512): the AVX2 set with int8 products by one instruction.
#pragma once

#include "avx2.hpp"

#if defined(CVT_HAS_AVX2_KERNELS)
#define CVT_HAS_AVX_VNNI_KERNELS 1

#include <cpuid.h>

CVT_TARGET_BEGIN("avx2,fma,avxvnni")
CVT_NAMESPACE_BEGIN
namespace kernels::avx_vnni {

using namespace avx2;

inline constexpr int input_max = 255;
/// By inline assembly, as accumulate in x86.inl.
CVT_SIMD void accumulate4(ints& sum, ints a, ints b) {
    __asm__ volatile("%{vex%} vpdpbusd {%2, %1, %0|%0, %1, %2}" : "+x"(sum) : "x"(a), "x"(b));
}

#include "../simd/gemm_s8.inl"

}  // namespace kernels::avx_vnni
CVT_NAMESPACE_END
CVT_TARGET_END

CVT_NAMESPACE_BEGIN
namespace kernels::avx_vnni {

/// Reads the extension's bit of CPUID, because clang++ before 18 does not know its name.
inline bool supported() noexcept {
    unsigned a = 0, b = 0, c = 0, d = 0;
    return avx2::supported() && __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & 1U << 4) != 0;
}

inline constexpr kernel_set set = with_byte_products(avx2::set, "avx_vnni", supported, s8::gemm);

}  // namespace kernels::avx_vnni
CVT_NAMESPACE_END

#endif
