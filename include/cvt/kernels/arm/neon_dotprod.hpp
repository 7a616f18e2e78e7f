// The NEON kernel set of CPUs with the dot products of Armv8.2 (64-bit ARM): the NEON set with int8 products by one instruction.
#pragma once

#include "neon.hpp"

// A region replaces the architecture in g++'s flags. A unit whose flags have other extensions, but not dot products, has the NEON set only.
#if defined(CVT_HAS_NEON_KERNELS) && (defined(__ARM_FEATURE_DOTPROD) || (defined(__linux__) && !defined(CVT_UNIT_LACKS_DOTPROD)))
#define CVT_HAS_NEON_DOTPROD_KERNELS 1

#if defined(__linux__)
#include <sys/auxv.h>
#endif

#if defined(__ARM_FEATURE_DOTPROD)
// every function may use them
#elif defined(__clang__)
CVT_TARGET_BEGIN("dotprod")
#else
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
#if !defined(__ARM_FEATURE_DOTPROD)
CVT_TARGET_END
#endif

CVT_NAMESPACE_BEGIN
namespace kernels::neon_dotprod {

/// Asks Linux. Other systems have the set only in units whose flags include the extension, as Apple's compilers do by default.
inline bool supported() noexcept {
#if defined(__linux__)
    return (getauxval(AT_HWCAP) & 1UL << 20) != 0;  // HWCAP_ASIMDDP, which older headers do not define
#else
    return true;
#endif
}

inline constexpr kernel_set set = with_byte_products(neon::set, "neon_dotprod", supported, s8::gemm);

}  // namespace kernels::neon_dotprod
CVT_NAMESPACE_END

#endif
