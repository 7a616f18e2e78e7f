// A stage's pass: its attention tensors, each an allocation of its own, so that AddressSanitizer sees a step across their ends, and
// scratch memory of exactly the size that its layers ask for.
#pragma once

#include <cvt/network/workspace.hpp>

#include "layer_fixture.hpp"

namespace cvt_test {

class stage_memory {
public:
    /// `channels`: of the stage's input.
    stage_memory(const cvt::stage_config& s, const cvt::network::stage_shape& shape, const cvt::kernels::kernel_set& set,
                 const cvt::executor& host, cvt::gelu activation = cvt::gelu::quick, int channels = 1)
        : config_{s},
          shape_{shape},
          context_{set, host, cvt::network::scratch_bytes(s, channels, shape, set.f32)},
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
