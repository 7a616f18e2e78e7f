// sound_chunks: a recording as consecutive chunks of a model's rate and length. The memory does not depend on how long it is.
#pragma once

#include <algorithm>
#include <cvt/audio.hpp>
#include <cvt/extra/sound.hpp>
#include <optional>
#include <utility>
#include <vector>

class sound_chunks {
public:
    /// Opens a recording. Errors: those of sound_file::open; invalid_argument (a rate that cannot be resampled).
    static cvt::result<sound_chunks> open(const char* path, const cvt::spectrogram& rules) {
        cvt::result<cvt::sound_file> file = cvt::sound_file::open(path);
        if (!file) return file.error();
        sound_chunks chunks{*std::move(file), rules};
        if (cvt::error e = chunks.resampler_.plan(chunks.file_.rate(), rules.rate)) return e;
        return chunks;
    }

    /// Fills `samples` with the next chunk: fewer than a whole one at the end, and none after it. Errors: those of sound_file::read.
    cvt::error next(std::vector<float>& samples) {
        const cvt::resampler::range needed = resampler_.inputs_of(next_, length_);
        // Samples that no later chunk needs are dropped.
        const auto unused = std::clamp<std::int64_t>(needed.begin - begin_, 0, static_cast<std::int64_t>(kept_.size()));
        kept_.erase(kept_.begin(), kept_.begin() + unused);
        begin_ += unused;
        if (const std::int64_t missing = needed.end - begin_ - static_cast<std::int64_t>(kept_.size()); missing > 0) {
            const std::size_t size = kept_.size();
            kept_.resize(size + static_cast<std::size_t>(missing));
            const cvt::result<std::size_t> got = file_.read(std::span{kept_}.subspan(size));
            if (!got) return got.error();
            kept_.resize(size + *got);
        }
        const std::int64_t known = resampler_.output_size(begin_ + static_cast<std::int64_t>(kept_.size()));
        samples.resize(static_cast<std::size_t>(std::clamp<std::int64_t>(known - next_, 0, length_)));
        resampler_.run(kept_, begin_, next_, samples);
        next_ += length_;
        return {};
    }

private:
    sound_chunks(cvt::sound_file&& file, const cvt::spectrogram& rules) : file_{std::move(file)}, length_{rules.length} {}

    cvt::sound_file file_;
    cvt::resampler resampler_;
    std::int64_t length_;                ///< of a chunk
    std::vector<float> kept_;            ///< samples of the file, the first of which is number `begin_`
    std::int64_t begin_ = 0, next_ = 0;  ///< next_: number of the next chunk's first sample, at the model's rate
};
