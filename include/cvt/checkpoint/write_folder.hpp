// Writes a model as a Hugging Face folder: config.json, preprocessor_config.json, model.safetensors.
#pragma once

#include "../float_bits.hpp"
#include "../image/input_size.hpp"
#include "../network/tensor_list.hpp"
#include "../weight_source.hpp"
#include "formats/safetensors_writer.hpp"
#include "hf_config.hpp"
#include "hf_preprocessor.hpp"
#include "hf_spectrogram.hpp"
#include "int8_weights.hpp"
#include "self_test.hpp"
#include "tensor_names.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// The JSON texts of a folder.
struct folder_texts {
    json_writer config{json_writer::layout::indented}, preprocessor{json_writer::layout::indented};
};

/// The source of BatchNorm's step counters, which transformers writes and no model uses. Without a function they are 0.
struct step_counter_source {
    const void* context = nullptr;
    error (*read)(const void* context, const char* official_name, std::int64_t& out) = nullptr;
};

/// The input of the writer of a weight file.
struct folder_weights {
    cvt::config config;
    weight_source source;
    step_counter_source counters = {};
    dtype type = dtype::f32;          ///< f32, f16 (rounded to nearest even), or i8 (int8_weights.hpp)
    std::string_view self_test = {};  ///< its JSON text, or empty
};

/// Rounds every value to one of F16. Errors: mismatch (a finite value is beyond the range of F16).
inline error round_to_f16(const char* name, std::span<float> values) noexcept {
    for (float& v : values) {
        const float rounded = f16_to_float(float_to_f16(v));
        if (detail::is_finite(v) && !detail::is_finite(rounded))
            return error::format(errc::mismatch, "%s: %g does not fit F16, whose largest number is 65504", name, static_cast<double>(v));
        v = rounded;
    }
    return {};
}

/// The tensors of another source with the values that a file of type `type` represents: unchanged, rounded to F16, or quantised.
struct stored_source {
    const config& c;
    weight_source from;
    dtype type;

    error read(const char* name, std::span<const std::int64_t> shape, float* out) const noexcept {
        if (type == dtype::i8) return int8_source{c, from}.read(name, shape, out);
        if (error e = from.read(from.context, name, shape, out)) return e;
        return type == dtype::f16 ? round_to_f16(name, {out, static_cast<std::size_t>(detail::count_elements(shape))}) : error{};
    }
};

/// What a tensor of a file holds.
enum class file_part : std::uint8_t { counter, values, scales, bytes };

/// Calls visitor(official name, shape of the model's tensor, part) for all contents of a file. BatchNorm's step counters, which
/// transformers writes too, come first, then float values, then scales, then bytes, so that every tensor is aligned.
template <class Visitor>
void for_each_written(const config& c, dtype type, Visitor&& visitor) noexcept {
    const auto in_bytes = [type](const network::tensor_info& t) noexcept {
        return type == dtype::i8 && network::is_int8_weight(t.id, t.at);
    };
    network::for_each_tensor(c, [&](const network::tensor_info& t) noexcept {
        using enum network::tensor_id;
        if (t.id != bn_q_var && t.id != bn_k_var && t.id != bn_v_var) return;
        const std::string_view name{t.name};
        tensor_name counter;
        counter.append(detail::slice(name, 0, name.rfind('.') + 1)).append("num_batches_tracked");
        visitor(counter.c_str(), std::span<const std::int64_t>{}, file_part::counter);
    });
    network::for_each_tensor(c, [&](const network::tensor_info& t) noexcept {
        if (!in_bytes(t)) visitor(t.name, t.extents(), file_part::values);
    });
    for (const file_part part : {file_part::scales, file_part::bytes})
        network::for_each_tensor(c, [&](const network::tensor_info& t) noexcept {
            if (in_bytes(t)) visitor(t.name, t.extents(), part);
        });
}

/// Writes float32 values as F16 if that is `type`, for which they must be rounded already, else as F32.
inline error write_values(output_file& to, dtype type, std::span<const float> values) noexcept {
    if (type != dtype::f16) return to.write(values.data(), values.size_bytes());
    std::uint16_t block[8192];
    for (std::size_t done = 0; done < values.size();) {
        const std::size_t count = std::min(values.size() - done, std::size(block));
        for (std::size_t i = 0; i < count; ++i) block[i] = float_to_f16(values[done + i]);
        if (error e = to.write(block, count * sizeof block[0])) return e;
        done += count;
    }
    return {};
}

/// Writes all tensors, with one at a time in memory, and all scales. F32 keeps the bits of every type but F64, which was rounded to
/// nearest.
inline error write_weights(const folder_weights& from, output_file& to, safetensors_header& header) noexcept {
    const std::pair<std::string_view, std::string_view> metadata[]{{"format", "pt"}, {self_test_key, from.self_test}};
    header.metadata({metadata, from.self_test.empty() ? 1U : 2U});
    // A model without a final norm is transformers' CvtModel, whose names lack "cvt.".
    const name_style style{.naming = naming::hf, .bare = !from.config.final_norm};
    std::uint64_t largest = 0, rows = 0;
    for_each_written(from.config, from.type, [&](const char* name, std::span<const std::int64_t> shape, file_part part) noexcept {
        largest = std::max(largest, static_cast<std::uint64_t>(detail::count_elements(shape)));
        file_name in_file = style.in_file(name);
        switch (part) {
            case file_part::counter: return header.declare(in_file.view(), dtype::i64, shape);
            case file_part::values: return header.declare(in_file.view(), from.type == dtype::f16 ? dtype::f16 : dtype::f32, shape);
            case file_part::bytes: return header.declare(in_file.view(), dtype::i8, shape);
            case file_part::scales: break;
        }
        const std::int64_t scales[4]{shape[0], 1, 1, 1};
        rows += static_cast<std::uint64_t>(shape[0]);
        header.declare(in_file.append(scale_suffix).view(), dtype::f32, {scales, shape.size()});
    });
    if (error e = header.write(to)) return e;

    detail::buffer<float> tensor, scales;
    detail::buffer<std::int8_t> bytes;
    if (!tensor.resize(largest) || (rows > 0 && !(scales.resize(rows) && bytes.resize(largest))))
        return error::out_of_memory("a tensor", largest * (rows > 0 ? 5 : 4) + rows * sizeof(float));
    const stored_source values{from.config, from.source, from.type};
    const int8_source quantised{from.config, from.source};
    float* next_scales = scales.data();
    std::fpos_t first_scales{};
    const auto write = [&](const char* name, std::span<const std::int64_t> shape, file_part part) noexcept -> error {
        const auto count = static_cast<std::size_t>(detail::count_elements(shape));
        std::int64_t steps = 0;
        switch (part) {
            case file_part::counter:
                if (from.counters.read != nullptr)
                    if (error e = from.counters.read(from.counters.context, name, steps)) return e;
                return to.write(&steps, sizeof steps);
            case file_part::values:
                if (error e = values.read(name, shape, tensor.data())) return e;
                return write_values(to, from.type, {tensor.data(), count});
            case file_part::scales: return {};
            case file_part::bytes: break;
        }
        // The scales come first in the file, but are known only now. Their space is filled at the end.
        if (next_scales == scales.data())
            if (error e = to.reserve(scales.size() * sizeof(float), first_scales)) return e;
        if (error e = quantised.quantize(name, shape, tensor.data(), bytes.data(), next_scales)) return e;
        next_scales += shape[0];
        return to.write(bytes.data(), count);
    };
    error failed;
    for_each_written(from.config, from.type, [&](const char* name, std::span<const std::int64_t> shape, file_part part) noexcept {
        if (!failed) failed = write(name, shape, part);
    });
    if (failed || rows == 0) return failed;
    return to.write_at(first_scales, scales.data(), scales.size() * sizeof(float));
}

/// Returns the side of square inputs; 0 if they are not square or their shape follows that of the image.
inline int square_side(const preprocessing& p) noexcept {
    const std::optional<grid> size = output_size(p);
    return size && size->height == size->width ? size->height : 0;
}

/// How inputs are made: of images, of sounds, or of nothing known, for which there is no preprocessor_config.json.
struct front_end {
    const cvt::preprocessing* preprocessing = nullptr;
    const cvt::spectrogram* spectrogram = nullptr;
};

/// Writes the JSON texts of a model. `labels`: UTF-8, one for each class, or none. Errors: invalid_argument (labels), bad_config,
/// out_of_memory.
inline error make_texts(const config& c, const front_end& inputs, std::span<const char* const> labels, dtype type, folder_texts& out,
                        scoring scores = scoring::softmax) noexcept {
    const int side = inputs.preprocessing == nullptr ? 0 : square_side(*inputs.preprocessing);
    if (error e = write_hf_config(c, side, labels, type, out.config, scores)) return e;
    if (inputs.spectrogram != nullptr) return write_hf_spectrogram(*inputs.spectrogram, out.preprocessor);
    return inputs.preprocessing == nullptr ? error{} : write_hf_preprocessor(*inputs.preprocessing, out.preprocessor);
}

/// Writes the files of a folder that exists already. No file has its final name before all are written, and the weights get theirs last:
/// an interrupted run leaves nothing that loads. `written`: tensors and bytes of the weights.
/// Errors name the file: io, mismatch (a value beyond the range of F16), out_of_memory, unsupported; and those of the source.
inline error write_folder(const output_folder& to, const folder_texts& texts, const folder_weights& weights,
                          safetensors_header& written) noexcept {
    output_file model, config, preprocessor;
    const auto write_text = [&to](output_file& file, std::string_view name, const json_writer& json) noexcept {
        if (error e = file.create(to.path(), name)) return e;
        if (error e = file.write(json.text().data(), json.text().size())) return e;
        return file.write("\n", 1);
    };
    if (error e = write_text(config, "config.json", texts.config)) return e;
    const bool has_preprocessor = !texts.preprocessor.text().empty();
    if (has_preprocessor)
        if (error e = write_text(preprocessor, "preprocessor_config.json", texts.preprocessor)) return e;
    if (error e = model.create(to.path(), "model.safetensors")) return e;
    if (error e = write_weights(weights, model, written)) return e;
    for (output_file* file : {&config, &preprocessor, &model})
        if (file != &preprocessor || has_preprocessor)
            if (error e = file->commit()) return e;
    return {};
}

}  // namespace checkpoint
CVT_NAMESPACE_END
