// The common arguments of layers: context (kernels, the host's threads, scratch memory) and stage_pass (what is constant in a stage).
#pragma once

#include <numeric>

#include "../kernels/kernel_set.hpp"
#include "../runtime/arena.hpp"
#include "../runtime/executor.hpp"
#include "../shape.hpp"

CVT_NAMESPACE_BEGIN
namespace network {

/// Row stride, in floats, of the tensors between layers. Rows of a multiple of 1 KiB would all map to the same few sets of the
/// L1 cache and evict each other. With 1024 channels that makes the depth-wise convolution 5 times slower.
constexpr std::ptrdiff_t row_stride(std::ptrdiff_t dim) noexcept { return dim % 256 == 0 ? dim + 16 : dim; }

/// Takes a matrix (rows, cols) from an arena.
inline matrix<float> take_matrix(detail::arena& memory, std::ptrdiff_t rows, std::ptrdiff_t cols, std::ptrdiff_t stride) noexcept {
    float* const data = memory.take<float>(static_cast<std::uint64_t>(rows) * static_cast<std::uint64_t>(stride));
    return {.data = data, .rows = rows, .cols = cols, .stride = stride};
}
/// Takes a matrix whose rows are row_stride apart.
inline matrix<float> take_rows(detail::arena& memory, std::ptrdiff_t rows, std::ptrdiff_t cols) noexcept {
    return take_matrix(memory, rows, cols, row_stride(cols));
}

/// Rows [first, first + count).
struct row_range {
    std::ptrdiff_t first, count;
};

/// `rows` rows split as evenly as possible into `count` tiles of whole units.
struct row_tiles {
    std::ptrdiff_t rows, unit, count;

    [[nodiscard]] row_range operator[](std::ptrdiff_t i) const noexcept { return {begin(i), begin(i + 1) - begin(i)}; }

private:
    [[nodiscard]] std::ptrdiff_t begin(std::ptrdiff_t i) const noexcept {
        const std::ptrdiff_t units = (rows + unit - 1) / unit;
        return std::min(rows, units * i / count * unit);
    }
};

struct context {
    const kernels::kernel_set* kernels = nullptr;
    executor host;
    std::byte* scratch = nullptr;  ///< workers * scratch_size bytes
    std::size_t scratch_size = 0;  ///< bytes per worker

    /// A worker's own arena.
    [[nodiscard]] detail::arena scratch_of(int worker) const noexcept {
        return detail::arena{scratch + static_cast<std::size_t>(worker) * scratch_size};
    }

    /// Tiles of at most `max_rows` rows that begin at multiples of `align`; each tile is `tasks` tasks. Tiles consist of whole
    /// register tiles, unless there are few tasks. Then their number is a multiple of the workers and the rows are split evenly.
    /// The bits of a row do not depend on where its tile begins, so the split may depend on the number of workers.
    [[nodiscard]] row_tiles tiles(std::ptrdiff_t rows, std::ptrdiff_t max_rows, std::ptrdiff_t tasks = 1,
                                  std::ptrdiff_t align = 1) const noexcept {
        const kernels::gemm_kernels& gemm = kernels->f32;
        const std::ptrdiff_t split = std::lcm(align, gemm.split_rows), strip = std::lcm(split, gemm.mr);
        const std::ptrdiff_t strips = (rows + strip - 1) / strip, strips_a_tile = std::max<std::ptrdiff_t>(1, max_rows / strip);
        const std::ptrdiff_t count = (strips + strips_a_tile - 1) / strips_a_tile;
        if (count * tasks >= std::ptrdiff_t{4} * host.workers) return {rows, strip, count};
        const std::ptrdiff_t rounds = (count * tasks + host.workers - 1) / host.workers;
        return {rows, split, std::min(strips, (rounds * host.workers + tasks - 1) / tasks)};
    }

    /// Calls body(row_range, worker) for tiles of at most task_rows rows.
    template <class Body>
    void for_each_tile(std::ptrdiff_t rows, const Body& body) const noexcept {
        const row_tiles t = tiles(rows, kernels->f32.task_rows);
        detail::parallel_for(host, t.count, [&](std::ptrdiff_t i, int worker) noexcept { body(t[i], worker); });
    }
};

/// Memory of a stage's attention layers, planned once and used by every block.
struct attention_buffers {
    matrix<float> heads;                         ///< (queries, dim): q, later replaced by each head's softmax(q k^T) v
    std::byte* keys = nullptr;                   ///< k of every head, packed as the weights of q k^T
    std::byte* values = nullptr;                 ///< v of every head, packed as the weights of p v
    std::size_t key_bytes = 0, value_bytes = 0;  ///< per head
};

/// What is constant for the layers of a stage.
struct stage_pass {
    const context& ctx;
    const stage_config& config;
    const stage_shape& shape;
    const attention_buffers& buffers;
    gelu activation;
};

}  // namespace network
CVT_NAMESPACE_END
