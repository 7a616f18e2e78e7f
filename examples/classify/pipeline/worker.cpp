// worker.hpp: decode, preprocess, run, rank.
#include "pipeline/worker.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cvt/cost.hpp>
#include <cvt/extra/sound.hpp>

#include "common/heat_map/heat_map.hpp"
#include "common/heat_map/spectrogram_map.hpp"
#include "common/text.hpp"
#include "input/file_bytes.hpp"
#include "platform/platform.hpp"

namespace app {
namespace {

using clock = std::chrono::steady_clock;

double milliseconds_since(clock::time_point begin) { return std::chrono::duration<double, std::milli>(clock::now() - begin).count(); }

std::size_t floats_of(int channels, cvt::grid size) { return static_cast<std::size_t>(channels * size.tokens()); }

// Row `row` of an array of rows of `width`; empty for an array that is not computed.
std::span<const float> row_of(const std::vector<float>& values, std::size_t row, std::size_t width) {
    return values.empty() ? std::span<const float>{} : std::span{values}.subspan(row * width, width);
}

std::vector<float> copy_of(std::span<const float> values) { return {values.begin(), values.end()}; }

bool all_finite(std::span<const float> values) {
    return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
}

}  // namespace

cvt::decode_limits picture_limits(const options& o) {
    cvt::decode_limits limits;
    constexpr std::uint64_t max = 16384ULL * 16384, bytes_per_pixel = 20;
    const std::uint64_t capacity = memory_bytes() / 2 / bytes_per_pixel / static_cast<std::uint64_t>(std::max(o.workers, 1));
    limits.max_pixels =
        o.max_pixels ? static_cast<std::uint64_t>(*o.max_pixels) : std::clamp<std::uint64_t>(capacity, limits.max_pixels, max);
    return limits;
}

worker::worker(const options& o, const setup& s)
    : options_{o},
      limits_{picture_limits(o)},
      config_{s.model.config()},
      scores_{s.model.info().scores},
      pool_{make_pool(o.threads)},
      preprocessor_{s.preprocessing},
      session_{s.model, {.executor = pool_.as_executor(), .preprocessing = s.preprocessing}} {
    if (s.spectrogram) sound_preprocessor_.emplace(*s.spectrogram);
}

std::vector<outcome> worker::run(std::deque<task>& tasks, const std::atomic<bool>& cancelled) {
    std::vector<outcome> outcomes;
    rows_.clear();
    const std::size_t max_photo_bytes = max_bytes_in_flight / static_cast<std::size_t>(options_.workers);
    std::size_t photo_bytes = 0;
    while (!tasks.empty() && photo_bytes <= max_photo_bytes && !cancelled && !interrupt_requested()) {
        task& t = tasks.front();
        clock::time_point begin = clock::now();
        cvt::image photo;
        const cvt::result<cvt::grid> size = read(t, photo);
        cvt::error error = size.error();
        if (error.code() == cvt::errc::io && interrupt_requested()) break;
        double milliseconds = t.milliseconds + milliseconds_since(begin);
        if (size) {
            if (!fits(*size)) run_rows(outcomes);
            begin = clock::now();
            error = append(t, photo, *size);
            milliseconds += milliseconds_since(begin);
        }
        if (t.tensor_size || t.image.error) milliseconds = 0;
        outcomes.push_back({.result = {std::move(t.image.path), std::move(t.image.id), error, {}, milliseconds, {}, t.image.span},
                            .number = t.number,
                            .of_other_shard = t.image.of_other_shard,
                            .notes = std::move(t.image.notes)});
        tasks.pop_front();
        if (error) continue;
        if (options_.attention.empty()) photo = {};
        photo_bytes += photo.pixels.size();
        rows_.push_back({outcomes.size() - 1, std::move(photo)});
    }
    run_rows(outcomes);
    return outcomes;
}

// Decodes an image into `photo`. Returns the size of the network's input.
cvt::result<cvt::grid> worker::read(const task& t, cvt::image& photo) {
    if (t.image.error) return t.image.error;
    if (t.tensor_size) return *t.tensor_size;
    if (sound_preprocessor_) return cvt::grid{sound_preprocessor_->spectrogram().mels, sound_preprocessor_->spectrogram().frames()};
    const cvt::orientation turn = options_.orient.value_or(cvt::orientation::exif);
    cvt::result<cvt::image> decoded =
        t.image.data ? cvt::decode(*t.image.data, turn, limits_) : cvt::read_image(t.image.path.c_str(), turn, limits_);
    if (decoded.error().code() == cvt::errc::unsupported && cvt::is_sound(first_bytes(t.image)))
        return cvt::error::format(cvt::errc::unsupported, "expected a picture, found a recording");
    if (!decoded) return decoded.error();
    photo = *std::move(decoded);
    return preprocessor_.plan(photo.width, photo.height);
}

// Whether an input of this size can join the batch, whose inputs all have one size.
bool worker::fits(cvt::grid size) const { return rows_.empty() || size == size_; }

// Appends an input of a size that fits. After an error the batch is as before.
cvt::error worker::append(const task& t, const cvt::image& photo, cvt::grid size) {
    size_ = size;
    const std::size_t floats = floats_of(config_.num_channels, size);
    try {
        inputs_.resize((rows_.size() + 1) * floats);
    } catch (const std::bad_alloc&) {
        return cvt::error::out_of_memory("the input", (rows_.size() + 1) * floats * sizeof(float));
    }
    const cvt::view<float, 3> input{inputs_.data() + rows_.size() * floats, config_.num_channels, size.height, size.width};
    if (t.tensor_size) {
        std::copy(t.tensor.begin(), t.tensor.end(), input.data());
        return {};
    }
    if (sound_preprocessor_) return sound_preprocessor_->run(std::span<const float>{t.samples}, input);
    return preprocessor_.run(photo.view(), input);
}

void worker::run_rows(std::vector<outcome>& outcomes) {
    const std::size_t rows = rows_.size();
    if (rows == 0) return;
    logits_.resize(rows * static_cast<std::size_t>(config_.num_classes));
    // Without a head, the embedding is the only output.
    if (!options_.embedding.empty() || config_.num_classes == 0)
        embeddings_.resize(rows * static_cast<std::size_t>(config_.last_stage().embed_dim));
    if (!options_.attention.empty()) attention_.resize(rows * attention_width());
    const clock::time_point begin = clock::now();
    const cvt::error error = forward();
    const double share = milliseconds_since(begin) / static_cast<double>(rows);
    for (const batch_row& r : rows_) {
        outcomes[r.index].result.error = error;
        outcomes[r.index].result.milliseconds += share;
    }
    outcome& first = outcomes[rows_.front().index];
    if (!error && options_.repeat > 0) first.notes += measure(first.result.path);
    for (std::size_t i = 0; i < rows; ++i) conclude(outcomes[rows_[i].index], i);
    rows_.clear();
}

cvt::error worker::forward() {
    const cvt::view<const float, 4> inputs{inputs_.data(), static_cast<std::ptrdiff_t>(rows_.size()), config_.num_channels, size_.height,
                                           size_.width};
    return session_.run(inputs, {.logits = logits_, .embedding = embeddings_, .cls_attention = attention_});
}

std::string worker::measure(const std::string& path) {
    std::vector<double> runs;
    for (int i = 0; i < options_.repeat && !interrupt_requested(); ++i) {
        const clock::time_point begin = clock::now();
        if (forward()) return {};  // cannot happen: the same call has just succeeded
        runs.push_back(milliseconds_since(begin));
    }
    if (runs.empty()) return {};
    std::sort(runs.begin(), runs.end());
    const double median = (runs[(runs.size() - 1) / 2] + runs[runs.size() / 2]) / 2;
    const cvt::result<std::int64_t> work = cvt::multiply_adds(config_, size_.height, size_.width);
    const double operations = work ? 2.0 * static_cast<double>(*work) * static_cast<double>(rows_.size()) : 0.0;
    const std::string others = rows_.size() > 1 ? " and " + std::to_string(rows_.size() - 1) + " more" : "";
    return terminal_text(path) + others +
           text(": %zu runs: median %.2f ms, min %.2f ms, %.1f GFLOP/s\n", runs.size(), median, runs.front(), operations / (median * 1e6));
}

std::size_t worker::attention_width() const {
    const cvt::result<cvt::model_shape> shape = cvt::shape_of(config_, size_.height, size_.width);
    return shape ? static_cast<std::size_t>(config_.last_stage().num_heads * shape->last_stage().keys.tokens()) : 0;
}

// Computes everything that a record needs, so that the single writer has little to do.
void worker::conclude(outcome& o, std::size_t row) {
    record& r = o.result;
    if (r.error) return;
    const std::span<const float> logits = row_of(logits_, row, static_cast<std::size_t>(config_.num_classes)),
                                 embedding = row_of(embeddings_, row, static_cast<std::size_t>(config_.last_stage().embed_dim));
    if (!(all_finite(logits) && all_finite(embedding))) {
        r.error =
            cvt::error::format(cvt::errc::invalid_argument, "the result contains NaN or infinite values; check the input and the weights");
        return;
    }
    if (!options_.attention.empty() && (r.error = draw(o, row))) return;
    if (!options_.dump_input.empty()) o.input = copy_of(row_of(inputs_, row, floats_of(config_.num_channels, size_)));
    if (!options_.logits.empty()) o.logits = copy_of(logits);
    if (!options_.embedding.empty()) o.embedding = copy_of(embedding);
    if (logits.empty()) return;
    r.top.resize(std::min(static_cast<std::size_t>(options_.top_k.value_or(5)), logits.size()));
    cvt::top_k(logits, r.top, scores_);
}

// Draws the attention over the photo or the spectrogram.
cvt::error worker::draw(outcome& o, std::size_t row) {
    const std::span<const float> attention = row_of(attention_, row, attention_width());
    if (sound_preprocessor_) {
        auto map = heat_map::draw_spectrogram(row_of(inputs_, row, floats_of(1, size_)), attention, config_,
                                              sound_preprocessor_->spectrogram(), o.result.span ? o.result.span->start : 0);
        if (!map) return map.error();
        o.picture = std::move(map->pixels);
        o.picture_width = map->width;
        o.picture_height = map->height;
        return {};
    }
    const cvt::image photo = std::move(rows_[row].photo);
    auto picture = heat_map::draw(photo.view(), attention, config_, session_.preprocessing());
    if (!picture) return picture.error();
    o.picture = *std::move(picture);
    o.picture_width = photo.width;
    o.picture_height = photo.height;
    return {};
}

std::vector<std::unique_ptr<task_runner>> make_workers(const options& o, const setup& s) {
    std::vector<std::unique_ptr<task_runner>> workers;
    for (int i = 0; i < o.workers; ++i) workers.push_back(std::make_unique<worker>(o, s));
    return workers;
}

}  // namespace app
