// --evaluate: finds photos or recordings and their classes, runs the model, and reports the accuracy.
#include <chrono>
#include <cstdio>

#include "common/failure.hpp"
#include "common/text.hpp"
#include "modes/evaluation_report.hpp"
#include "modes/evaluation_set.hpp"
#include "modes/modes.hpp"
#include "output/progress.hpp"
#include "output/record_file.hpp"
#include "pipeline/chunk_source.hpp"
#include "pipeline/worker.hpp"
#include "platform/platform.hpp"

namespace app {
namespace {

class photo_source : public task_source {
public:
    explicit photo_source(const evaluation_set& set) : set_{set} {}
    std::optional<task> next() override {
        if (next_ == set_.photos.size()) return std::nullopt;
        const evaluation_set::photo& p = set_.photos[next_];
        task t;
        t.number = next_++;
        t.image.path = p.path;
        if (!p.error.empty()) t.image.error = cvt::error::format(cvt::errc::io, "%s", p.error.c_str());
        return t;
    }

private:
    const evaluation_set& set_;
    std::size_t next_ = 0;
};

class tally_sink : public outcome_sink {
public:
    tally_sink(const evaluation_set& set, tally& counted) : set_{set}, counted_{counted} {}
    bool take(outcome& o, std::optional<std::size_t> total) override {
        if (o.result.error) {
            progress_.clear();
            std::fprintf(stderr, "classify: %s: %s\n", terminal_text(o.result.path).c_str(), terminal_text(o.result.error.what()).c_str());
        }
        counted_.add(set_.photos[o.number].expected, o.result);
        done_ = o.number + 1;
        progress_.show(done_, total);
        return true;
    }
    /// Photos that ran, or recordings of which a chunk did.
    [[nodiscard]] std::size_t done() const { return done_; }

private:
    const evaluation_set& set_;
    tally& counted_;
    progress_bar progress_;
    std::size_t done_ = 0;
};

}  // namespace

int evaluate(const options& o, const setup& s) {
    const evaluation_set set = find_evaluation_set(o, s);
    tally counted{s.labels.size()};
    std::size_t done = 0;
    const auto begin = std::chrono::steady_clock::now();
    {
        read_control control;
        pipeline line{make_workers(o, s), static_cast<std::size_t>(o.batch), control};
        photo_source source{set};
        tally_sink sink{set, counted};
        if (s.spectrogram) {
            chunk_source chunks{source, o, *s.spectrogram, nullptr, control};
            line.run(chunks, sink, set.photos.size());
        } else {
            line.run(source, sink, set.photos.size());
        }
        done = sink.done();
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    const evaluation_report report{s.kind(), counted, set.labels_from, s.labels, seconds, o.threads, o.workers, set.photos.size() - done};
    print(o.format == record_format::jsonl ? report.as_json() : report.as_text());
    return interrupt_requested() ? interrupt_code() : counted.failures.empty() ? all_good : some_failed;
}

}  // namespace app
