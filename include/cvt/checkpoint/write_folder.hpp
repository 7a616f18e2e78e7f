// Writes an opened checkpoint as a Hugging Face folder: config.json, preprocessor_config.json, model.safetensors.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

#include "../error.hpp"
#include "../float_bits.hpp"
#include "../image/input_size.hpp"
#include "../runtime/buffer.hpp"
#include "formats/half.hpp"
#include "formats/output_file.hpp"
#include "formats/safetensors_writer.hpp"
#include "hf_writer.hpp"
#include "source.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// transformers' name of a tensor. A model without a final norm is its CvtModel, whose names lack "cvt.".
inline name_style written_style(const config& c) noexcept { return {naming::hf, false, !c.final_norm}; }

/// Makes every value one that F16 has. Errors: mismatch, when a finite value is beyond F16's range.
inline error round_to_f16(const char* name, std::span<float> values) noexcept {
    for (float& v : values) {
        const float rounded = f16_to_float(float_to_f16(v));
        if (detail::is_finite(v) && !detail::is_finite(rounded))
            return error::format(errc::mismatch, "%s: %g does not fit F16, whose largest number is 65504", name, static_cast<double>(v));
        v = rounded;
    }
    return {};
}

/// Reads a tensor of `from` as it will be written: float32, or rounded to F16.
inline error read_as(dtype type, const opened& from, const char* name, std::span<const std::int64_t> shape, std::span<float> out) noexcept {
    if (error e = from.read(name, shape, out.data())) return e;
    return type == dtype::f16 ? round_to_f16(name, out) : error{};
}

/// Calls visitor(official name, shape, is_counter) for everything a file of the model holds: BatchNorm's step counters,
/// which transformers writes too, then the weights: so every tensor is aligned.
template <class Visitor>
void for_each_written(const config& c, Visitor&& visitor) noexcept {
    constexpr std::string_view statistic = "running_var";
    for_each_tensor(c, [&](const char* name, std::span<const std::int64_t>) noexcept {
        const std::string_view all{name};
        if (!all.ends_with(statistic)) return;
        tensor_name counter;
        counter.append(all.substr(0, all.size() - statistic.size())).append("num_batches_tracked");
        visitor(counter.c_str(), std::span<const std::int64_t>{}, true);
    });
    for_each_tensor(c, [&](const char* name, std::span<const std::int64_t> shape) noexcept { visitor(name, shape, false); });
}

/// A step counter as it stands in the source, 0 where it has none.
inline error read_counter(const opened& from, const char* name, std::int64_t& out) noexcept {
    const tensor_entry* entry = find_official(from.tensors, from.style, name);
    if (entry == nullptr || entry->type != dtype::i64 || entry->elements() != 1) return {};
    return from.tensors.source(entry->shard).read(entry->offset, sizeof out, &out);
}

/// Writes float32 values as `type` (f32 or f16), the latter without rounding: they fit already.
inline error write_values(output_file& to, dtype type, std::span<const float> values) noexcept {
    if (type == dtype::f32) return to.write(values.data(), values.size_bytes());
    std::uint16_t block[8192];
    for (std::size_t done = 0; done < values.size();) {
        const std::size_t count = std::min(values.size() - done, std::size(block));
        for (std::size_t i = 0; i < count; ++i) block[i] = float_to_f16(values[done + i]);
        if (error e = to.write(block, count * sizeof block[0])) return e;
        done += count;
    }
    return {};
}

/// Writes all tensors of `from`, one in memory at a time. `type`: f32, which keeps the bits of every float type but F64
/// (rounded to nearest), or f16 (rounded to nearest even). `self_test`: the text of a record, or empty.
inline error write_weights(const opened& from, dtype type, std::string_view self_test, output_file& to,
                           safetensors_header& header) noexcept {
    const std::pair<std::string_view, std::string_view> metadata[]{{"format", "pt"}, {self_test_key, self_test}};
    header.metadata({metadata, self_test.empty() ? std::size_t{1} : std::size_t{2}});
    const name_style style = written_style(from.config);
    std::size_t largest = 0;
    for_each_written(from.config, [&](const char* name, std::span<const std::int64_t> shape, bool counter) noexcept {
        header.declare(style.in_file(name).view(), counter ? dtype::i64 : type, shape);
        std::size_t count = 1;
        for (const std::int64_t extent : shape) count *= static_cast<std::size_t>(extent);
        largest = std::max(largest, count);
    });
    if (error e = header.write(to)) return e;

    detail::buffer<float> tensor;
    if (!tensor.resize(largest)) return error::out_of_memory("a tensor", largest * sizeof(float));
    error failed;
    for_each_written(from.config, [&](const char* name, std::span<const std::int64_t> shape, bool counter) noexcept {
        if (failed) return;
        if (counter) {
            std::int64_t steps = 0;
            failed = read_counter(from, name, steps);
            if (!failed) failed = to.write(&steps, sizeof steps);
            return;
        }
        std::size_t count = 1;
        for (const std::int64_t extent : shape) count *= static_cast<std::size_t>(extent);
        const std::span<float> values{tensor.data(), count};
        failed = read_as(type, from, name, shape, values);
        if (!failed) failed = write_values(to, type, values);
    });
    return failed;
}

/// The side of square inputs, 0 where they are not square or follow the image's shape.
inline int square_side(const preprocessing& p) noexcept {
    const std::optional<grid> size = output_size(p);
    return size && size->height == size->width ? size->height : 0;
}

/// The two JSON texts of a folder.
struct folder_texts {
    json_writer config{json_writer::layout::indented}, preprocessor{json_writer::layout::indented};

    error make(const opened& from, dtype type, std::span<const char* const> labels) noexcept {
        const char* torch_dtype = type == dtype::f16 ? "float16" : "float32";
        if (error e = write_hf_config(from.config, square_side(from.preprocessing), labels, torch_dtype, config)) return e;
        return write_hf_preprocessor(from.preprocessing, preprocessor);
    }
};

/// Writes the folder `path`, which must be new or empty. No file has its name before all are written, and the weights
/// get theirs last, so an interrupted run leaves nothing that loads. `written`: tensors and bytes of the weights.
/// Errors name the file: io, invalid_argument, mismatch, out_of_memory, unsupported.
inline error write_folder(const opened& from, const char* path, dtype type, const folder_texts& texts, std::string_view self_test,
                          safetensors_header& written) noexcept {
    output_folder folder;
    output_file weights, config, preprocessor;
    if (error e = folder.create(path)) return e;
    const auto write_text = [path](output_file& to, std::string_view name, const json_writer& json) noexcept {
        if (error e = to.create(path, name)) return e;
        if (error e = to.write(json.text().data(), json.text().size())) return e;
        return to.write("\n", 1);
    };
    if (error e = write_text(config, "config.json", texts.config)) return e;
    if (error e = write_text(preprocessor, "preprocessor_config.json", texts.preprocessor)) return e;
    if (error e = weights.create(path, "model.safetensors")) return e;
    if (error e = write_weights(from, type, self_test, weights, written)) return e;
    for (output_file* file : {&config, &preprocessor, &weights})
        if (error e = file->commit()) return e;
    return {};
}

}  // namespace checkpoint
CVT_NAMESPACE_END
