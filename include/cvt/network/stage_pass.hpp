// stage_pass: what is constant while one stage runs.
#pragma once

#include "../config.hpp"
#include "../shape.hpp"
#include "context.hpp"

CVT_NAMESPACE_BEGIN
namespace network {

using stage_shape = model_shape::stage_shape;

/// Memory of a stage's attention layers, planned once and used by every block.
struct attention_buffers {
    matrix<float> heads;                         ///< (queries, dim): q, then each head's softmax(q k^T) v in its place
    std::byte* keys = nullptr;                   ///< k of every head, packed as the weights of q k^T
    std::byte* values = nullptr;                 ///< v of every head, packed as the weights of p v
    std::size_t key_bytes = 0, value_bytes = 0;  ///< a head
};

/// Everything a layer needs besides its weights and tensors.
struct stage_pass {
    const context& ctx;
    const stage_config& config;
    const stage_shape& shape;
    const attention_buffers& buffers;
    gelu activation;
};

}  // namespace network
CVT_NAMESPACE_END
