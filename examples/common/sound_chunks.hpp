// sound_chunks: a recording as chunks of a model's rate and length. The memory does not depend on how long it is.
#pragma once

#include <algorithm>
#include <cvt/audio.hpp>
#include <cvt/extra/sound.hpp>
#include <optional>
#include <utility>
#include <vector>

class sound_chunks {
public:
    /// Cuts a recording into chunks that begin `hop` samples of the model's rate apart; by default each begins where the one before
    /// ends. The last chunk is the first that reaches the end. Errors: invalid_argument (a rate that cannot be resampled).
    static cvt::result<sound_chunks> of(cvt::sound_file&& file, const cvt::spectrogram& rules, std::optional<std::int64_t> hop = {}) {
        sound_chunks chunks{std::move(file), rules.length, hop.value_or(rules.length)};
        if (cvt::error e = chunks.resampler_.plan(chunks.file_.rate(), rules.rate)) return e;
        return chunks;
    }
    /// Opens a recording. Errors: those of sound_file::open and of of().
    static cvt::result<sound_chunks> open(const char* path, const cvt::spectrogram& rules, std::optional<std::int64_t> hop = {}) {
        cvt::result<cvt::sound_file> file = cvt::sound_file::open(path);
        if (!file) return file.error();
        return of(*std::move(file), rules, hop);
    }

    /// Fills `samples` with the next chunk: fewer than a whole one at the end, and none after it. Errors, which end the recording: those
    /// of sound_file::read.
    cvt::error next(std::vector<float>& samples) {
        samples.clear();
        if (ended_) return {};
        begin_ = std::exchange(next_, next_ + hop_);
        ended_ = true;  // after an error, too
        const cvt::resampler::range needed = resampler_.inputs_of(begin_, length_);
        // Samples that no later chunk needs are dropped.
        const auto unused = std::clamp<std::int64_t>(needed.begin - first_, 0, static_cast<std::int64_t>(kept_.size()));
        kept_.erase(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(unused));
        first_ += unused;
        while (first_ < needed.begin) {  // between two chunks
            const std::int64_t skipped = std::min<std::int64_t>(needed.begin - first_, 65536);
            if (cvt::error e = read(skipped)) return e;
            const auto got = static_cast<std::int64_t>(kept_.size());
            kept_.clear();
            first_ += got;
            if (got < skipped) return {};
        }
        // One more than needed: without it, this is the last chunk.
        if (cvt::error e = read(needed.end + 1 - first_ - static_cast<std::int64_t>(kept_.size()))) return e;
        const std::int64_t known = resampler_.output_size(first_ + static_cast<std::int64_t>(kept_.size()));
        samples.resize(static_cast<std::size_t>(std::clamp<std::int64_t>(known - begin_, 0, length_)));
        resampler_.run(kept_, first_, begin_, samples);
        ended_ = known <= begin_ + length_;
        return {};
    }
    /// The number of the chunk's first sample, at the model's rate.
    [[nodiscard]] std::int64_t begin() const { return begin_; }

private:
    sound_chunks(cvt::sound_file&& file, std::int64_t length, std::int64_t hop) : file_{std::move(file)}, length_{length}, hop_{hop} {}

    /// Appends up to `count` samples of the file to those that are kept.
    cvt::error read(std::int64_t count) {
        if (count <= 0) return {};
        const std::size_t size = kept_.size();
        kept_.resize(size + static_cast<std::size_t>(count));
        const cvt::result<std::size_t> got = file_.read(std::span{kept_}.subspan(size));
        kept_.resize(size + (got ? *got : 0));
        return got.error();
    }

    cvt::sound_file file_;
    cvt::resampler resampler_;
    std::int64_t length_, hop_;
    std::vector<float> kept_;  ///< samples of the file, the first of which is number `first_`
    std::int64_t first_ = 0;
    std::int64_t begin_ = 0, next_ = 0;  ///< numbers of the first samples of this chunk and of the next, at the model's rate
    bool ended_ = false;
};
