// The kernels of this revision as a shared object, which compare.cpp loads beside another revision's.
#include <cvt/kernels/sets.hpp>

#include "revision.hpp"

namespace {

const cvt::kernels::kernel_set* set = nullptr;

const revision_kernels table{
    .name = "",
    .packed_bytes = [](std::ptrdiff_t n, std::ptrdiff_t k) { return set->f32.packed_bytes(n, k); },
    .pack =
        [](const float* w, std::ptrdiff_t n, std::ptrdiff_t k, void* packed) {
            set->f32.pack({.weights = w, .stride_n = k, .stride_k = 1, .to = packed_at(set->f32, static_cast<std::byte*>(packed), n, k)});
        },
    .multiply =
        [](const revision_product& p) {
            set->f32.multiply(
                {.in = {.data = p.in, .rows = p.rows, .cols = p.k, .stride = p.in_stride},
                 .w = {.kernels = &set->f32, .data = static_cast<const std::byte*>(p.packed), .n = p.n, .k = p.k, .packed_k = p.k},
                 .bias = p.bias,
                 .out = {.data = p.out, .rows = p.rows, .cols = p.n, .stride = p.out_stride},
                 .epilogue = static_cast<cvt::kernels::epilogue>(p.epilogue),
                 .prefetch = static_cast<const std::byte*>(p.prefetch)});
        },
    .softmax = [](float* x, std::ptrdiff_t rows, std::ptrdiff_t columns,
                  float* inverse_sums) { set->softmax({.data = x, .rows = rows, .cols = columns, .stride = columns}, inverse_sums); },
    .layer_norm =
        [](const float* in, std::ptrdiff_t rows, std::ptrdiff_t dim, const float* gain_and_bias, float* out) {
            set->layer_norm({.data = in, .rows = rows, .cols = dim, .stride = dim}, {gain_and_bias, gain_and_bias},
                            {.data = out, .rows = rows, .cols = dim, .stride = dim});
        },
};

}  // namespace

/// The kernel set that CVT_FORCE_KERNELS names, else the best; null if there is no set of that name.
extern "C" __attribute__((visibility("default"))) const revision_kernels* kernels_of_revision() {
    const auto selected = cvt::kernels::select(nullptr);
    if (!selected) return nullptr;
    set = *selected;
    static revision_kernels named = table;
    named.name = set->name;
    return &named;
}
