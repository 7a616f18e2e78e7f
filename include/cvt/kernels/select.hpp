// Which kernel set a model runs on: by name, by the CVT_FORCE_KERNELS environment variable, or the best for this CPU.
#pragma once

#include <cstdlib>
#include <cstring>
#include <span>

#include "../error.hpp"
#include "x86/avx2.hpp"
#include "x86/avx512.hpp"
#include "kernel_set.hpp"
#include "arm/neon.hpp"
#include "x86/sse2.hpp"

// Eigen's templates are not in our namespace: two units of different flags that both instantiate them share one body, and
// link order decides which. So only units at the architecture's baseline, with exceptions and IEEE arithmetic, have the
// Eigen set; on x86-64 and 64-bit ARM every unit has a floor of our own.
#if defined(CVT_UNIT_IS_BASELINE) || !(defined(CVT_HAS_SSE2_KERNELS) || defined(CVT_HAS_NEON_KERNELS))
#define CVT_HAS_EIGEN_KERNELS 1
#endif

#if defined(CVT_HAS_EIGEN_KERNELS)
#include "eigen.hpp"
#endif

CVT_NAMESPACE_BEGIN
namespace kernels {

/// Every set that this CPU can run, best first.
inline std::span<const kernel_set* const> available() noexcept {
    static constexpr const kernel_set* sets[] {
#if defined(CVT_HAS_AVX512_KERNELS) && defined(CVT_HAS_AVX2_KERNELS)
        &avx512::set, &avx2::set,
#endif
#if defined(CVT_HAS_NEON_KERNELS)
            &neon::set,
#endif
#if defined(CVT_HAS_EIGEN_KERNELS)
            &with_eigen::set,
#endif
#if defined(CVT_HAS_SSE2_KERNELS)
            &sse2::set,
#endif
    };
    std::size_t skip = 0;
#if defined(CVT_HAS_AVX512_KERNELS) && defined(CVT_HAS_AVX2_KERNELS)
    // Every CPU that has AVX-512 has AVX2 too. libgcc asks whether the system keeps the registers as well.
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    skip = avx512 ? 0 : avx2 ? 1 : 2;
#endif
    return std::span<const kernel_set* const>{sets}.subspan(skip);
}

/// The set called `name`; with a null name the one that CVT_FORCE_KERNELS names, else the best. Errors
/// (invalid_argument): no such set on this CPU, naming those there are.
inline result<const kernel_set*> select(const char* name) noexcept {
    const char* source = "kernels";
    if (name == nullptr) {
        name = std::getenv("CVT_FORCE_KERNELS");
        source = "CVT_FORCE_KERNELS";
    }
    if (name == nullptr || *name == '\0') return available().front();
    for (const kernel_set* s : available())
        if (std::strcmp(s->name, name) == 0) return s;
    char names[128] = "";
    for (const kernel_set* s : available()) {
        if (*names != '\0') std::strncat(names, ", ", sizeof names - std::strlen(names) - 1);
        std::strncat(names, s->name, sizeof names - std::strlen(names) - 1);
    }
    return error::format(errc::invalid_argument, "%s: expected one of the sets this CPU runs (%s), found \"%s\"", source, names, name);
}

}  // namespace kernels
CVT_NAMESPACE_END
