// int8 files: weights as bytes with a scale for each output channel, in the naming of compressed-tensors.
#pragma once

#include "../network/fold.hpp"
#include "../network/tensor_list.hpp"
#include "../quantize.hpp"
#include "../runtime/buffer.hpp"
#include "../weight_source.hpp"
#include "formats/tensor_table.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// "X.weight" has its scales in "X.weight_scale" (n, 1, ...): element (i, ...) is byte * scale[i]. Asymmetric weights would also have
/// "X.weight_zero_point", and are not supported.
inline constexpr std::string_view scale_suffix = "_scale", zero_point_suffix = "_zero_point";

/// The tensors of another source as an int8 file stores them. The affine part of norm2 is folded into fc1 first, as loading a model does.
/// The bytes are therefore those of an int8 model that is loaded from the source itself.
class int8_source {
public:
    /// Both must outlive this object. `c`: the configuration of the source's tensors.
    int8_source(const config& c, const weight_source& from) noexcept : config_{c}, from_{from} {}

    /// Reads a tensor with the values that the file represents. Errors: the source's; unsupported (weights that are not finite);
    /// out_of_memory.
    error read(const char* name, std::span<const std::int64_t> shape, float* out) const noexcept {
        const auto [id, at] = network::find_tensor(name);
        return network::is_int8_weight(id, at) ? quantize(name, shape, out, nullptr, nullptr) : read_folded(name, shape, out);
    }

    /// Reads a weight that is stored as bytes, and quantises it: `bytes` (n * k), `scales` (n), both in buffers of the caller or null.
    /// `values` are then those that the bytes represent. Errors as those of read().
    error quantize(const char* name, std::span<const std::int64_t> shape, float* values, std::int8_t* bytes, float* scales) const noexcept {
        if (error e = read_folded(name, shape, values)) return e;
        if (error e = detail::check_finite(name, {values, static_cast<std::size_t>(detail::count_elements(shape))})) return e;
        const auto cols = static_cast<std::ptrdiff_t>(detail::count_elements(shape.subspan(1)));
        for (std::int64_t i = 0; i < shape[0]; ++i) {
            float* const row = values + i * cols;
            const float scale = detail::weight_scale(row, 1, cols);
            if (scales != nullptr) scales[i] = scale;
            for (std::ptrdiff_t j = 0; j < cols; ++j) {
                const int byte = detail::weight_byte(row[j], scale);
                if (bytes != nullptr) bytes[i * cols + j] = static_cast<std::int8_t>(byte);
                row[j] = scale * static_cast<float>(byte);
            }
        }
        return {};
    }

private:
    /// Reads norm2 as the identity, and fc1 with norm2 folded into it.
    error read_folded(const char* name, std::span<const std::int64_t> shape, float* out) const noexcept {
        using network::tensor_id;
        const auto [id, at] = network::find_tensor(name);
        if (id == tensor_id::norm2_weight || id == tensor_id::norm2_bias) {
            std::fill_n(out, detail::count_elements(shape), id == tensor_id::norm2_weight ? 1.F : 0.F);
            return {};
        }
        if (error e = from_.read(from_.context, name, shape, out)) return e;
        if (id == tensor_id::fc1_weight) return fold_fc1(at, out, nullptr);
        return id == tensor_id::fc1_bias ? fold_fc1(at, nullptr, out) : error{};
    }

    /// Folds norm2 into the weight of fc1 or into its bias; the other is null, and the weight is read again for the bias.
    error fold_fc1(network::tensor_place at, float* weight, float* bias) const noexcept {
        const stage_config& stage = config_.stage[static_cast<std::size_t>(at.stage)];
        const std::ptrdiff_t dim = stage.embed_dim, hidden = stage.hidden_dim();
        const std::uint64_t vectors = 2 * static_cast<std::uint64_t>(dim) + static_cast<std::uint64_t>(hidden),
                            matrix_size = static_cast<std::uint64_t>(std::int64_t{hidden} * dim);
        detail::buffer<float> memory;
        if (!memory.resize(vectors + (weight == nullptr ? matrix_size : 0)))
            return error::out_of_memory("quantising a tensor", (vectors + matrix_size) * sizeof(float));
        float *const gain = memory.data(), *const beta = gain + dim, *const unused_bias = beta + dim;
        const network::tensor_info norm2 = network::describe(config_, network::tensor_id::norm2_weight, at);
        if (error e = from_.read(from_.context, norm2.name, norm2.extents(), gain)) return e;
        if (error e = detail::refuse_not_finite(norm2.name, {gain, static_cast<std::size_t>(dim)})) return e;
        if (error e = read(network::tensor_id::norm2_bias, at, beta)) return e;
        if (weight == nullptr) {
            weight = memory.data() + static_cast<std::size_t>(vectors);
            if (error e = read(network::tensor_id::fc1_weight, at, weight)) return e;
        }
        if (bias == nullptr) {
            bias = unused_bias;
            std::fill_n(bias, hidden, 0.F);
        }
        network::fold_affine({.data = weight, .rows = hidden, .cols = dim, .stride = dim}, gain, beta, bias);
        return {};
    }

    error read(network::tensor_id id, network::tensor_place at, float* out) const noexcept {
        const network::tensor_info t = network::describe(config_, id, at);
        return from_.read(from_.context, t.name, t.extents(), out);
    }

    const config& config_;
    const weight_source& from_;
};

}  // namespace checkpoint
CVT_NAMESPACE_END
