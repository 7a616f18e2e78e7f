// What becomes of the weights at load: everything foldable is folded, everything else is packed once.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>

#include "../float_bits.hpp"
#include "../runtime/arena.hpp"
#include "../runtime/buffer.hpp"
#include "../weight_source.hpp"
#include "head.hpp"
#include "stage.hpp"

CVT_NAMESPACE_BEGIN

/// Things worth telling that are not errors, such as weights that are not finite.
struct warning_list {
    static constexpr int capacity = 8, text_size = 192;
    int count = 0;  ///< how many there were; only the first `capacity` are kept
    char text[capacity][text_size]{};

    CVT_PRINTF(2, 3) void add(const char* pattern, ...) noexcept {
        if (count < capacity) {
            std::va_list arguments;
            va_start(arguments, pattern);
            std::vsnprintf(text[count], text_size, pattern, arguments);
            va_end(arguments);
        }
        ++count;
    }
};

namespace detail {

/// Pointers into a model's block of floats.
struct model_weights {
    std::array<layers::stage_weights, config::max_stages> stage;
    layers::head_weights head;
};

/// Walks over all tensors of a configuration. With a measuring arena it only counts; with memory it reads, folds and
/// packs. Beside the packed weights it needs one tensor of scratch.
class weight_packer {
public:
    weight_packer(const config& c, const kernels::kernel_set& kernels, arena& memory) noexcept
        : c_{c}, kernels_{kernels}, memory_{memory} {}

    /// Floats of scratch for the largest tensor and for the vectors folded into it; known after a measuring run.
    [[nodiscard]] std::size_t tensor_floats() const noexcept { return tensor_floats_; }
    [[nodiscard]] std::size_t vector_floats() const noexcept { return vector_floats_; }
    [[nodiscard]] std::int64_t parameters() const noexcept { return parameters_; }

    void fill_from(const weight_source& source, float* tensor, float* vectors, warning_list& warnings) noexcept {
        source_ = &source;
        tensor_ = tensor;
        vectors_ = vectors;
        warnings_ = &warnings;
    }

    /// `blocks` has room for all blocks of all stages.
    error run(layers::block_weights* blocks, model_weights& out) noexcept {
        int channels = c_.num_channels;
        for (int i = 0; i < c_.num_stages; ++i) {
            const stage_config& s = c_.stage[static_cast<std::size_t>(i)];
            layers::stage_weights& w = out.stage[static_cast<std::size_t>(i)];
            std::snprintf(prefix_, sizeof prefix_, "stage%d.", i);
            if (s.cls_token) w.cls_token = vector("cls_token", s.embed_dim, true);
            embedding(s, channels, i == 0, w.embed);
            for (int j = 0; j < s.depth; ++j) {
                std::snprintf(prefix_, sizeof prefix_, "stage%d.blocks.%d.", i, j);
                layers::block_weights b;
                block(s, b);
                if (blocks != nullptr) blocks[j] = b;
                if (failed_) return failed_;
            }
            if (blocks != nullptr) {
                w.blocks = {blocks, static_cast<std::size_t>(s.depth)};
                blocks += s.depth;
            }
            channels = s.embed_dim;
        }
        prefix_[0] = '\0';
        out.head.has_norm = c_.final_norm;
        if (c_.final_norm) norm("norm.", channels, out.head.norm);
        if (c_.num_classes > 0) {
            out.head.linear = linear("head.weight", c_.num_classes, channels, 1.0, nullptr);
            out.head.linear.bias = vector("head.bias", c_.num_classes);
        }
        return failed_;
    }

private:
    void embedding(const stage_config& s, int channels, bool first, layers::conv_embed_weights& w) noexcept {
        const std::int64_t kernel = s.patch_size, area = kernel * kernel, patch = channels * area;
        const std::int64_t shape[]{s.embed_dim, channels, kernel, kernel};
        float* weights = tensor("patch_embed.proj.weight", shape);
        if (weights != nullptr && !first) {
            // Tokens lie channels last, so a patch is gathered as (y, x, channel): put each row of weights in that order.
            float* row = scratch_vectors(static_cast<std::size_t>(patch));
            for (std::int64_t o = 0; o < s.embed_dim; ++o) {
                float* from = weights + o * patch;
                for (std::int64_t ch = 0; ch < channels; ++ch)
                    for (std::int64_t at = 0; at < area; ++at) row[at * channels + ch] = from[ch * area + at];
                std::memcpy(from, row, static_cast<std::size_t>(patch) * sizeof(float));
            }
        } else {
            scratch_vectors(static_cast<std::size_t>(patch));
        }
        w.projection = pack(weights, s.embed_dim, static_cast<std::ptrdiff_t>(patch));
        w.projection.bias = vector("patch_embed.proj.bias", s.embed_dim);
        norm("patch_embed.norm.", s.embed_dim, w.norm);
    }

    void block(const stage_config& s, layers::block_weights& w) noexcept {
        norm("norm1.", s.embed_dim, w.norm1);
        projection_of("q", s, 1.0 / std::sqrt(static_cast<double>(s.embed_dim)), w.attention.query);
        projection_of("k", s, 1.0, w.attention.key);
        projection_of("v", s, 1.0, w.attention.value);
        w.attention.output = linear("attn.proj.weight", s.embed_dim, s.embed_dim, 1.0, nullptr);
        w.attention.output.bias = vector("attn.proj.bias", s.embed_dim);

        // fc1(x * gain + bias) = (W * gain) x + (W bias + b): norm2's affine part disappears into fc1.
        const auto dim = static_cast<std::size_t>(s.embed_dim);
        float* affine = scratch_vectors(2 * dim);
        read_vector("norm2.weight", s.embed_dim, affine);
        read_vector("norm2.bias", s.embed_dim, affine == nullptr ? nullptr : affine + dim);
        float* bias = vector("mlp.fc1.bias", s.hidden_dim());
        w.mlp.fc1 = linear("mlp.fc1.weight", s.hidden_dim(), s.embed_dim, 1.0, affine, bias);
        w.mlp.fc1.bias = bias;
        w.mlp.fc2 = linear("mlp.fc2.weight", s.embed_dim, s.hidden_dim(), 1.0, nullptr);
        w.mlp.fc2.bias = vector("mlp.fc2.bias", s.embed_dim);
    }

    /// A projection's depth-wise part with its batch norm folded in, and its linear part times `scale`.
    void projection_of(const char* which, const stage_config& s, double scale, layers::conv_projection_weights& w) noexcept {
        char name[64];
        if (s.qkv_projection == projection::dw_bn) {
            const auto dim = static_cast<std::size_t>(s.embed_dim);
            const std::int64_t shape[]{s.embed_dim, 1, s.kernel_qkv, s.kernel_qkv};
            const std::size_t area = static_cast<std::size_t>(s.kernel_qkv) * static_cast<std::size_t>(s.kernel_qkv);
            float* bn = scratch_vectors(4 * dim);
            static constexpr const char* parts[]{"weight", "bias", "running_mean", "running_var"};
            for (std::size_t i = 0; i < 4; ++i) {
                std::snprintf(name, sizeof name, "attn.conv_proj_%s.bn.%s", which, parts[i]);
                read_vector(name, s.embed_dim, bn == nullptr ? nullptr : bn + i * dim);
            }
            std::snprintf(name, sizeof name, "attn.conv_proj_%s.conv.weight", which);
            const float* conv = tensor(name, shape);
            float* folded = memory_.take(area * dim);
            float* shift = memory_.take(dim);
            if (conv != nullptr) {
                for (std::size_t ch = 0; ch < dim; ++ch) {
                    const double s_ch = static_cast<double>(bn[ch]) / std::sqrt(static_cast<double>(bn[3 * dim + ch]) + 1e-5);
                    for (std::size_t at = 0; at < area; ++at)
                        folded[at * dim + ch] = static_cast<float>(static_cast<double>(conv[ch * area + at]) * s_ch);
                    shift[ch] = static_cast<float>(static_cast<double>(bn[dim + ch]) - static_cast<double>(bn[2 * dim + ch]) * s_ch);
                }
            }
            w.depthwise = folded;
            w.shift = shift;
        }
        std::snprintf(name, sizeof name, "attn.proj_%s.weight", which);
        w.linear = linear(name, s.embed_dim, s.embed_dim, scale, nullptr);
        if (!s.qkv_bias) return;
        std::snprintf(name, sizeof name, "attn.proj_%s.bias", which);
        float* bias = vector(name, s.embed_dim);
        if (bias != nullptr && scale != 1.0)
            for (int i = 0; i < s.embed_dim; ++i) bias[i] = static_cast<float>(static_cast<double>(bias[i]) * scale);
        w.linear.bias = bias;
    }

    void norm(const char* name, int dim, layers::norm_weights& w) noexcept {
        char full[64];
        std::snprintf(full, sizeof full, "%sweight", name);
        w.gain = vector(full, dim);
        std::snprintf(full, sizeof full, "%sbias", name);
        w.bias = vector(full, dim);
    }

    /// W (n, k) * scale, packed. With `affine`, a gain (k) and a bias (k) in front of the layer are folded into W and into `bias`.
    layers::linear_weights linear(const char* name, int n, int k, double scale, const float* affine, float* bias = nullptr) noexcept {
        const std::int64_t shape[]{n, k};
        float* w = tensor(name, shape);
        if (w != nullptr && (scale != 1.0 || affine != nullptr)) {
            for (std::ptrdiff_t i = 0; i < n; ++i) {
                float* row = w + i * k;
                double shift = 0;
                for (std::ptrdiff_t j = 0; j < k; ++j) {
                    const double v = static_cast<double>(row[j]);
                    if (affine != nullptr) shift += v * static_cast<double>(affine[k + j]);
                    row[j] = static_cast<float>(v * scale * (affine == nullptr ? 1.0 : static_cast<double>(affine[j])));
                }
                if (bias != nullptr) bias[i] = static_cast<float>(static_cast<double>(bias[i]) + shift);
            }
        }
        return pack(w, n, k);
    }

    layers::linear_weights pack(const float* w, std::ptrdiff_t n, std::ptrdiff_t k) noexcept {
        float* packed = memory_.take(kernels_.packed_size(n, k));
        if (w != nullptr) kernels_.pack(w, k, 1, n, k, packed, k);
        return {packed, nullptr, n, k};
    }

    /// A vector that is used as it is. `one_row`: the official shape is (1, 1, n).
    float* vector(const char* name, int n, bool one_row = false) noexcept {
        float* at = memory_.take(static_cast<std::size_t>(n));
        read_vector(name, n, at, one_row);
        return at;
    }

    void read_vector(const char* name, int n, float* out, bool one_row = false) noexcept {
        const std::int64_t shape[]{1, 1, n};
        read(name, one_row ? std::span<const std::int64_t>{shape} : std::span<const std::int64_t>{shape + 2, 1}, out);
    }

    /// Reads a tensor into scratch memory; null when measuring or after an error.
    float* tensor(const char* name, std::span<const std::int64_t> shape) noexcept {
        const std::size_t count = read(name, shape, tensor_);
        if (count > tensor_floats_) tensor_floats_ = count;
        return failed_ ? nullptr : tensor_;
    }

    float* scratch_vectors(std::size_t count) noexcept {
        if (count > vector_floats_) vector_floats_ = count;
        return vectors_;
    }

    std::size_t read(const char* name, std::span<const std::int64_t> shape, float* out) noexcept {
        std::size_t count = 1;
        for (const std::int64_t e : shape) count *= static_cast<std::size_t>(e);
        if (std::strstr(name, "running_") == nullptr) parameters_ += static_cast<std::int64_t>(count);  // statistics are not parameters
        if (out == nullptr || failed_) return count;
        char full[128];
        std::snprintf(full, sizeof full, "%s%s", prefix_, name);
        failed_ = source_->read(source_->context, full, shape, out);
        if (!failed_) warn_unless_finite(full, out, count);
        return count;
    }

    void warn_unless_finite(const char* name, const float* values, std::size_t count) noexcept {
        std::size_t bad = 0;
        for (std::size_t i = 0; i < count; ++i) bad += is_finite(values[i]) ? 0U : 1U;
        if (bad != 0) warnings_->add("%s: %zu of %zu values are NaN or infinite", name, bad, count);
    }

    const config& c_;
    const kernels::kernel_set& kernels_;
    arena& memory_;
    const weight_source* source_ = nullptr;
    warning_list* warnings_ = nullptr;
    float *tensor_ = nullptr, *vectors_ = nullptr;
    std::size_t tensor_floats_ = 0, vector_floats_ = 0;
    std::int64_t parameters_ = 0;
    error failed_;
    char prefix_[48] = "";
};

}  // namespace detail
CVT_NAMESPACE_END
