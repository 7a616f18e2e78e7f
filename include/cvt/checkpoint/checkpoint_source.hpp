// checkpoint_source: an opened checkpoint, whose settings are known and whose tensors are read on demand.
#pragma once

#include <optional>

#include "../audio/spectrogram.hpp"
#include "../image/preprocessing.hpp"
#include "../labels.hpp"
#include "../model_info.hpp"
#include "../weight_source.hpp"
#include "check_tensors.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// A checkpoint in which every tensor of `config` was found with its shape. Only the tables are in memory.
/// @code{.cpp}
/// cvt::result<cvt::checkpoint_source> file = cvt::open_checkpoint("run7/");
/// if (!file) return report(file.error());
/// std::printf("%s with %d classes\n", file->info.variant, file->config.num_classes);
/// @endcode
struct checkpoint_source {
    tensor_table tensors;  ///< under their names in the file
    name_style style;
    cvt::config config;
    tensor_index index;  ///< of the tensors of `config`
    cvt::preprocessing preprocessing;
    std::optional<cvt::spectrogram> spectrogram;  ///< of a model for sounds
    bool has_preprocessor_json = false;           ///< the rules for pictures or sounds are those of a preprocessor_config.json
    detail::label_list labels;                    ///< one for each class, or none
    model_info info;
    warning_list warnings;           ///< guesses, and tensors left out
    detail::buffer<char> self_test;  ///< its text, unchecked; empty if the file has none

    /// Reads a tensor of `config` as float32, row-major. Errors: io; mismatch (a name or shape that is not `config`'s).
    error read(const char* official_name, std::span<const std::int64_t> shape, float* out) const noexcept {
        const std::ptrdiff_t i = index.find(official_name);
        if (i < 0) return error::format(errc::mismatch, "%s: not in the checkpoint", official_name);
        // `out` has room for `shape` only.
        const std::span<const std::int64_t> found = tensors.entry(static_cast<std::size_t>(i)).extents();
        if (!std::equal(shape.begin(), shape.end(), found.begin(), found.end()))
            return error::format(errc::mismatch, "%s: expected %s, file has %s", official_name, shape_text(shape).text,
                                 shape_text(found).text);
        if (error e = tensors.read(static_cast<std::size_t>(i), out)) return e;
        return tensors.entry(static_cast<std::size_t>(i)).type == dtype::i8 ? scale_rows(static_cast<std::size_t>(i), out) : error{};
    }

    /// Multiplies the rows of tensor `i`, whose elements are bytes, by their scales.
    error scale_rows(std::size_t i, float* values) const noexcept {
        const std::ptrdiff_t scales = find_beside(tensors, i, scale_suffix);  // check_tensors() found that they fit
        const tensor_entry& entry = tensors.entry(i);
        const auto rows = static_cast<std::size_t>(entry.shape[0]),
                   cols = static_cast<std::size_t>(detail::count_elements(entry.extents().subspan(1)));
        detail::buffer<float> scale;
        if (!scale.resize(rows)) return error::out_of_memory("scales", rows * sizeof(float));
        if (error e = tensors.read(static_cast<std::size_t>(scales), scale.data())) return e;
        for (std::size_t r = 0; r < rows; ++r)
            for (std::size_t j = 0; j < cols; ++j) values[r * cols + j] *= scale.data()[r];
        return {};
    }

    /// Returns the tensors for building or writing a model. This object must outlive the result and must not be moved.
    [[nodiscard]] weight_source weights() const noexcept { return detail::source_of(*this); }

    /// Reads the BatchNorm step counter with that official name; 0 if the checkpoint has none. Errors: io.
    error read_step_counter(const char* official_name, std::int64_t& out) const noexcept {
        out = 0;
        const tensor_entry* entry = find_official(tensors, style, official_name);
        if (entry == nullptr || entry->type != dtype::i64 || entry->elements() != 1) return {};
        return tensors.source(entry->shard).read(entry->offset, sizeof out, &out);
    }
};

}  // namespace checkpoint
CVT_NAMESPACE_END
