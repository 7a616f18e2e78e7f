// The memory of a stage's pass. Each attention tensor is a separate allocation, so that AddressSanitizer sees accesses past its
// end; scratch memory has exactly the size that the layers ask for.
#pragma once

#include <cvt/network/workspace.hpp>

#include "layer_fixture.hpp"

namespace cvt_test {

class stage_memory {
public:
    /// With the scratch memory for all layers of a stage with an input of `channels` channels.
    stage_memory(const cvt::stage_config& s, const cvt::network::stage_shape& shape, const cvt::kernels::kernel_set& set,
                 const cvt::executor& host, cvt::gelu activation = cvt::gelu::quick, int channels = 1)
        : stage_memory{s, shape, set, host, activation, cvt::network::scratch_bytes(s, channels, shape, set.f32)} {}
    /// With the scratch memory that a single layer asks for.
    stage_memory(const cvt::stage_config& s, const cvt::network::stage_shape& shape, const cvt::kernels::kernel_set& set,
                 const cvt::executor& host, cvt::gelu activation, std::uint64_t scratch)
        : config_{s},
          shape_{shape},
          context_{set, host, static_cast<std::size_t>(scratch)},
          heads_{poisoned_rows(shape.queries(), s.embed_dim)},
          activation_{activation} {
        cvt::detail::arena measure;
        buffers_ = cvt::network::plan_attention(measure, s, shape, set.f32);
        keys_ = poisoned(count(s.num_heads) * buffers_.key_bytes / sizeof(float));
        values_ = poisoned(count(s.num_heads) * buffers_.value_bytes / sizeof(float));
        buffers_.heads = rows_apart(heads_, s.embed_dim);
        buffers_.keys = reinterpret_cast<std::byte*>(keys_.data());
        buffers_.values = reinterpret_cast<std::byte*>(values_.data());
    }
    stage_memory(const stage_memory&) = delete;
    stage_memory& operator=(const stage_memory&) = delete;

    cvt::network::stage_pass pass() const { return {context_, config_, shape_, buffers_, activation_}; }

private:
    cvt::stage_config config_;
    cvt::network::stage_shape shape_;
    layer_context context_;
    std::vector<float> heads_, keys_, values_;
    cvt::network::attention_buffers buffers_;
    cvt::gelu activation_;
};

}  // namespace cvt_test
