// chunk_source.hpp: opens by content, and names what is not a recording.
#include "pipeline/chunk_source.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cvt/extra/decode.hpp>
#include <filesystem>

#include "common/paths.hpp"
#include "input/file_bytes.hpp"

namespace app {
namespace {

using clock = std::chrono::steady_clock;

std::int64_t samples_of(const std::optional<double>& seconds, const cvt::spectrogram& rules) {
    return seconds ? std::max<std::int64_t>(1, std::llround(*seconds * rules.rate)) : rules.length;
}

}  // namespace

chunk_source::chunk_source(task_source& recordings, const options& o, const cvt::spectrogram& rules, selection* wanted,
                           const read_control& control)
    : recordings_{recordings}, rules_{rules}, hop_{samples_of(o.hop, rules)}, wanted_{wanted}, control_{control} {}

cvt::error chunk_source::open() {
    const input& i = recording_.image;
    std::error_code ignored;
    // A pipe would be waited for, and cannot be searched.
    if (!i.data && std::filesystem::is_other(std::filesystem::status(path_of(i.path), ignored)))
        return cvt::error::format(cvt::errc::io, "expected a file, found a pipe or device");
    cvt::result<cvt::sound_file> file = i.data ? cvt::sound_file::from_memory(*i.data) : cvt::sound_file::open(i.path.c_str());
    if (file.error().code() == cvt::errc::unsupported && cvt::is_picture(first_bytes(i)))
        return cvt::error::format(cvt::errc::unsupported, "expected a recording, found a picture");
    if (!file) return file.error();
    cvt::result<sound_chunks> chunks = sound_chunks::of(*std::move(file), rules_, hop_);
    if (!chunks) return chunks.error();
    chunks_.emplace(*std::move(chunks));
    has_chunk_ = false;
    return {};
}

std::optional<task> chunk_source::next() {
    clock::time_point begin = clock::now();
    while (!control_.cancelled && !interrupt_requested()) {
        if (!chunks_) {
            std::optional<task> recording = recordings_.next();
            if (!recording) return std::nullopt;
            recording->image.notes.insert(0, take_notes());
            if (recording->image.error) return recording;
            recording_ = *std::move(recording);
            begin = clock::now();
            recording_.image.error = open();
            if (recording_.image.error) return std::move(recording_);
            notes_ = std::exchange(recording_.image.notes, {});
        }
        task chunk;
        chunk.number = recording_.number;
        chunk.image = {recording_.image.path, recording_.image.id, chunks_->next(chunk.samples)};
        if (chunk.samples.empty() && !chunk.image.error) {
            chunks_.reset();
            if (has_chunk_) continue;
            chunk.image.error = cvt::error::format(cvt::errc::bad_sound, "sound: expected at least 1 sample, found none");
            chunk.image.notes = take_notes();
            return chunk;
        }
        has_chunk_ = true;
        const std::int64_t first = chunks_->begin(), length = chunk.image.error ? rules_.length : std::ssize(chunk.samples);
        chunk.image.span = {static_cast<double>(first) / rules_.rate, static_cast<double>(first + length) / rules_.rate};
        if (wanted_ != nullptr && !wanted_->keeps(chunk.image)) continue;
        chunk.image.notes = take_notes();
        chunk.milliseconds = std::chrono::duration<double, std::milli>(clock::now() - begin).count();
        return chunk;
    }
    return std::nullopt;
}

}  // namespace app
