// Which kernel set a model runs on: by name, by the CVT_FORCE_KERNELS environment variable, or the best for this CPU.
#pragma once

#include <cstdlib>
#include <cstring>
#include <span>

#include "../error.hpp"
#include "eigen.hpp"
#include "kernel_set.hpp"

CVT_NAMESPACE_BEGIN
namespace kernels {

/// Every set that this CPU can run, best first.
inline std::span<const kernel_set* const> available() noexcept {
    static constexpr const kernel_set* sets[]{&with_eigen::set};
    return sets;
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
