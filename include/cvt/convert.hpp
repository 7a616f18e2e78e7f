// convert(): any checkpoint to a Hugging Face folder with safetensors and a self-test. Not in the umbrella: hosts load, tools convert.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <span>

#include "checkpoint/source.hpp"
#include "checkpoint/write_folder.hpp"
#include "float_bits.hpp"
#include "load.hpp"
#include "model.hpp"
#include "verify.hpp"

CVT_NAMESPACE_BEGIN

/// Element type of a converted checkpoint. float32 keeps the bits of F32, F16 and BF16 weights and rounds F64 to nearest;
/// float16 rounds to nearest even, and a weight beyond its range is an error.
enum class weight_type : std::uint8_t { float32, float16 };

/// Options of convert(); all may be left out.
struct convert_options {
    load_options load = {};  ///< what the source does not say, as for model::load; `kernels`: for the self-test
    weight_type weights = weight_type::float32;
    std::optional<cvt::preprocessing> preprocessing = {};  ///< default: the source's
    std::span<const char* const> labels = {};              ///< UTF-8, one for each class; default: the source's
    cvt::executor executor = {};                           ///< of the self-test's forward pass
};

/// What was written.
struct conversion {
    std::size_t tensors = 0;
    std::uint64_t weight_bytes = 0;
    bool self_test = false;  ///< false where the model's numbers are not finite or its smallest input exceeds 1024 pixels
};

namespace detail {

/// Computes the self-test of `from` with weights of `type`, in this library's float32. Its model is gone when this
/// returns. `out` stays empty when there is none to store.
inline error make_self_test(const checkpoint::opened& from, checkpoint::dtype type, const convert_options& options,
                            checkpoint::json_writer& out, bool& made) noexcept {
    struct rounded_source {
        const checkpoint::opened& file;
        checkpoint::dtype type;
    } rounded{from, type};
    const weight_source source{&rounded, [](void* context, const char* name, std::span<const std::int64_t> shape, float* to) {
                                   const auto& s = *static_cast<const rounded_source*>(context);
                                   std::size_t count = 1;
                                   for (const std::int64_t extent : shape) count *= static_cast<std::size_t>(extent);
                                   return checkpoint::read_as(s.type, s.file, name, shape, {to, count});
                               }};
    const result<model> m = model::from_weights(from.config, source, {.kernels = options.load.kernels});
    if (!m) return m.error();

    checkpoint::self_test t;
    const int side = checkpoint::square_side(from.preprocessing), least = minimum_input(from.config);
    t.height = t.width = std::max(least, std::min(side == 0 ? 224 : side, checkpoint::self_test::max_side));
    if (t.height > checkpoint::self_test::max_side) return {};
    t.gelu = from.config.gelu;
    t.logits = from.config.num_classes > 0;
    std::snprintf(t.computed_by, sizeof t.computed_by, "cvt " CVT_VERSION_STRING ", %s", m->kernels());
    if (error e = run_formula_image(*m, t.height, t.width, t.seed, options.executor, t.values)) return e;
    if (t.values.size() > checkpoint::self_test::max_values && !t.values.resize(checkpoint::self_test::max_values)) return {};
    for (const float v : t.values)
        if (!is_finite(v)) return {};
    checkpoint::write_self_test(t, out);
    made = true;
    return out.good() ? error{} : error::out_of_memory("a self-test", out.text().size());
}

}  // namespace detail

/// Writes the checkpoint `from` (anything model::load takes) as the folder `to`, which must be new or empty:
/// config.json, preprocessor_config.json and model.safetensors, with transformers' names. It loads here as the same
/// model, bit for bit in float32, and in transformers (which computes with the exact GELU whatever hidden_act says).
/// The self-test for model::verify() is a forward pass over a formula image of the model's input size; during it the
/// packed model is in memory, afterwards one tensor at a time.
/// Errors name the file: those of model::load; io, invalid_argument (`to`, labels), mismatch (a weight beyond F16's range).
inline result<conversion> convert(const char* from, const char* to, const convert_options& options = {}) noexcept {
    result<checkpoint::opened> file = checkpoint::open(from, options.load);
    if (!file) return file.error();
    if (options.preprocessing) file->preprocessing = *options.preprocessing;
    const checkpoint::dtype type = options.weights == weight_type::float16 ? checkpoint::dtype::f16 : checkpoint::dtype::f32;

    detail::buffer<const char*> labels;
    for (int i = 0; options.labels.empty() && i < file->labels.size(); ++i)
        if (!labels.push_back(file->labels[i])) return error::out_of_memory("labels", labels.size() * 2 * sizeof(const char*));
    checkpoint::folder_texts texts;
    const std::span<const char* const> kept{labels.data(), labels.size()};
    if (error e = texts.make(*file, type, options.labels.empty() ? kept : options.labels)) return e;
    // Whether the folder can be made is found out before the work, and again, for good, after it.
    {
        checkpoint::output_folder folder;
        if (error e = folder.create(to)) return e;
    }
    checkpoint::json_writer self_test{checkpoint::json_writer::layout::one_line};
    conversion done;
    if (error e = detail::make_self_test(*file, type, options, self_test, done.self_test)) return e;
    checkpoint::safetensors_header written;
    if (error e = checkpoint::write_folder(*file, to, type, texts, self_test.text(), written)) return e;
    done.tensors = written.tensors();
    done.weight_bytes = written.data_size();
    return done;
}

CVT_NAMESPACE_END
