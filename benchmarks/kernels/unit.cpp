// The kernels of one revision as a shared object, for compare.cpp to load beside another's.
#include <cstddef>

#include <cvt/kernels/select.hpp>

#include "table_size.hpp"

#define EXPORTED extern "C" __attribute__((visibility("default")))

/// The set that CVT_FORCE_KERNELS names, else the best; null where it names none.
EXPORTED const void* kernel_set_of_revision() {
    const auto set = cvt::kernels::select(nullptr);
    return set ? *set : nullptr;
}

EXPORTED std::size_t table_size_of_revision() { return table_size; }
