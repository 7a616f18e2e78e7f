// The loop of the program: decode, preprocess, run, report.
#include "classifier.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "escape.hpp"
#include "interrupt.hpp"

namespace app {
namespace {

using clock = std::chrono::steady_clock;

// A batch of many large photos, kept for their pictures, would need gigabytes.
constexpr std::size_t most_photo_bytes = 256U << 20;

double milliseconds_since(clock::time_point begin) { return std::chrono::duration<double, std::milli>(clock::now() - begin).count(); }

std::unique_ptr<npy_output> open_output(const std::string& path, std::vector<std::size_t> row_shape) {
    return path.empty() ? nullptr : std::make_unique<npy_output>(path, std::move(row_shape));
}

std::size_t floats_of(int channels, cvt::grid size) { return static_cast<std::size_t>(channels * size.tokens()); }

// Row `row` of an array of rows of `width`; empty for an array that is not computed.
std::span<const float> row_of(const std::vector<float>& values, std::size_t row, std::size_t width) {
    return values.empty() ? std::span<const float>{} : std::span{values}.subspan(row * width, width);
}

bool all_finite(std::span<const float> values) {
    return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
}

}  // namespace

output_files::output_files(const options& o, const cvt::config& c, std::optional<cvt::grid> input_size)
    : logits{open_output(o.logits, {static_cast<std::size_t>(c.num_classes)})},
      embedding{open_output(o.embedding, {static_cast<std::size_t>(c.last_stage().embed_dim)})} {
    if (input_size)
        input = open_output(o.dump_input, {static_cast<std::size_t>(c.num_channels), static_cast<std::size_t>(input_size->height),
                                           static_cast<std::size_t>(input_size->width)});
    if (!o.attention.empty()) attention = std::make_unique<attention_writer>(o.attention);
}

classifier::classifier(const options& o, cvt::session& session, output_files& files, std::function<void(const record&)> take,
                       progress_bar& progress)
    : options_{o}, session_{session}, config_{session.model().config()}, files_{files}, take_{std::move(take)}, progress_{progress} {}

void classifier::add_image(const input& image) {
    const clock::time_point begin = clock::now();
    cvt::image photo;
    const cvt::error problem = read_image(image, photo);
    if (!files_.attention) photo = {};
    add({{image.path, image.id, problem, {}, milliseconds_since(begin), {}}, !problem, std::move(photo)});
}

void classifier::add_tensor(const std::string& name, cvt::view<const float, 3> input) {
    const cvt::view<float, 3> row = next_row({static_cast<int>(input.extent(1)), static_cast<int>(input.extent(2))});
    std::copy_n(input.data(), input.size(), row.data());
    add({{name, {}, {}, {}, 0, {}}, true, {}});
}

void classifier::add_failed(const input& failed) { add({{failed.path, failed.id, failed.problem, {}, 0, {}}, false, {}}); }

void classifier::add(entry&& e) {
    rows_ += e.has_row ? 1 : 0;
    photo_bytes_ += e.photo.pixels.size();
    waiting_.push_back(std::move(e));
    if (waiting_.size() >= static_cast<std::size_t>(options_.batch) || photo_bytes_ > most_photo_bytes) flush();
}

cvt::error classifier::read_image(const input& image, cvt::image& photo) {
    const cvt::orientation turn = options_.orient.value_or(cvt::orientation::exif);
    cvt::result<cvt::image> decoded = image.data ? cvt::decode(*image.data, turn) : cvt::read_image(image.path.c_str(), turn);
    if (!decoded) return decoded.error();
    photo = *std::move(decoded);
    const cvt::result<cvt::grid> size = cvt::output_size(session_.preprocessing(), photo.width, photo.height);
    if (!size) return size.error();
    return cvt::preprocess(photo.view(), session_.preprocessing(), next_row(*size), scratch_);
}

// Where the next input of the batch goes. One of another size begins a new batch.
cvt::view<float, 3> classifier::next_row(cvt::grid size) {
    if (rows_ > 0 && !(size == size_)) flush();
    size_ = size;
    const std::size_t floats = floats_of(config_.num_channels, size);
    inputs_.resize((rows_ + 1) * floats);
    return cvt::view<float, 3>{inputs_.data() + rows_ * floats, config_.num_channels, size.height, size.width};
}

cvt::error classifier::forward() {
    const cvt::view<const float, 4> inputs{inputs_.data(), static_cast<std::ptrdiff_t>(rows_), config_.num_channels, size_.height,
                                           size_.width};
    return session_.run(inputs, {.logits = logits_, .embedding = embeddings_, .cls_attention = attention_});
}

void classifier::run_batch() {
    const auto width = static_cast<std::size_t>(config_.last_stage().embed_dim);
    logits_.resize(rows_ * static_cast<std::size_t>(config_.num_classes));
    // Without a head the embedding is all there is to compute.
    if (files_.embedding || config_.num_classes == 0) embeddings_.resize(rows_ * width);
    if (files_.attention) attention_.resize(rows_ * attention_width());
    const clock::time_point begin = clock::now();
    const cvt::error problem = forward();
    const double share = milliseconds_since(begin) / static_cast<double>(rows_);
    for (entry& e : waiting_) {
        if (!e.has_row) continue;
        e.result.problem = problem;
        e.result.milliseconds += share;
    }
    if (!problem && options_.repeat > 0) measure();
}

void classifier::measure() {
    std::vector<double> runs;
    for (int i = 0; i < options_.repeat && !interrupt_requested(); ++i) {
        const clock::time_point begin = clock::now();
        if (forward()) return;  // cannot happen: it worked just before
        runs.push_back(milliseconds_since(begin));
    }
    if (runs.empty()) return;
    std::sort(runs.begin(), runs.end());
    const double median = (runs[(runs.size() - 1) / 2] + runs[runs.size() / 2]) / 2;
    const cvt::result<std::int64_t> work = cvt::multiply_adds(config_, size_.height, size_.width);
    const double operations = work ? 2.0 * static_cast<double>(*work) * static_cast<double>(rows_) : 0.0;
    const auto first = std::find_if(waiting_.begin(), waiting_.end(), [](const entry& e) { return e.has_row; });
    const std::string others = rows_ > 1 ? " and " + std::to_string(rows_ - 1) + " more" : "";
    progress_.clear();
    std::fprintf(stderr, "%s%s: %zu runs: median %.2f ms, min %.2f ms, %.1f GFLOP/s\n", terminal_text(first->result.path).c_str(),
                 others.c_str(), runs.size(), median, runs.front(), operations / (median * 1e6));
}

void classifier::flush() {
    if (rows_ > 0) run_batch();
    std::size_t row = 0;
    for (entry& e : waiting_) {
        if (stopped()) break;
        finish(e, row);
        row += e.has_row ? 1 : 0;
    }
    waiting_.clear();
    rows_ = 0;
    photo_bytes_ = 0;
}

std::size_t classifier::attention_width() const {
    const cvt::result<cvt::model_shape> shape = cvt::shape_of(config_, size_.height, size_.width);
    return shape ? static_cast<std::size_t>(config_.last_stage().num_heads * shape->last_stage().keys.tokens()) : 0;
}

// `row` counts for nothing where the entry has none.
void classifier::finish(entry& e, std::size_t row) {
    record& r = e.result;
    const auto part = [&](const std::vector<float>& values, std::size_t width) {
        return e.has_row ? row_of(values, row, width) : std::span<const float>{};
    };
    const std::span<const float> logits = part(logits_, static_cast<std::size_t>(config_.num_classes)),
                                 embedding = part(embeddings_, static_cast<std::size_t>(config_.last_stage().embed_dim));
    if (!r.problem && !(all_finite(logits) && all_finite(embedding)))
        r.problem =
            cvt::error::format(cvt::errc::invalid_argument, "the result holds NaN or infinite values: so does the input or a weight");
    if (!r.problem && files_.attention)
        r.problem = files_.attention->write(r.path, e.photo.view(), part(attention_, attention_width()), session_, r.attention);
    const auto append = [&r](const std::unique_ptr<npy_output>& file, std::span<const float> values) {
        if (!file) return;
        if (r.problem)
            file->append_failed();
        else
            file->append(values);
    };
    append(files_.logits, logits);
    append(files_.embedding, embedding);
    if (files_.input) append(files_.input, part(inputs_, floats_of(config_.num_channels, size_)));
    if (!r.problem && !logits.empty()) {
        r.top.resize(std::min(static_cast<std::size_t>(options_.top_k.value_or(5)), logits.size()));
        cvt::top_k(logits, r.top);
    }
    failed_ += r.problem ? 1U : 0U;
    ++done_;
    take_(r);
}

}  // namespace app
