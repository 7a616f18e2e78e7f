// setup: the model, its preprocessing and its labels, chosen by the options.
#pragma once

#include <cvt/extra/thread_pool.hpp>
#include <cvt/model.hpp>
#include <string>
#include <vector>

#include "common/media_files.hpp"
#include "options.hpp"

namespace app {

/// Everything that the options and a checkpoint decide, except the weights.
struct decisions {
    cvt::preprocessing preprocessing;
    const char* size_from;                                       ///< the source of the size of the input
    std::vector<std::string> labels;                             ///< by class index; empty strings for classes without one
    std::optional<cvt::spectrogram> spectrogram = std::nullopt;  ///< of a model for sounds

    /// What the model takes.
    [[nodiscard]] media kind() const { return spectrogram ? media::sounds : media::pictures; }
};

struct setup : decisions {
    cvt::model model;
};

/// Loads the model and applies the options to it. Warnings go to standard error. Throws failure: no_model, or wrong_usage if an option
/// does not fit the model.
setup make_setup(const options& o);

/// Writes a model's warnings to standard error.
void print_warnings(const cvt::warning_list& warnings);

/// Starts the threads of --threads for one worker; the main thread alone handles interrupts. Throws failure (some_failed) if the system
/// refuses a thread.
cvt::thread_pool make_pool(int threads);

}  // namespace app
