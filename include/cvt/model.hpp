// model: immutable packed weights with their configuration, shared by sessions on any threads.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <span>
#include <string_view>

#include "checkpoint/source.hpp"
#include "image.hpp"
#include "kernels/select.hpp"
#include "load_options.hpp"
#include "network/pack.hpp"
#include "network/workspace.hpp"
#include "runtime/executor.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

struct model_data {
    std::atomic<long> references{1};
    cvt::config config;
    cvt::preprocessing preprocessing;
    model_info info;
    const kernels::kernel_set* kernels = nullptr;
    buffer<float> floats;
    buffer<layers::block_weights> blocks;
    model_weights weights;
    std::int64_t parameters = 0;
    checkpoint::label_list labels;
    buffer<char> self_test;
    warning_list warnings;
};

}  // namespace detail

struct verification;

/// A loaded CvT. A handle to shared, immutable data: copies are cheap, all members may be called from any thread, and a
/// session keeps the data alive. A moved-from model may only be assigned to or destroyed.
class model {
public:
    /// Loads a Hugging Face folder (config.json beside the weights) or a lone file, official or transformers' names.
    /// Errors name the file and what is wrong: io, malformed, unsupported, bad_config, mismatch, invalid_argument (the
    /// options), out_of_memory.
    static result<model> load(const char* path, const load_options& options = {}) noexcept {
        result<checkpoint::checkpoint_source> file = checkpoint::open(path, options);
        if (!file) return file.error();
        return from_opened(*std::move(file), options);
    }

    /// Loads from a lone file's bytes, which are not needed afterwards.
    static result<model> from_memory(std::span<const std::byte> weights, const load_options& options = {}) noexcept {
        return from_memory({weights, {}, {}}, options);
    }

    /// A Hugging Face folder's files in memory; the JSON texts may be empty.
    struct memory_folder {
        std::span<const std::byte> weights;
        std::string_view config_json, preprocessor_json;
    };
    static result<model> from_memory(const memory_folder& folder, const load_options& options = {}) noexcept {
        result<checkpoint::checkpoint_source> file =
            checkpoint::open_memory(folder.weights, folder.config_json, folder.preprocessor_json, options);
        if (!file) return file.error();
        return from_opened(*std::move(file), options);
    }

    /// Builds a model of configuration `c` from any source of tensors. The preprocessing is the official one for 224
    /// pixels; options.config is not read.
    static result<model> from_weights(const cvt::config& c, const weight_source& source, const load_options& options = {}) noexcept {
        detail::model_data* data = new (std::nothrow) detail::model_data;
        if (data == nullptr) return error::out_of_memory("model", sizeof(detail::model_data));
        model m{data};
        if (error e = m.build(c, source, options)) return e;
        return m;
    }

    model(const model& other) noexcept : data_{other.data_} {
        if (data_ != nullptr) data_->references.fetch_add(1, std::memory_order_relaxed);
    }
    model(model&& other) noexcept : data_{std::exchange(other.data_, nullptr)} {}
    model& operator=(model other) noexcept {
        std::swap(data_, other.data_);
        return *this;
    }
    ~model() {
        if (data_ != nullptr && data_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete data_;
    }

    [[nodiscard]] const cvt::config& config() const noexcept { return data_->config; }
    /// How its images are prepared; a session may be given another.
    [[nodiscard]] const cvt::preprocessing& preprocessing() const noexcept { return data_->preprocessing; }
    [[nodiscard]] const model_info& info() const noexcept { return data_->info; }

    /// Name of class `index`, in UTF-8; "" where the checkpoint has none.
    [[nodiscard]] const char* label(int index) const noexcept { return data_->labels[index]; }
    [[nodiscard]] int label_count() const noexcept { return data_->labels.size(); }

    /// Things worth telling that did not prevent loading, such as weights that are NaN or infinite. At most
    /// warning_list::capacity are kept.
    [[nodiscard]] const warning_list& warnings() const noexcept { return data_->warnings; }

    /// The kernel set that runs: "avx512", "avx2", "eigen", ...
    [[nodiscard]] const char* kernels() const noexcept { return data_->kernels->name; }
    /// Trained parameters (batch norm's statistics are none).
    [[nodiscard]] std::int64_t parameters() const noexcept { return data_->parameters; }
    /// Bytes of the packed weights.
    [[nodiscard]] std::size_t memory_bytes() const noexcept { return data_->floats.size() * sizeof(float); }
    /// Bytes a session's workspace takes for inputs of height x width. Errors: those of shape_of, workers out of range.
    [[nodiscard]] result<std::size_t> workspace_bytes(int height, int width, int workers = 1) const noexcept {
        const result<model_shape> shape = shape_of(config(), height, width);
        if (!shape) return shape.error();
        if (error e = detail::check_workers(workers)) return e;
        return detail::plan(config(), *shape, *data_->kernels, workers, nullptr).floats * sizeof(float);
    }

    /// Runs the self-test that converted checkpoints bring (convert.hpp) and says how far this machine's numbers are from
    /// the stored ones. Defined in verify.hpp. Errors: invalid_argument (there is none), malformed, unsupported, mismatch
    /// (it is another model's, or another activation was asked for), out_of_memory.
    [[nodiscard]] inline result<verification> verify(const executor& threads = {}) const noexcept;

private:
    friend class session;
    explicit model(detail::model_data* data) noexcept : data_{data} {}

    static result<model> from_opened(checkpoint::checkpoint_source&& file, const load_options& options) noexcept {
        result<model> m = from_weights(file.config, file.weights(), {.kernels = options.kernels});
        if (!m) return m;
        m->data_->preprocessing = file.preprocessing;
        m->data_->info = file.info;
        m->data_->labels = std::move(file.labels);
        m->data_->self_test = std::move(file.self_test);
        return m;
    }

    error build(const cvt::config& c, const weight_source& source, const load_options& options) noexcept {
        if (error e = validate(c)) return e;
        if (source.read == nullptr)
            return error::format(errc::invalid_argument, "weight_source: expected a function to read with, found none");
        const result<const kernels::kernel_set*> set = kernels::select(options.kernels);
        if (!set) return set.error();
        data_->config = c;
        if (options.gelu) data_->config.gelu = *options.gelu;
        data_->kernels = *set;

        // The same walk twice: first to measure, then to fill.
        detail::arena measure;
        detail::weight_packer counter{data_->config, **set, measure};
        if (error e = counter.run(nullptr, data_->weights)) return e;
        std::size_t depth = 0;
        for (const stage_config& s : c.stages()) depth += static_cast<std::size_t>(s.depth);
        detail::buffer<float> tensor, vectors;
        if (!data_->floats.resize(measure.peak())) return error::out_of_memory("model weights", measure.peak() * sizeof(float));
        if (!data_->blocks.resize(depth) || !tensor.resize(counter.tensor_floats()) || !vectors.resize(counter.vector_floats()))
            return error::out_of_memory("loading a tensor", counter.tensor_floats() * sizeof(float));

        detail::arena memory{data_->floats.data()};
        detail::weight_packer packer{data_->config, **set, memory};
        packer.fill_from(source, tensor.data(), vectors.data(), data_->warnings);
        data_->parameters = counter.parameters();
        return packer.run(data_->blocks.data(), data_->weights);
    }

    detail::model_data* data_ = nullptr;
};

namespace detail {

/// A count from 0 that stays at its largest value instead of overflowing.
struct saturating {
    static constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
    std::int64_t value = 0;

    friend constexpr saturating operator+(saturating a, saturating b) noexcept {
        return {a.value > most - b.value ? most : a.value + b.value};
    }
    friend constexpr saturating operator*(saturating a, saturating b) noexcept {
        return {b.value != 0 && a.value > most / b.value ? most : a.value * b.value};
    }
};

}  // namespace detail

/// Multiply-adds of one forward pass over a height x width image, every token of every block counted. The published
/// numbers count the same way. Errors: those of shape_of; invalid_argument (2^63 or more, at sizes no machine runs).
inline result<std::int64_t> multiply_adds(const config& c, int height, int width) noexcept {
    const result<model_shape> shape = shape_of(c, height, width);
    if (!shape) return shape.error();
    using count = detail::saturating;
    constexpr count two{2};
    count total{0}, channels{c.num_channels};
    for (std::size_t i = 0; i < c.stages().size(); ++i) {
        const stage_config& s = c.stage[i];
        const count grid{shape->stage[i].tokens.tokens()}, key_grid{shape->stage[i].keys.tokens()};
        const count queries{shape->stage[i].queries()}, keys{shape->stage[i].key_count()};
        const count dim{s.embed_dim}, hidden{s.hidden_dim()}, patch{s.patch_size}, kernel{s.kernel_qkv}, depth{s.depth};
        count block = two * (queries + keys) * dim * dim + two * queries * keys * dim + two * queries * dim * hidden;
        if (s.qkv_projection == projection::dw_bn) block = block + (grid + two * key_grid) * dim * kernel * kernel;
        total = total + grid * dim * channels * patch * patch + depth * block;
        channels = dim;
    }
    total = total + channels * count{c.num_classes};
    if (total.value != count::most) return total.value;
    return error::format(errc::invalid_argument, "multiply_adds: an input of %d x %d pixels needs 2^63 or more", height, width);
}

CVT_NAMESPACE_END
