// All kernel sets of this unit's architecture, and the definition of the choice that select.hpp declares.
#pragma once

#include <cstdlib>

#include "../text.hpp"
#include "arm/neon.hpp"
#include "arm/neon_dotprod.hpp"
#include "select.hpp"
#include "wasm/relaxed.hpp"
#include "wasm/simd128.hpp"
#include "x86/avx2.hpp"
#include "x86/avx512.hpp"
#include "x86/avx512_vnni.hpp"
#include "x86/avx_vnni.hpp"
#include "x86/sse2.hpp"

// Eigen's templates are not in cvt's namespace: two units of different flags that both instantiate them share one body, and
// link order decides which. So only units at the architecture's baseline, with exceptions and IEEE arithmetic, have the
// Eigen set. On x86-64 and 64-bit ARM, SSE2 and NEON are the fallback of every unit. In WebAssembly a unit with vectors has one set.
#if defined(CVT_UNIT_IS_BASELINE) || !(defined(CVT_HAS_SSE2_KERNELS) || defined(CVT_HAS_NEON_KERNELS) || defined(__wasm_simd128__))
#define CVT_HAS_EIGEN_KERNELS 1
#include "eigen.hpp"
#endif

CVT_NAMESPACE_BEGIN
namespace kernels {

/// Every set compiled into this unit, best first. A unit has all sets of x86-64 or none.
inline constexpr const kernel_set* compiled[] {
#if defined(CVT_HAS_SSE2_KERNELS)
    &avx512_vnni::set, &avx512::set, &avx_vnni::set, &avx2::set,
#endif
#if defined(CVT_HAS_NEON_DOTPROD_KERNELS)
        &neon_dotprod::set,
#endif
#if defined(CVT_HAS_NEON_KERNELS)
        &neon::set,
#endif
#if defined(CVT_HAS_WASM_RELAXED_KERNELS)
        &wasm_relaxed::set,
#endif
#if defined(CVT_HAS_WASM_SIMD128_KERNELS)
        &wasm_simd128::set,
#endif
#if defined(CVT_HAS_EIGEN_KERNELS)
        &with_eigen::set,
#endif
#if defined(CVT_HAS_SSE2_KERNELS)
        &sse2::set,
#endif
};

inline set_list available() noexcept { return set_list{compiled}; }

inline result<const kernel_set*> select(const char* name) noexcept {
    const char* source = "kernels";
    if (name == nullptr) {
        name = std::getenv("CVT_FORCE_KERNELS");
        source = "CVT_FORCE_KERNELS";
    }
    if (name == nullptr || *name == '\0') return available().front();
    for (const kernel_set* s : available())
        if (std::strcmp(s->name, name) == 0) return s;
    detail::text_list<128> names;
    for (const kernel_set* s : available()) names.add(", ", "%s", s->name);
    return error::format(errc::invalid_argument, "%s: expected one of the kernel sets of this CPU (%s), found \"%s\"", source, names.text,
                         name);
}

}  // namespace kernels
CVT_NAMESPACE_END

#undef CVT_TARGET_BEGIN
#undef CVT_TARGET_END
#undef CVT_PRAGMA
#undef CVT_SIMD
#undef CVT_UNROLL
