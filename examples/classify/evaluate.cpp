// Finds the photos and their classes, runs them, reports.
#include "evaluate.hpp"

#include <chrono>
#include <cstdio>
#include <deque>

#include "classifier.hpp"
#include "escape.hpp"
#include "evaluation_report.hpp"
#include "evaluation_set.hpp"
#include "failure.hpp"
#include "interrupt.hpp"
#include "system.hpp"

namespace app {
int evaluate(const options& o, const setup& s) {
    const evaluation_set set = find_evaluation_set(o, s);
    const std::size_t total = set.photos.size();

    output_files files{o, s.model.config(), cvt::output_size(s.preprocessing)};
    progress_bar progress;
    tally counted{s.labels.size()};
    std::deque<std::size_t> expected;  // of the images whose records are still to come
    const auto take = [&](const record& r) {
        if (r.problem) {
            progress.clear();
            std::fprintf(stderr, "classify: %s: %s\n", terminal_text(r.path).c_str(), terminal_text(r.problem.what()).c_str());
        }
        counted.add(expected.front(), r);
        expected.pop_front();
    };
    classifier run{o, s, files, take, progress};

    const auto begin = std::chrono::steady_clock::now();
    for (const evaluation_set::photo& photo : set.photos) {
        if (interrupt_requested()) break;
        expected.push_back(photo.expected);
        run.add_image(
            {photo.path, {}, photo.problem.empty() ? cvt::error{} : cvt::error::format(cvt::errc::io, "%s", photo.problem.c_str())});
        progress.show(run.done(), total);
    }
    run.flush();
    progress.clear();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();

    const evaluation_report report{counted, set.labels_from, s.labels, seconds, o.threads, o.workers, total - run.done()};
    print(o.format == record_format::jsonl ? report.as_json() : report.as_text());
    return interrupt_requested() ? interrupt_code() : counted.failures.empty() ? all_good : some_failed;
}

}  // namespace app
