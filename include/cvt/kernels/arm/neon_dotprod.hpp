// The NEON kernel set of CPUs with the dot products of Armv8.2 (64-bit ARM): the NEON set with int8 products by one instruction.
#pragma once

#include "neon.hpp"

// A region replaces the architecture of g++'s flags. So a unit whose flags add other extensions than dot products has only the NEON set.
#if defined(CVT_HAS_NEON_KERNELS) && defined(__ARM_FEATURE_DOTPROD)
#define CVT_HAS_NEON_DOTPROD_KERNELS 1
#elif defined(CVT_HAS_NEON_KERNELS) && defined(__linux__) && !defined(__ARM_FEATURE_SVE) && !defined(__ARM_FEATURE_CRYPTO) &&     \
    !defined(__ARM_FEATURE_AES) && !defined(__ARM_FEATURE_SHA2) && !defined(__ARM_FEATURE_SHA3) && !defined(__ARM_FEATURE_SM4) && \
    !defined(__ARM_FEATURE_FP16_SCALAR_ARITHMETIC) && !defined(__ARM_FEATURE_BF16_SCALAR_ARITHMETIC) &&                           \
    !defined(__ARM_FEATURE_MATMUL_INT8) && !defined(__ARM_FEATURE_MEMORY_TAGGING) && !defined(__ARM_FEATURE_RNG)
#define CVT_HAS_NEON_DOTPROD_KERNELS 1
#define CVT_NEON_DOTPROD_REGION 1
#include <sys/auxv.h>
#endif

#if defined(CVT_HAS_NEON_DOTPROD_KERNELS)

#if defined(CVT_NEON_DOTPROD_REGION) && defined(__clang__)
CVT_TARGET_BEGIN("dotprod")
#elif defined(CVT_NEON_DOTPROD_REGION)
CVT_TARGET_BEGIN("arch=armv8.2-a+dotprod")
#endif
CVT_NAMESPACE_BEGIN
namespace kernels::neon_dotprod {

using namespace neon;

/// SDOT multiplies signed bytes, so bytes of inputs are stored minus 128, which flips their first bit.
inline constexpr int input_shift = 128;
CVT_SIMD void store_bytes(unsigned char* p, ints a) {
    neon::store_bytes(p, a);
    unsigned bytes = 0;
    __builtin_memcpy(&bytes, p, sizeof bytes);
    bytes ^= 0x80808080U;
    __builtin_memcpy(p, &bytes, sizeof bytes);
}
/// By inline assembly, because clang++ before 15 has the intrinsic only with a flag.
CVT_SIMD void accumulate4(ints& sum, ints a, ints b) { __asm__("sdot %0.4s, %1.16b, %2.16b" : "+w"(sum) : "w"(a), "w"(b)); }

#include "../simd/gemm_s8.inl"

}  // namespace kernels::neon_dotprod
CVT_NAMESPACE_END
#if defined(CVT_NEON_DOTPROD_REGION)
CVT_TARGET_END
#endif

CVT_NAMESPACE_BEGIN
namespace kernels::neon_dotprod {

/// Asks Linux. Other systems have the set only in units whose flags include the extension, as Apple's compilers do by default.
inline bool supported() noexcept {
#if defined(CVT_NEON_DOTPROD_REGION)
    return (getauxval(AT_HWCAP) & 1UL << 20) != 0;  // HWCAP_ASIMDDP, which older headers do not define
#else
    return true;
#endif
}

inline constexpr kernel_set set = with_byte_products(neon::set, "neon_dotprod", supported, s8::gemm);

}  // namespace kernels::neon_dotprod
CVT_NAMESPACE_END

#undef CVT_NEON_DOTPROD_REGION

#endif
