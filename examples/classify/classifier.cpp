// The order of things: inputs are gathered to batches, the crew runs them, what came out is written.
#include "classifier.hpp"

#include <cstdio>

namespace app {
namespace {

std::unique_ptr<npy_output> open_output(const std::string& path, std::vector<std::size_t> row_shape) {
    return path.empty() ? nullptr : std::make_unique<npy_output>(path, std::move(row_shape));
}

}  // namespace

output_files::output_files(const options& o, const cvt::config& c, std::optional<cvt::grid> input_size)
    : logits{open_output(o.logits, {static_cast<std::size_t>(c.num_classes)})},
      embedding{open_output(o.embedding, {static_cast<std::size_t>(c.last_stage().embed_dim)})} {
    if (input_size)
        input = open_output(o.dump_input, {static_cast<std::size_t>(c.num_channels), static_cast<std::size_t>(input_size->height),
                                           static_cast<std::size_t>(input_size->width)});
    if (!o.attention.empty()) attention = std::make_unique<attention_writer>(o.attention, o.shard);
}

void output_files::begin() {
    for (npy_output* array : {logits.get(), embedding.get(), input.get()})
        if (array != nullptr) array->begin();
}

classifier::classifier(const options& o, const setup& s, output_files& files, std::function<void(const record&)> take,
                       progress_bar& progress)
    : options_{o}, files_{files}, take_{std::move(take)}, progress_{progress}, crew_{o, s, [this](outcome& done) { return report(done); }} {
    files_.begin();  // now that nothing stands in the way: a run that is refused leaves arrays as they were
}

void classifier::add_image(input&& image) { add({std::move(image)}); }

void classifier::add_tensor(const std::string& name, cvt::view<const float, 3> input) { add({{name, {}, {}}, input}); }

void classifier::add(task&& t) {
    if (t.image.data) waiting_bytes_ += t.image.data->size();
    waiting_.tasks.push_back(std::move(t));
    if (waiting_.tasks.size() >= static_cast<std::size_t>(options_.batch) || waiting_bytes_ > photo_bytes_in_job(options_.workers))
        hand_out();
}

void classifier::hand_out() {
    if (!waiting_.tasks.empty()) crew_.give(std::exchange(waiting_, {}));
    waiting_bytes_ = 0;
}

void classifier::advance() {
    if (!waiting_.tasks.empty())
        hand_out();
    else
        crew_.report_within(std::chrono::milliseconds{2});
}

void classifier::flush() {
    hand_out();
    crew_.finish();
}

bool classifier::report(outcome& o) {
    if (!o.timing.empty()) {
        progress_.clear();
        std::fputs(o.timing.c_str(), stderr);
    }
    record& r = o.result;
    if (!r.problem && files_.attention)
        r.problem = files_.attention->write(r.path, o.picture, o.picture_width, o.picture_height, r.attention);
    const auto append = [&r](const std::unique_ptr<npy_output>& file, std::span<const float> values) {
        if (!file) return;
        if (r.problem)
            file->append_failed();
        else
            file->append(values);
    };
    append(files_.logits, o.logits);
    append(files_.embedding, o.embedding);
    append(files_.input, o.input);
    failed_ += r.problem ? 1U : 0U;
    ++done_;
    take_(r);
    return !stopped();
}

}  // namespace app
