// The size of the structures through which kernels are called: another size is another table, which cannot be called alike.
#pragma once

#include <cstddef>

#include <cvt/kernels/kernel_set.hpp>

constexpr std::size_t table_size =
    sizeof(cvt::kernels::kernel_set) + sizeof(cvt::kernels::linear_args) + sizeof(cvt::kernels::depthwise_args);
