// chunk_source: turns each recording of another source into the tasks of its chunks, which it decodes and resamples one by one.
#pragma once

#include <cvt/audio.hpp>
#include <optional>
#include <string>
#include <utility>

#include "common/sound_chunks.hpp"
#include "input/selection.hpp"
#include "options.hpp"
#include "pipeline/pipeline.hpp"

namespace app {

class chunk_source : public task_source {
public:
    /// `recordings` has a task for each recording. `wanted`: which chunks have no record yet; null for all. A read of a long recording
    /// ends early after an interrupt or a cancellation of `control`.
    chunk_source(task_source& recordings, const options& o, const cvt::spectrogram& rules, selection* wanted, const read_control& control);

    /// A recording that cannot be opened, or that has no samples, is one task with an error. Damage is the error of the chunk in which it
    /// is, the recording's last.
    std::optional<task> next() override;
    /// Notes of recordings all of whose chunks have a record.
    std::string take_notes() { return std::exchange(notes_, {}); }

private:
    cvt::error open();

    task_source& recordings_;
    const cvt::spectrogram rules_;
    const std::int64_t hop_;  // samples at the model's rate
    selection* wanted_;
    const read_control& control_;

    task recording_;  // that is being read; chunks_ reads the bytes of an archive's member in it
    std::optional<sound_chunks> chunks_;
    bool has_chunk_ = false;  // the recording has had one
    std::string notes_;
};

}  // namespace app
