// Loads a model from a path, from memory or from any source of tensors. Includes the checkpoint readers and the kernels.
// In a unit with CVT_LINK_LOAD these are only declared, and the unit compiles in a tenth of the time. Another unit of the program,
// compiled without CVT_LINK_LOAD, must include this header, which has the definitions, and call them.
#pragma once

#include "model.hpp"

#if !defined(CVT_LINK_LOAD)

#include "checkpoint/open.hpp"
#include "kernels/sets.hpp"
#include "network/pack.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

/// Fills model_data. model::from_weights() and this struct are all that writes it.
struct model_builder {
    static result<model> from_checkpoint(checkpoint::checkpoint_source&& file, const load_options& options) noexcept {
        const bool int8 = file.info.int8_weights;
        const cvt::precision p = options.precision.value_or(int8 ? precision::int8 : precision::f32);
        result<model> m = model::from_weights(file.config, file.weights(), {.precision = p, .kernels = options.kernels});
        if (!m) return m;
        m->data_->preprocessing = file.preprocessing;
        m->data_->spectrogram = file.spectrogram;
        m->data_->info = file.info;
        for (int i = 0; i < file.warnings.count && i < warning_list::capacity; ++i) m->data_->warnings.add("%s", file.warnings.text[i]);
        if (int8 && p == precision::int8 && file.index.float_weights > 0)
            m->data_->warnings.add("only %d of %d weights in the file are int8: the others are quantised, too", file.index.int8_weights,
                                   file.index.int8_weights + file.index.float_weights);
        if (int8 && options.precision)
            m->data_->warnings.add(p == precision::int8 ? "the weights in the file are int8 already"
                                                        : "the weights in the file are int8: float32 does not restore the original ones");
        m->data_->labels = std::move(file.labels);
        m->data_->self_test = std::move(file.self_test);
        return m;
    }

    /// Checks that every tensor can be addressed, which only fails where pointers have 32 bits. Errors: out_of_memory.
    static error check_addressable(const config& c) noexcept {
        constexpr std::uint64_t max = std::numeric_limits<std::ptrdiff_t>::max();
        error failed;
        network::for_each_tensor(c, [&](const network::tensor_info& t) noexcept {
            const std::uint64_t bytes = static_cast<std::uint64_t>(t.count()) * sizeof(float);
            if (!failed && bytes > max) failed = error::out_of_memory(t.name, bytes);
        });
        return failed;
    }

    /// Lays the weights out twice, first to measure, then in memory, and fills them.
    static error fill(model_data& data, const weight_source& source) noexcept {
        const config& c = data.config;
        if (error e = check_addressable(c)) return e;
        std::size_t depth = 0;
        for (const stage_config& s : c.stages()) depth += static_cast<std::size_t>(s.depth);
        if (!data.blocks.resize(depth)) return error::out_of_memory("model", depth * sizeof(network::block_weights));
        arena measure;
        network::weight_layout{c, *data.kernels, data.precision, measure}.run(data.blocks.data());
        if (!data.memory.resize(measure.peak())) return error::out_of_memory("model weights", measure.peak());
        arena memory{data.memory.data()};
        data.weights = network::weight_layout{c, *data.kernels, data.precision, memory}.run(data.blocks.data());
        data.parameters = network::parameters_of(c);
        return network::weight_packer{c, data.precision, source, data.warnings}.run(data.weights);
    }
};

}  // namespace detail

inline error check_kernels(const char* name) noexcept { return kernels::select(name).error(); }

inline result<model> model::load(const char* path, const load_options& options) noexcept {
    result<checkpoint::checkpoint_source> file = checkpoint::open(path, options);
    if (!file) return file.error();
    return detail::model_builder::from_checkpoint(*std::move(file), options);
}

inline result<model> model::from_memory(std::span<const std::byte> weights, const load_options& options) noexcept {
    return from_memory({weights, {}, {}}, options);
}

inline result<model> model::from_memory(const memory_folder& folder, const load_options& options) noexcept {
    result<checkpoint::checkpoint_source> file =
        checkpoint::open_memory(folder.weights, folder.config_json, folder.preprocessor_json, options);
    if (!file) return file.error();
    return detail::model_builder::from_checkpoint(*std::move(file), options);
}

inline result<model> model::from_weights(const cvt::config& c, const weight_source& source, const load_options& options) noexcept {
    if (error e = validate(c)) return e;
    if (source.read == nullptr) return error::format(errc::invalid_argument, "weight_source: expected a read function, found null");
    const result<const kernels::kernel_set*> set = kernels::select(options.kernels);
    if (!set) return set.error();
    detail::model_data* const data = new (std::nothrow) detail::model_data;
    if (data == nullptr) return error::out_of_memory("model", sizeof(detail::model_data));
    model m{data};
    data->config = c;
    if (options.gelu) data->config.gelu = *options.gelu;
    data->precision = options.precision.value_or(precision::f32);
    if (options.preprocessing) {
        data->preprocessing = *options.preprocessing;
        data->info.size_from = "given by the caller";
    }
    data->spectrogram = options.spectrogram;
    data->kernels = *set;
    data->forward = network::forward;
    data->info.scores = options.scores.value_or(c.num_classes == 1 ? scoring::sigmoid : scoring::softmax);
    if (error e = detail::model_builder::fill(*data, source)) return e;
    return m;
}

CVT_NAMESPACE_END

#endif
