// model: immutable packed weights with their configuration, shared by sessions on any threads.
#pragma once

#include "audio/spectrogram.hpp"
#include "image/preprocessing.hpp"
#include "labels.hpp"
#include "load_options.hpp"
#include "model_info.hpp"
#include "network/forward.hpp"
#include "weight_source.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

struct model_data {
    std::atomic<long> references{1};
    cvt::config config;
    cvt::preprocessing preprocessing;
    std::optional<cvt::spectrogram> spectrogram;
    model_info info;
    cvt::precision precision = precision::f32;
    const kernels::kernel_set* kernels = nullptr;
    buffer<std::byte> memory;
    buffer<network::block_weights> blocks;
    network::model_weights weights;
    /// network::forward. A pointer, so that units that only run models do not compile the network.
    network::forward_function* forward = nullptr;
    std::int64_t parameters = 0;
    label_list labels;
    buffer<char> self_test;
    warning_list warnings;
};

struct model_builder;  // load.hpp

}  // namespace detail

/// A loaded CvT. A handle to shared, immutable data: copies are cheap, all members may be called from any thread, and a
/// session keeps the data alive. A moved-from model may only be assigned to or destroyed.
///
/// load.hpp defines load(), from_memory() and from_weights(), and includes the readers and the kernels. A unit that calls them includes
/// load.hpp or cvt.hpp; a unit that only runs models needs neither.
/// @code{.cpp}
/// cvt::result<cvt::model> model = cvt::model::load("cvt-13/");
/// if (!model) return report(model.error());
/// cvt::session session{*model};
/// @endcode
class model {
public:
    /// Loads a Hugging Face folder (config.json beside the weights) or a single file, with official or transformers' names.
    /// Errors, which name the file: io, malformed, unsupported, bad_config, mismatch, invalid_argument (the options),
    /// out_of_memory.
    static result<model> load(const char* path, const load_options& options = {}) noexcept;

    /// Loads a single file from memory. Its bytes are not needed afterwards.
    static result<model> from_memory(std::span<const std::byte> weights, const load_options& options = {}) noexcept;

    /// The files of a Hugging Face folder in memory; the JSON texts may be empty.
    struct memory_folder {
        std::span<const std::byte> weights;
        std::string_view config_json, preprocessor_json;
    };
    static result<model> from_memory(const memory_folder& folder, const load_options& options = {}) noexcept;

    /// Builds a model of configuration `c` from any source of tensors. The preprocessing is the official one for 224
    /// pixels; options.config and options.config_file are ignored.
    static result<model> from_weights(const cvt::config& c, const weight_source& source, const load_options& options = {}) noexcept;

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
    /// The preprocessing of the checkpoint; session_options can replace it.
    [[nodiscard]] const cvt::preprocessing& preprocessing() const noexcept { return data_->preprocessing; }
    /// How sounds become inputs of this model; empty for a model of images, or if the checkpoint does not say. See audio.hpp.
    [[nodiscard]] const std::optional<cvt::spectrogram>& spectrogram() const noexcept { return data_->spectrogram; }
    [[nodiscard]] const model_info& info() const noexcept { return data_->info; }

    /// Name of class `index`, in UTF-8; "" if the checkpoint has none.
    [[nodiscard]] const char* label(int index) const noexcept { return data_->labels[index]; }
    [[nodiscard]] int label_count() const noexcept { return data_->labels.size(); }

    /// Problems that did not prevent loading, such as weights that are NaN or infinite. At most warning_list::capacity are
    /// kept.
    [[nodiscard]] const warning_list& warnings() const noexcept { return data_->warnings; }

    /// Name of the kernel set in use: "avx512", "avx2", "eigen", ...
    [[nodiscard]] const char* kernels() const noexcept { return data_->kernels->name; }
    [[nodiscard]] cvt::precision precision() const noexcept { return data_->precision; }
    /// Number of trained parameters, without the statistics of batch norms.
    [[nodiscard]] std::int64_t parameters() const noexcept { return data_->parameters; }
    /// Bytes of the packed weights.
    [[nodiscard]] std::size_t memory_bytes() const noexcept { return data_->memory.size(); }
    /// Size of a session's workspace for inputs of height x width, in bytes. Errors: those of shape_of; invalid_argument (workers);
    /// out_of_memory (more than a 32-bit program can address).
    [[nodiscard]] result<std::size_t> workspace_bytes(int height, int width, int workers = 1) const noexcept {
        const result<model_shape> shape = shape_of(config(), height, width);
        if (!shape) return shape.error();
        if (error e = detail::check_workers(workers)) return e;
        if (error e = network::check_addressable(config(), *shape)) return e;
        const std::uint64_t bytes = network::plan_workspace(config(), *shape, *data_->kernels, workers, nullptr).bytes;
        if (bytes > std::numeric_limits<std::size_t>::max()) return error::out_of_memory("session workspace", bytes);
        return static_cast<std::size_t>(bytes);
    }

    /// Text of the self-test in a converted checkpoint, for verify() (verify.hpp); empty if there is none.
    [[nodiscard]] std::string_view self_test() const noexcept { return {data_->self_test.data(), data_->self_test.size()}; }

private:
    friend class session;
    friend struct detail::model_builder;
    explicit model(detail::model_data* data) noexcept : data_{data} {}

    detail::model_data* data_ = nullptr;
};

/// Checks a name for load_options::kernels; null is the default. Errors: invalid_argument, with the names that this CPU supports.
/// Defined by load.hpp.
error check_kernels(const char* name) noexcept;

CVT_NAMESPACE_END
