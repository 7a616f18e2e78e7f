// int8 files: weights as bytes with a scale for each output channel, in the naming of compressed-tensors.
#pragma once

#include "../network/fold.hpp"
#include "../network/tensor_list.hpp"
#include "../quantize.hpp"
#include "../runtime/buffer.hpp"
#include "../weight_source.hpp"
#include "formats/tensor_table.hpp"
#include "tensor_names.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// "X.weight" has its scales in "X.weight_scale" (n, 1, ...): element (i, ...) is byte * scale[i]. Asymmetric weights would also have
/// "X.weight_zero_point", and are not supported.
inline constexpr std::string_view scale_suffix = "_scale", zero_point_suffix = "_zero_point";

/// Number of elements of a tensor, which may not be in memory yet: 64 bits on every machine.
inline std::uint64_t count_elements(std::span<const std::int64_t> shape) noexcept {
    std::uint64_t count = 1;
    for (const std::int64_t extent : shape) count *= static_cast<std::uint64_t>(extent);
    return count;
}

/// Whether an int8 file stores the tensor with this official name as bytes.
inline bool is_stored_as_int8(std::string_view official_name) noexcept {
    std::string_view rest = official_name;
    if (!take_front(rest, "stage")) return false;
    const int stage = rest.starts_with("0.") ? 0 : 1;
    for (const network::tensor_id id : network::int8_weights) {
        const std::string_view name = network::rows::all[static_cast<std::size_t>(id)].name;
        if (rest.size() <= name.size() || !rest.ends_with(name) || rest[rest.size() - name.size() - 1] != '.') continue;
        return network::is_int8_weight(id, {stage, 0});
    }
    return false;
}

/// The tensors of another source as an int8 file stores them. The affine part of norm2 is folded into fc1 first, as loading a model does.
/// The bytes are therefore those of an int8 model that is loaded from the source itself.
class int8_source {
public:
    /// Both must outlive this object. `c`: the configuration of the source's tensors.
    int8_source(const config& c, const weight_source& from) noexcept : config_{c}, from_{from} {}

    /// Reads a tensor with the values that the file represents. Errors: the source's; unsupported (weights that are not finite);
    /// out_of_memory.
    error read(const char* name, std::span<const std::int64_t> shape, float* out) const noexcept {
        if (!is_stored_as_int8(name)) return read_folded(name, shape, out);
        if (error e = read_finite(name, shape, out)) return e;
        const std::ptrdiff_t cols = columns(shape);
        for (std::int64_t i = 0; i < shape[0]; ++i) {
            float* const row = out + i * cols;
            const float scale = detail::weight_scale(row, 1, cols);
            for (std::ptrdiff_t j = 0; j < cols; ++j) row[j] = scale * static_cast<float>(detail::weight_byte(row[j], scale));
        }
        return {};
    }

    /// Reads a weight that is stored as bytes, and quantises it: `bytes` (n * k), `scales` (n), both in buffers of the caller. Errors as
    /// those of read().
    error quantize(const char* name, std::span<const std::int64_t> shape, float* values, std::int8_t* bytes, float* scales) const noexcept {
        if (error e = read_finite(name, shape, values)) return e;
        const std::ptrdiff_t cols = columns(shape);
        for (std::int64_t i = 0; i < shape[0]; ++i) {
            const float* const row = values + i * cols;
            scales[i] = detail::weight_scale(row, 1, cols);
            for (std::ptrdiff_t j = 0; j < cols; ++j)
                bytes[i * cols + j] = static_cast<std::int8_t>(detail::weight_byte(row[j], scales[i]));
        }
        return {};
    }

private:
    static std::ptrdiff_t columns(std::span<const std::int64_t> shape) noexcept {
        return static_cast<std::ptrdiff_t>(count_elements(shape.subspan(1)));
    }

    error read_finite(const char* name, std::span<const std::int64_t> shape, float* out) const noexcept {
        if (error e = read_folded(name, shape, out)) return e;
        return detail::check_finite(name, {out, static_cast<std::size_t>(count_elements(shape))});
    }

    /// Reads norm2 as the identity, and fc1 with norm2 folded into it.
    error read_folded(const char* name, std::span<const std::int64_t> shape, float* out) const noexcept {
        const std::string_view view{name};
        if (view.ends_with(".norm2.weight") || view.ends_with(".norm2.bias")) {
            std::fill_n(out, count_elements(shape), view.ends_with("weight") ? 1.F : 0.F);
            return {};
        }
        if (error e = from_.read(from_.context, name, shape, out)) return e;
        const bool weight = view.ends_with(".mlp.fc1.weight"), bias = view.ends_with(".mlp.fc1.bias");
        return weight || bias ? fold_fc1(view, shape[0], weight ? out : nullptr, bias ? out : nullptr) : error{};
    }

    /// Folds norm2 into the weight of fc1 or into its bias; the other is null, and the weight is read again for the bias.
    error fold_fc1(std::string_view name, std::int64_t hidden, float* weight, float* bias) const noexcept {
        const std::string_view block = detail::slice(name, 0, name.find("mlp."));
        const std::int64_t dim = config_.stage[static_cast<std::size_t>(name[5] - '0')].embed_dim;  // "stage1.blocks."
        const std::uint64_t vectors = 2 * static_cast<std::uint64_t>(dim) + static_cast<std::uint64_t>(hidden),
                            matrix_size = static_cast<std::uint64_t>(hidden * dim);
        detail::buffer<float> memory;
        if (!memory.resize(vectors + (weight == nullptr ? matrix_size : 0)))
            return error::out_of_memory("quantising a tensor", (vectors + matrix_size) * sizeof(float));
        float *const gain = memory.data(), *const beta = gain + dim, *const unused_bias = beta + dim;
        if (error e = read_beside(block, "norm2.weight", {&dim, 1}, gain)) return e;
        const std::span<const float> gains{gain, static_cast<std::size_t>(dim)};
        const tensor_name norm2 = tensor_name{}.append(block).append("norm2.weight");
        if (error e = detail::refuse_not_finite(norm2.c_str(), detail::count_not_finite(gains), gains.size())) return e;
        if (error e = read_beside(block, "norm2.bias", {&dim, 1}, beta)) return e;
        if (weight == nullptr) {
            weight = memory.data() + static_cast<std::size_t>(vectors);
            const std::int64_t shape[]{hidden, dim};
            if (error e = read_beside(block, "mlp.fc1.weight", shape, weight)) return e;
        }
        if (bias == nullptr) {
            bias = unused_bias;
            std::fill_n(bias, hidden, 0.F);
        }
        const auto rows = static_cast<std::ptrdiff_t>(hidden), cols = static_cast<std::ptrdiff_t>(dim);
        network::fold_affine({.data = weight, .rows = rows, .cols = cols, .stride = cols}, gain, beta, bias);
        return {};
    }

    error read_beside(std::string_view block, std::string_view part, std::span<const std::int64_t> shape, float* out) const noexcept {
        return from_.read(from_.context, tensor_name{}.append(block).append(part).c_str(), shape, out);
    }

    const config& config_;
    const weight_source& from_;
};

}  // namespace checkpoint
CVT_NAMESPACE_END
