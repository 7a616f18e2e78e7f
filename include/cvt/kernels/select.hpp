// Chooses the kernel set of a model: by name, by the environment variable CVT_FORCE_KERNELS, or the best for this CPU.
//
// These are declarations. sets.hpp, which load.hpp includes, has the sets and the definitions, so that a unit that does not load models
// does not compile the kernels.
#pragma once

#include "../error.hpp"
#include "kernel_set.hpp"

CVT_NAMESPACE_BEGIN
namespace kernels {

/// Those of a list of kernel sets that this CPU can run, in their order.
class set_list {
public:
    static constexpr std::size_t capacity = 8;

    template <std::size_t N>
    requires(N <= capacity) explicit set_list(const kernel_set* const (&sets)[N]) noexcept {
        for (const kernel_set* s : sets)
            if (s->supported()) sets_[size_++] = s;
    }
    [[nodiscard]] const kernel_set* const* begin() const noexcept { return sets_; }
    [[nodiscard]] const kernel_set* const* end() const noexcept { return sets_ + size_; }
    [[nodiscard]] const kernel_set* front() const noexcept { return sets_[0]; }
    [[nodiscard]] const kernel_set* back() const noexcept { return sets_[size_ - 1]; }

private:
    const kernel_set* sets_[capacity]{};
    std::size_t size_ = 0;
};

/// Every set that this CPU can run, best first; at least one.
set_list available() noexcept;

/// Returns the set called `name`; with a null name the one that CVT_FORCE_KERNELS names, else the best. Errors:
/// invalid_argument (this CPU has no such set; the message lists the others).
result<const kernel_set*> select(const char* name) noexcept;

}  // namespace kernels
CVT_NAMESPACE_END
