// convert(): writes any checkpoint as a Hugging Face folder with safetensors and a self-test. Not in cvt.hpp: few programs convert.
// In a unit with CVT_LINK_LOAD the functions are only declared, as in load.hpp.
#pragma once

#include <climits>

#include "load.hpp"
#include "open_checkpoint.hpp"

#if !defined(CVT_LINK_LOAD)
#include "checkpoint/write_folder.hpp"
#include "verify.hpp"
#endif

CVT_NAMESPACE_BEGIN

/// Element type of a converted checkpoint. float32 represents F32, F16 and BF16 weights exactly and rounds F64 to nearest.
/// float16 rounds to nearest even; a weight beyond its range is an error. int8 stores the bytes and scales of a model loaded as int8
/// (docs/precision.md); weights that are not finite are an error.
enum class weight_type : std::uint8_t { float32, float16, int8 };

/// A head that takes the place of a checkpoint's: logits = weights * embedding + bias.
/// @code{.cpp}
/// std::vector<float> weights(2 * 384), bias(2);  // two classes on CvT-13
/// const char* const labels[]{"cat", "dog"};
/// cvt::convert_options options{.labels = labels, .head = cvt::head_view{weights, bias}};
/// cvt::result<cvt::conversion> done = cvt::convert("cvt-13/", "cats-and-dogs/", options);
/// @endcode
struct head_view {
    std::span<const float> weights;  ///< (classes, embed_dim of the last stage)
    std::span<const float> bias;     ///< (classes)
};

/// Options of convert(); all are optional.
/// @code{.cpp}
/// cvt::convert_options options;
/// options.weights = cvt::weight_type::float16;
/// cvt::result<cvt::conversion> done = cvt::convert("checkpoint.pth", "cvt-13-f16/", options);
/// @endcode
struct convert_options {
    load_options load = {};  ///< as for model::load; `kernels` computes the self-test
    weight_type weights = weight_type::float32;
    std::optional<cvt::preprocessing> preprocessing = {};  ///< default: the source's
    std::span<const char* const> labels = {};              ///< UTF-8, one for each class; default: the source's
    std::optional<head_view> head = {};                    ///< default: the source's; the labels of another head are not kept
    cvt::executor executor = {};                           ///< for the self-test's forward pass
};

/// Result of convert().
/// @code{.cpp}
/// cvt::result<cvt::conversion> done = cvt::convert("checkpoint.pth", "cvt-13/");
/// if (!done) return report(done.error());
/// std::printf("%zu tensors%s\n", done->tensors, done->self_test ? " and a self-test" : "");
/// @endcode
struct conversion {
    std::size_t tensors = 0;
    std::uint64_t weight_bytes = 0;
    bool self_test = false;  ///< false if the model's outputs are not finite or its smallest input exceeds 1024 pixels
    warning_list warnings;   ///< those of model::load
};

/// Writes an opened checkpoint, whose configuration the caller can read before any weights are packed. Otherwise as for a path, below,
/// except that config, config_file and gelu in options.load are ignored: they were used when the checkpoint was opened.
result<conversion> convert(const checkpoint_source& from, const char* to, const convert_options& options = {}) noexcept;

/// Writes the checkpoint `from` (anything model::load takes) as the folder `to`, which must be new or empty:
/// config.json, preprocessor_config.json and model.safetensors, with transformers' names. cvt loads it as the same model,
/// bit for bit in float32; transformers loads it too, but computes with the exact GELU whatever hidden_act says. A model whose inputs
/// do not have the three channels of an image gets no preprocessor_config.json, unless its source has one or gives a spectrogram.
/// The self-test for verify() is a forward pass over a generated image of the model's input size. The packed model is in
/// memory during that pass; afterwards there is one tensor at a time.
/// Errors, which name the file: those of model::load; io, invalid_argument (`to`, labels, head), mismatch (a weight beyond F16's range).
result<conversion> convert(const char* from, const char* to, const convert_options& options = {}) noexcept;

#if !defined(CVT_LINK_LOAD)

namespace detail {

/// Checks a head against the checkpoint that it is to be written to. Errors: invalid_argument (sizes, values that are not finite);
/// mismatch (the checkpoint has no final norm).
inline error check_head(const head_view& head, const config& c) noexcept {
    const auto width = static_cast<std::size_t>(c.last_stage().embed_dim);
    if (!c.final_norm) return error::format(errc::mismatch, "the checkpoint has no final norm, so it cannot have a head");
    if (head.bias.empty() || head.bias.size() > INT_MAX || head.weights.size() != head.bias.size() * width)
        return error::format(errc::invalid_argument, "head: expected %zu weights for each of %zu classes, found %zu weights", width,
                             head.bias.size(), head.weights.size());
    if (count_not_finite(head.weights) + count_not_finite(head.bias) == 0) return {};
    return error::format(errc::invalid_argument, "head: a weight is not a finite number");
}

/// Delivers head.weight and head.bias.
struct head_source {
    head_view head;

    error read(const char* name, std::span<const std::int64_t>, float* out) const noexcept {
        const std::span<const float> values = same_text(name, "head.bias") ? head.bias : head.weights;
        std::copy(values.begin(), values.end(), out);
        return {};
    }
};

/// Computes the self-test of a model with these weights, in float32. The model is freed before this returns. `out` stays
/// empty if there is no self-test to store.
inline error make_self_test(const checkpoint::folder_weights& weights, const cvt::preprocessing& p, const convert_options& options,
                            checkpoint::json_writer& out, conversion& done) noexcept {
    const checkpoint::stored_source stored{weights.config, weights.source, weights.type};
    const result<model> m = model::from_weights(weights.config, source_of(stored), {.kernels = options.load.kernels});
    if (!m) return m.error();
    done.warnings = m->warnings();

    checkpoint::self_test t;
    const grid size = output_size(p).value_or(grid{224, 224});
    const int least = minimum_input(weights.config);
    t.height = std::max(least, std::min(size.height, checkpoint::self_test::max_side));
    t.width = std::max(least, std::min(size.width, checkpoint::self_test::max_side));
    if (std::max(t.height, t.width) > checkpoint::self_test::max_side) return {};
    t.gelu = weights.config.gelu;
    t.logits = weights.config.num_classes > 0;
    std::snprintf(t.computed_by, sizeof t.computed_by, "cvt " CVT_VERSION_STRING ", %s", m->kernels());
    if (error e = run_formula_image(*m, t.height, t.width, t.seed, options.executor, t.values)) return e;
    if (t.values.size() > checkpoint::self_test::max_values && !t.values.resize(checkpoint::self_test::max_values)) return {};
    if (count_not_finite({t.values.data(), t.values.size()}) != 0) return {};
    checkpoint::write_self_test(t, out);
    done.self_test = true;
    return out.good() ? error{} : error::out_of_memory("a self-test", out.text().size());
}

}  // namespace detail

inline result<conversion> convert(const checkpoint_source& from, const char* to, const convert_options& options) noexcept {
    const cvt::preprocessing& preprocessing = options.preprocessing ? *options.preprocessing : from.preprocessing;
    detail::buffer<const char*> own_labels;
    for (int i = 0; options.labels.empty() && !options.head && i < from.labels.size(); ++i)
        if (!own_labels.push_back(from.labels[i])) return error::out_of_memory("labels", own_labels.size() * 2 * sizeof(const char*));
    const std::span<const char* const> labels =
        options.labels.empty() ? std::span<const char* const>{own_labels.data(), own_labels.size()} : options.labels;
    checkpoint::folder_weights weights{from.config, from.weights()};
    detail::head_source head;
    const char* const of_head[]{"head.weight", "head.bias"};
    overlay_source overlay{.names = of_head, .over = detail::source_of(head), .under = from.weights()};
    if (options.head) {
        if (error e = detail::check_head(*options.head, from.config)) return e;
        head.head = *options.head;
        weights.config.num_classes = static_cast<int>(head.head.bias.size());
        weights.source = overlay.source();
    }
    weights.counters = {&from, [](const void* context, const char* name, std::int64_t& out) {
                            return static_cast<const checkpoint_source*>(context)->read_step_counter(name, out);
                        }};
    if (options.weights == weight_type::float16) weights.type = checkpoint::dtype::f16;
    if (options.weights == weight_type::int8) weights.type = checkpoint::dtype::i8;

    // Check everything that can fail early before the long computation.
    checkpoint::folder_texts texts;
    checkpoint::output_folder folder;
    // Images have three channels. Inputs of other models are made of something else.
    const bool of_images = from.config.num_channels == 3 || from.has_preprocessor_json;
    checkpoint::front_end inputs;
    if (from.spectrogram)
        inputs.spectrogram = &*from.spectrogram;
    else if (of_images)
        inputs.preprocessing = &preprocessing;
    if (error e =
            checkpoint::make_texts(weights.config, inputs, labels, weights.type, texts, options.head ? scoring::softmax : from.info.scores))
        return e;
    if (error e = folder.create(to)) return e;
    conversion done;
    checkpoint::json_writer self_test{checkpoint::json_writer::layout::one_line};
    if (error e = detail::make_self_test(weights, preprocessing, options, self_test, done)) return e;
    if (from.info.int8_weights && options.weights != weight_type::int8)
        done.warnings.add("the weights in the source are int8: the conversion does not restore the original ones");
    weights.self_test = self_test.text();
    checkpoint::safetensors_header written;
    if (error e = checkpoint::write_folder(folder, texts, weights, written)) return e;
    done.tensors = written.tensors();
    done.weight_bytes = written.data_size();
    return done;
}

inline result<conversion> convert(const char* from, const char* to, const convert_options& options) noexcept {
    load_options load = options.load;
    load.ignore_labels = load.ignore_labels || !options.labels.empty();
    if (options.preprocessing) load.preprocessing = options.preprocessing;
    const result<checkpoint_source> file = open_checkpoint(from, load);
    if (!file) return file.error();
    return convert(*file, to, options);
}

#endif

CVT_NAMESPACE_END
