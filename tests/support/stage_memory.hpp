// The tensors of one attention call, each an allocation of its own, so that AddressSanitizer sees a step across their ends.
#pragma once

#include <cvt/network/attention.hpp>

#include "layer_fixture.hpp"

namespace cvt_test {

class attention_memory {
public:
    attention_memory(const cvt::stage_config& s, const cvt::model_shape::stage_shape& shape, const cvt::kernels::kernel_set& set)
        : q_{poisoned_rows(shape.queries(), s.embed_dim)} {
        cvt::detail::arena measure;
        const cvt::layers::attention_buffers planned = cvt::layers::plan_attention(measure, s, shape, set);
        packed_k_ = poisoned(count(s.num_heads) * planned.k_size);
        packed_v_ = poisoned(count(s.num_heads) * planned.v_size);
        buffers_ = {q_.data(), packed_k_.data(), packed_v_.data(), planned.k_size, planned.v_size};
    }
    attention_memory(const attention_memory&) = delete;
    attention_memory& operator=(const attention_memory&) = delete;

    const cvt::layers::attention_buffers& buffers() const { return buffers_; }

private:
    std::vector<float> q_, packed_k_, packed_v_;
    cvt::layers::attention_buffers buffers_;
};

}  // namespace cvt_test
