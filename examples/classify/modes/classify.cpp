// The default mode: classifies images, chunks of recordings or tensors, and writes records, arrays and pictures.
#include <algorithm>
#include <cstdio>

#include "common/failure.hpp"
#include "common/text.hpp"
#include "input/input_list.hpp"
#include "input/tensor_file.hpp"
#include "modes/modes.hpp"
#include "output/output_files.hpp"
#include "output/progress.hpp"
#include "output/record_file.hpp"
#include "output/record_schema.hpp"
#include "pipeline/chunk_source.hpp"
#include "pipeline/worker.hpp"
#include "platform/platform.hpp"

namespace app {
namespace {

/// Images, or whole recordings.
class file_source : public task_source {
public:
    explicit file_source(input_list& inputs) : inputs_{inputs} {}
    std::optional<task> next() override {
        std::optional<input> next = inputs_.next();
        if (!next) return std::nullopt;
        next->notes = inputs_.take_notes();
        return task{*std::move(next)};
    }

private:
    input_list& inputs_;
};

class tensor_source : public task_source {
public:
    explicit tensor_source(tensor_file& tensors) : tensors_{tensors} {}
    std::optional<task> next() override {
        if (next_ == tensors_.count()) return std::nullopt;
        task t;
        t.image.path = tensors_.name(next_);
        t.tensor_size = tensors_.size();
        t.image.error = tensors_.read(next_++, t.tensor);
        return t;
    }

private:
    tensor_file& tensors_;
    std::size_t next_ = 0;
};

/// Writes the outcome of each input, and counts.
class record_sink : public outcome_sink {
public:
    record_sink(const options& o, const record_schema& schema, record_file& records, output_files& files)
        : max_errors_{o.max_errors}, schema_{schema}, records_{records}, files_{files} {}

    bool take(outcome& o, std::optional<std::size_t> total) override {
        if (!o.notes.empty()) say(o.notes);
        if (o.of_other_shard) {
            say("classify: " + terminal_text(o.result.path) + ": " + terminal_text(o.result.error.what()) + '\n');
            ++failed_elsewhere_;
            progress_.show(done_ + failed_elsewhere_, total);
            return !stopped();
        }
        record& r = o.result;
        if (!r.error && files_.attention)
            r.error = files_.attention->write(r.path, r.span, o.picture, o.picture_width, o.picture_height, r.attention);
        append(files_.logits.get(), o.logits, r);
        append(files_.embedding.get(), o.embedding, r);
        append(files_.input.get(), o.input, r);
        failed_ += r.error ? 1U : 0U;
        ++done_;
        progress_.clear_for_records();
        records_.write(schema_.line(r));
        progress_.show(done_ + failed_elsewhere_, total);
        return !stopped();
    }

    void finish() { progress_.clear(); }
    /// Inputs with a record, how many of them failed, and failed inputs that another shard records.
    [[nodiscard]] std::size_t done() const { return done_; }
    [[nodiscard]] std::size_t failed() const { return failed_; }
    [[nodiscard]] std::size_t failed_elsewhere() const { return failed_elsewhere_; }
    /// Whether more inputs failed than --max-errors allows.
    [[nodiscard]] bool stopped() const { return max_errors_ && failed_ + failed_elsewhere_ > *max_errors_; }

private:
    void say(const std::string& lines) {
        progress_.clear();
        std::fputs(lines.c_str(), stderr);
    }
    static void append(npy_rows* rows, std::span<const float> values, const record& r) {
        if (rows == nullptr) return;
        if (r.error)
            rows->append_failed();
        else
            rows->append(values);
    }

    std::optional<std::size_t> max_errors_;
    const record_schema& schema_;
    record_file& records_;
    output_files& files_;
    progress_bar progress_;
    std::size_t done_ = 0, failed_ = 0, failed_elsewhere_ = 0;
};

void report(const record_sink& run, const resume_index& before) {
    if (before.taken() > 0)
        std::fprintf(stderr, "classify: %zu inputs were done in an earlier run, %zu of them failed\n", before.taken(), before.failed());
    if (run.failed() > 0 || run.stopped())
        std::fprintf(stderr, "classify: %zu of %zu inputs failed%s\n", run.failed(), run.done(),
                     run.stopped() ? "; the run ended early" : "");
}

}  // namespace

int classify(const options& o, const setup& s) {
    if (o.model.empty() && is_terminal(standard_error))
        std::fprintf(stderr, "classify: the built-in model knows only %d classes (see --info); use --model for an official one\n",
                     s.model.config().num_classes);

    std::optional<tensor_file> tensors;
    if (!o.input.empty()) tensors.emplace(o.input, s.model.config());

    // Outputs are opened before the work begins, since that may fail. The records come first: if they belong to another run, its arrays
    // stay unchanged.
    record_file records{o};
    resume_index done;
    if (o.resume) {
        done = resume_index{o.out, o.shard};
        records.cut_after(done.whole_bytes());
    }
    output_files files{o, s.model.config(), cvt::output_size(s.preprocessing)};
    const bool ids = o.tar || std::count(o.inputs.begin(), o.inputs.end(), "-") > 0;
    const record_schema schema{
        o.format,
        s.labels,
        std::min(o.top_k.value_or(5), s.model.config().num_classes),
        {.pictures = files.attention != nullptr, .ids = ids, .spans = s.spectrogram && !tensors, .scores = s.model.info().scores},
        paint{records.descriptor()}};
    read_control control;
    pipeline line{make_workers(o, s), static_cast<std::size_t>(o.batch), control};
    files.begin();
    if (const std::string header = schema.header(); !header.empty()) records.write(header);

    record_sink sink{o, schema, records, files};
    selection wanted{o.shard, done};
    if (tensors) {
        tensor_source source{*tensors};
        line.run(source, sink, tensors->count());
    } else {
        input_list inputs{o.inputs, s.kind(), o.tar, wanted, control};
        file_source files_in_order{inputs};
        if (s.spectrogram) {
            chunk_source chunks{files_in_order, o, *s.spectrogram, &wanted, control};
            line.run(chunks, sink, std::nullopt);
            std::fputs(chunks.take_notes().c_str(), stderr);
        } else {
            line.run(files_in_order, sink, inputs.total());
        }
        std::fputs(inputs.take_notes().c_str(), stderr);
    }
    sink.finish();
    records.finish();
    report(sink, done);
    if (interrupt_requested()) return interrupt_code();
    return sink.failed() + sink.failed_elsewhere() + done.failed() > 0 ? some_failed : all_good;
}

}  // namespace app
