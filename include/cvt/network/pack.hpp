// Lays out a model's weights in one block of memory, and reads them from a weight_source, folds and packs them there.
#pragma once

#include "../quantize.hpp"
#include "../runtime/buffer.hpp"
#include "../weight_source.hpp"
#include "fold.hpp"
#include "forward.hpp"
#include "tensor_list.hpp"

CVT_NAMESPACE_BEGIN
namespace network {

/// Whether a model of precision `p` packs this weight as int8.
constexpr bool in_bytes(precision p, tensor_id weight, tensor_place at) noexcept {
    return p == precision::int8 && is_int8_weight(weight, at);
}

/// Takes the memory for all weights of configuration `c` as the list of tensors describes them; only measures if the arena has none.
/// `blocks` is memory for the blocks of all stages.
class weight_layout {
public:
    weight_layout(const config& c, const kernels::kernel_set& kernels, precision p, detail::arena& memory) noexcept
        : c_{c}, kernels_{kernels}, precision_{p}, memory_{memory} {}

    model_weights run(block_weights* blocks) noexcept {
        model_weights m;
        for (int i = 0; i < c_.num_stages; ++i) {
            at_ = {i, 0};
            stage_weights& w = m.stage[static_cast<std::size_t>(i)];
            w.cls_token = vector(tensor_id::cls_token);
            w.embed = {linear(tensor_id::embed_weight), norm(tensor_id::embed_norm_weight)};
            w.blocks = blocks;
            w.depth = c_.stage[static_cast<std::size_t>(i)].depth;
            for (int j = 0; j < w.depth; ++j) *blocks++ = block();
        }
        m.head = {c_.final_norm, norm(tensor_id::norm_weight), linear(tensor_id::head_weight)};
        return m;
    }

private:
    block_weights block() noexcept {
        return {.norm1 = norm(tensor_id::norm1_weight),
                .attention = {.query = projection_weights(tensor_id::conv_q, tensor_id::proj_q_weight),
                              .key = projection_weights(tensor_id::conv_k, tensor_id::proj_k_weight),
                              .value = projection_weights(tensor_id::conv_v, tensor_id::proj_v_weight),
                              .output = linear(tensor_id::proj_weight)},
                .mlp = {linear(tensor_id::fc1_weight), linear(tensor_id::fc2_weight)}};
    }
    /// One vector remains of the batch norm after the convolution: its shift.
    conv_projection_weights projection_weights(tensor_id conv, tensor_id weight) noexcept {
        return {vector(conv), vector(next(conv)), linear(weight)};
    }
    norm_weights norm(tensor_id weight) noexcept { return {vector(weight), vector(next(weight))}; }
    /// W (n, k), and the bias that follows it in the list.
    linear_weights linear(tensor_id weight) noexcept {
        if (!has(weight)) return {};
        const tensor_info t = describe(c_, weight, at_);
        const auto n = static_cast<std::ptrdiff_t>(t.shape[0]), k = static_cast<std::ptrdiff_t>(t.count() / t.shape[0]);
        const kernels::gemm_kernels& gemm = in_bytes(precision_, weight, at_) ? kernels_.s8 : kernels_.f32;
        return {packed_at(gemm, memory_.take<std::byte>(gemm.packed_bytes(n, k)), n, k), vector(next(weight))};
    }
    /// Memory for an unpacked tensor; null if the configuration does not have it.
    const float* vector(tensor_id id) noexcept {
        return has(id) ? memory_.take<float>(static_cast<std::uint64_t>(describe(c_, id, at_).count())) : nullptr;
    }
    [[nodiscard]] bool has(tensor_id id) const noexcept { return has_tensor(c_, c_.stage[static_cast<std::size_t>(at_.stage)], id); }

    const config& c_;
    const kernels::kernel_set& kernels_;
    precision precision_;
    detail::arena& memory_;
    tensor_place at_;
};

/// Reads, folds and packs the tensors of a model into the memory that weight_layout took. Needs scratch memory for one tensor.
class weight_packer {
public:
    weight_packer(const config& c, precision p, const weight_source& source, warning_list& warnings) noexcept
        : c_{c}, precision_{p}, source_{source}, warnings_{warnings} {}

    /// Errors: the source's; unsupported (int8 of weights that are not finite); out_of_memory.
    error run(const model_weights& m) noexcept {
        if (error e = reserve()) return e;
        for (int i = 0; i < c_.num_stages && !failed_; ++i) {
            const stage_weights& w = m.stage[static_cast<std::size_t>(i)];
            const stage_config& s = c_.stage[static_cast<std::size_t>(i)];
            at_ = {i, 0};
            read(tensor_id::cls_token, w.cls_token);
            embedding(w.embed);
            for (int j = 0; j < s.depth && !failed_; ++j) {
                at_.block = j;
                block(s, w.blocks[static_cast<std::size_t>(j)]);
            }
        }
        at_ = {c_.num_stages - 1, 0};
        norm(tensor_id::norm_weight, m.head.norm);
        if (m.head.linear.w.data != nullptr) linear(tensor_id::head_weight, m.head.linear);
        return failed_;
    }

private:
    void embedding(const conv_embed_weights& w) noexcept {
        const matrix<float> weights = read_matrix(tensor_id::embed_weight, w.projection.w);
        // Tokens are stored channels last, the image channels first.
        if (at_.stage != 0) fold_patch_order(weights, c_.stage[static_cast<std::size_t>(at_.stage - 1)].embed_dim, vectors_.data());
        pack(tensor_id::embed_weight, weights, w.projection.w);
        read(tensor_id::embed_bias, w.projection.bias);
        norm(tensor_id::embed_norm_weight, w.norm);
    }

    void block(const stage_config& s, const block_weights& w) noexcept {
        const double softmax_scale = 1.0 / std::sqrt(static_cast<double>(s.embed_dim));
        norm(tensor_id::norm1_weight, w.norm1);
        projection_of(tensor_id::conv_q, tensor_id::proj_q_weight, s, w.attention.query, softmax_scale);
        projection_of(tensor_id::conv_k, tensor_id::proj_k_weight, s, w.attention.key);
        projection_of(tensor_id::conv_v, tensor_id::proj_v_weight, s, w.attention.value);
        linear(tensor_id::proj_weight, w.attention.output);

        float *const gain = vectors_.data(), *const beta = gain + s.embed_dim;
        read(tensor_id::norm2_weight, gain);
        if (!failed_ && in_bytes(precision_, tensor_id::fc1_weight, at_))  // so that the error names norm2, not fc1
            failed_ =
                detail::refuse_not_finite(describe(c_, tensor_id::norm2_weight, at_).name, {gain, static_cast<std::size_t>(s.embed_dim)});
        read(tensor_id::norm2_bias, beta);
        read(tensor_id::fc1_bias, w.mlp.fc1.bias);
        const matrix<float> fc1 = read_matrix(tensor_id::fc1_weight, w.mlp.fc1.w);
        fold_affine(fc1, gain, beta, writable(w.mlp.fc1.bias));
        pack(tensor_id::fc1_weight, fc1, w.mlp.fc1.w);
        linear(tensor_id::fc2_weight, w.mlp.fc2);
    }

    void projection_of(tensor_id conv, tensor_id weight, const stage_config& s, const conv_projection_weights& w,
                       double scale = 1.0) noexcept {
        if (w.depthwise != nullptr) {
            const std::ptrdiff_t dim = s.embed_dim, area = std::ptrdiff_t{s.kernel_qkv} * s.kernel_qkv;
            float* const bn = vectors_.data();
            for (int i = 0; i < 4; ++i) read(next(conv, 1 + i), bn + i * dim);
            read(conv, tensor_.data());
            if (!failed_)
                fold_batch_norm({.data = tensor_.data(), .rows = dim, .cols = area, .stride = area},
                                {bn, bn + dim, bn + 2 * dim, bn + 3 * dim}, writable(w.depthwise), writable(w.shift));
        }
        linear(weight, w.linear, scale);
    }

    void norm(tensor_id weight, const norm_weights& w) noexcept {
        read(weight, w.gain);
        read(next(weight), w.bias);
    }

    /// The bias follows the weight in the list of tensors.
    void linear(tensor_id weight, const linear_weights& w, double scale = 1.0) noexcept {
        const matrix<float> values = read_matrix(weight, w.w);
        if (scale != 1.0) fold_scale(values.data, static_cast<std::size_t>(values.rows * values.cols), scale);
        pack(weight, values, w.w);
        if (w.bias == nullptr) return;
        read(next(weight), w.bias);
        if (scale != 1.0 && !failed_) fold_scale(writable(w.bias), static_cast<std::size_t>(w.w.n), scale);
    }

    void pack(tensor_id id, matrix<const float> values, const kernels::packed_matrix& to) noexcept {
        if (!failed_ && in_bytes(precision_, id, at_))
            failed_ = detail::check_finite(describe(c_, id, at_).name, {values.data, static_cast<std::size_t>(values.rows * values.cols)});
        if (failed_) return;
        const kernels::packed_memory memory = packed_at(*to.kernels, const_cast<std::byte*>(to.data), to.n, to.k);
        to.kernels->pack({.weights = values.data, .stride_n = values.stride, .stride_k = 1, .to = memory});
    }

    /// Layers only read weights. Their memory belongs to the model and is filled here.
    static float* writable(const float* p) noexcept { return const_cast<float*>(p); }

    matrix<float> read_matrix(tensor_id id, const kernels::packed_matrix& shape) noexcept {
        read(id, tensor_.data());
        const std::ptrdiff_t rows = failed_ ? 0 : shape.n;  // nothing to fold after an error
        return {.data = tensor_.data(), .rows = rows, .cols = shape.k, .stride = shape.k};
    }

    /// `out`: null if the configuration has no such tensor.
    void read(tensor_id id, const float* out) noexcept {
        if (failed_ || out == nullptr) return;
        const tensor_info t = describe(c_, id, at_);
        failed_ = source_.read(source_.context, t.name, t.extents(), writable(out));
        if (failed_) return;
        const auto count = static_cast<std::size_t>(t.count());
        const std::size_t bad = detail::count_not_finite({out, count});
        if (bad != 0) warnings_.add("%s: %zu of %zu values are NaN or infinite", t.name, bad, count);
    }

    /// Allocates memory for the largest tensor and for the vectors that are folded into one. Such vectors are a batch norm, the affine
    /// part of a norm, or one patch.
    error reserve() noexcept {
        std::int64_t tensor = 1, vectors = 1;
        for_each_tensor(c_, [&](const tensor_info& t) noexcept {
            tensor = std::max(tensor, t.count());
            if (t.id == tensor_id::norm1_weight) vectors = std::max(vectors, 4 * t.count());
            if (t.id == tensor_id::embed_weight) vectors = std::max(vectors, t.count() / t.shape[0]);
        });
        const auto floats = static_cast<std::uint64_t>(tensor);
        if (tensor_.resize(floats) && vectors_.resize(static_cast<std::uint64_t>(vectors))) return {};
        return error::out_of_memory("loading a tensor", floats * sizeof(float));
    }

    const config& c_;
    precision precision_;
    const weight_source& source_;
    warning_list& warnings_;
    detail::buffer<float> tensor_, vectors_;
    tensor_place at_;
    error failed_;
};

}  // namespace network
CVT_NAMESPACE_END
