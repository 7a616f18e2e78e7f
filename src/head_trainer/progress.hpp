// Reports to the caller's progress function, which can end the learning.
#pragma once

#include <cvt/extra/head_trainer.hpp>

CVT_NAMESPACE_BEGIN
namespace {

/// Reports progress, and counts fits.
struct progress_of {
    const head_options& options;
    head_progress at;

    [[nodiscard]] bool step(int iteration) {
        at.iteration = iteration;
        return options.progress == nullptr || options.progress(options.context, at);
    }
};

error cancelled() { return error::format(errc::invalid_argument, "train_head: ended by the caller's progress function"); }

}  // namespace
CVT_NAMESPACE_END
