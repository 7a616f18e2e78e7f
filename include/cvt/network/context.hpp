// context: what every layer is handed besides its weights and tensors: kernels, the host's threads, scratch memory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>

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

/// Floats from row to row of the tensors between layers. Rows of a multiple of 1 KiB would all begin in the same few
/// lines of the nearest cache and drive each other out (1024 channels: the depth-wise convolution 5 times slower).
constexpr std::ptrdiff_t row_stride(std::ptrdiff_t dim) noexcept { return dim % 256 == 0 ? dim + 16 : dim; }

/// `rows` rows cut into `count` tiles of whole units, as even as can be.
struct row_tiles {
    std::ptrdiff_t rows, unit, count;

    /// First row of tile i; that of tile `count` is the end.
    [[nodiscard]] std::ptrdiff_t first(std::ptrdiff_t i) const noexcept {
        const std::ptrdiff_t units = (rows + unit - 1) / unit;
        return std::min(rows, units * i / count * unit);
    }
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

    /// Tiles of at most `most` rows, each of which is `tasks` tasks, that begin at multiples of `align`. Tiles are whole
    /// strips; but few tasks are made a multiple of the workers, and then as even as can be. A row comes out with the same
    /// bits wherever its tile begins, so the cut may depend on the number of workers.
    [[nodiscard]] row_tiles tiles(std::ptrdiff_t rows, std::ptrdiff_t most, std::ptrdiff_t tasks = 1,
                                  std::ptrdiff_t align = 1) const noexcept {
        const std::ptrdiff_t cut = std::lcm(align, kernels->cut_rows), strip = std::lcm(cut, kernels->strip_rows);
        const std::ptrdiff_t strips = (rows + strip - 1) / strip, strips_a_tile = std::max<std::ptrdiff_t>(1, most / strip);
        const std::ptrdiff_t count = (strips + strips_a_tile - 1) / strips_a_tile;
        if (count * tasks >= std::ptrdiff_t{4} * host.workers) return {rows, strip, count};
        const std::ptrdiff_t rounds = (count * tasks + host.workers - 1) / host.workers;
        return {rows, cut, std::min(strips, (rounds * host.workers + tasks - 1) / tasks)};
    }

    /// body(first_row, rows, worker) over tiles of at most tile_rows rows.
    template <class Body>
    void for_each_tile(std::ptrdiff_t rows, const Body& body) const noexcept {
        const row_tiles t = tiles(rows, kernels->tile_rows);
        detail::parallel_for(host, t.count,
                             [&](std::ptrdiff_t i, int worker) noexcept { body(t.first(i), t.first(i + 1) - t.first(i), worker); });
    }

    /// out(rows, n) = then(in(rows, k) * W^T + bias) on the calling worker.
    void linear(const linear_weights& w, const float* in, std::ptrdiff_t in_stride, std::ptrdiff_t rows, float* out,
                std::ptrdiff_t out_stride, kernels::epilogue then = kernels::epilogue::none) const noexcept {
        kernels->linear({in, in_stride, rows, w.packed, w.bias, w.n, w.k, out, out_stride, then});
    }
};

}  // namespace layers
CVT_NAMESPACE_END
