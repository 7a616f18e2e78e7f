// The kernels of one revision as a shared object, for compare.cpp to load beside another's.
#include <cstddef>

#include <cvt/kernels/select.hpp>

#define EXPORTED extern "C" __attribute__((visibility("default")))

/// The set that CVT_FORCE_KERNELS names, else the best; null where it names none.
EXPORTED const void* kernel_set_of_revision() {
    const auto set = cvt::kernels::select(nullptr);
    return set ? *set : nullptr;
}

/// Another size is another table: the two revisions cannot be called alike.
EXPORTED std::size_t table_size_of_revision() {
    return sizeof(cvt::kernels::kernel_set) + sizeof(cvt::kernels::linear_args) + sizeof(cvt::kernels::depthwise_args);
}
