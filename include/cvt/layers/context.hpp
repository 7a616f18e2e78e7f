// context: what every layer is handed besides its weights and tensors: kernels, the host's threads, scratch memory.
#pragma once

#include <algorithm>
#include <cstddef>

#include "../kernels/kernel_set.hpp"
#include "../runtime/arena.hpp"
#include "../runtime/executor.hpp"

CVT_NAMESPACE_BEGIN
namespace layers {

/// A linear layer's weights, packed for the model's kernel set.
struct linear_weights {
    const float* packed = nullptr;
    const float* bias = nullptr;  ///< (n), or null
    std::ptrdiff_t n = 0, k = 0;
};

struct norm_weights {
    const float* gain = nullptr;  ///< (dim); null where the affine part is folded into the next layer
    const float* bias = nullptr;  ///< likewise
};

struct context {
    const kernels::kernel_set* kernels = nullptr;
    executor host;
    float* scratch = nullptr;      ///< workers * scratch_size floats
    std::size_t scratch_size = 0;  ///< floats a worker

    /// A worker's own arena.
    [[nodiscard]] detail::arena scratch_of(int worker) const noexcept {
        return detail::arena{scratch + static_cast<std::size_t>(worker) * scratch_size};
    }

    /// body(first_row, rows, worker) over tiles of rows. The tiles depend on the number of rows alone, so every output
    /// is summed in the same order whatever the workers.
    template <class Body>
    void for_each_tile(std::ptrdiff_t rows, const Body& body) const noexcept {
        const std::ptrdiff_t tile = kernels->tile_rows;
        detail::parallel_for(host, (rows + tile - 1) / tile,
                             [&](std::ptrdiff_t i, int worker) noexcept { body(i * tile, std::min(tile, rows - i * tile), worker); });
    }

    /// out(rows, n) = then(in(rows, k) * W^T + bias) on the calling worker.
    void linear(const linear_weights& w, const float* in, std::ptrdiff_t in_stride, std::ptrdiff_t rows, float* out,
                std::ptrdiff_t out_stride, kernels::epilogue then = kernels::epilogue::none) const noexcept {
        kernels->linear({in, in_stride, rows, w.packed, w.bias, w.n, w.k, out, out_stride, then});
    }
};

}  // namespace layers
CVT_NAMESPACE_END
