// classify: classes of images, from a CvT on the CPU. This file is the order of events; each step has a file of its own.
#include <algorithm>
#include <cstdio>
#include <new>

#include "classifier.hpp"
#include "convert.hpp"
#include "evaluate.hpp"
#include "failure.hpp"
#include "info.hpp"
#include "inputs.hpp"
#include "interrupt.hpp"
#include "options.hpp"
#include "record_file.hpp"
#include "selection.hpp"
#include "setup.hpp"
#include "system.hpp"
#include "tensors.hpp"
#include "terminal.hpp"
#include "verify.hpp"

namespace app {
namespace {

void classify_tensors(const tensor_file& tensors, classifier& run, progress_bar& progress) {
    for (std::size_t i = 0; i < tensors.count() && !interrupt_requested() && !run.stopped(); ++i) {
        run.add_tensor(tensors.name(i), tensors[i]);
        progress.show(run.done(), tensors.count());
    }
}

void classify_images(input_list& images, classifier& run, progress_bar& progress) {
    for (;;) {
        std::optional<input> next = images.next();
        if (!next || interrupt_requested() || run.stopped()) break;
        run.add_image(*std::move(next));
        progress.show(run.done(), images.total());
    }
}

void report(const classifier& run, const done_records& before) {
    if (before.taken() > 0)
        std::fprintf(stderr, "classify: %zu inputs were done before, %zu of them failed\n", before.taken(), before.failed());
    if (run.failed() > 0 || run.stopped())
        std::fprintf(stderr, "classify: %zu of %zu inputs failed%s\n", run.failed(), run.done(),
                     run.stopped() ? "; the rest is left undone" : "");
}

int run(const options& o) {
    if (!o.convert.empty()) return convert_model(o);
    const setup s = make_setup(o);
    if (o.verify) return verify_model(o, s);
    if (o.info) {
        print(describe(o, s));
        return all_good;
    }
    if (!o.evaluate.empty()) return evaluate(o, s);

    if (o.model.empty() && is_terminal(standard_error))
        std::fputs("classify: the built-in model knows ten classes only (--info); --model takes an official one\n", stderr);

    std::optional<tensor_file> tensors;
    if (!o.input.empty()) tensors.emplace(o.input, s.model.config());

    // What can fail for want of a path or of space is opened before the work begins; the records first, which may turn out to be
    // another run's: then its arrays stay as they are, too.
    record_file file{o};
    output_files files{o, s.model.config(), cvt::output_size(s.preprocessing)};
    const bool ids = o.tar || std::count(o.inputs.begin(), o.inputs.end(), "-") > 0;
    record_writer records{file,
                          o.format,
                          s.labels,
                          std::min(o.top_k.value_or(5), s.model.config().num_classes),
                          {.pictures = files.attention != nullptr, .ids = ids, .scores = s.model.info().scores}};
    progress_bar progress;
    const auto write = [&](const record& r) {
        progress.clear_for_records();
        records.write(r);
    };
    classifier classifier{o, s, files, write, progress};
    selection mine{o.shard, file.done(), [&] { classifier.count_failed_elsewhere(); }};
    if (tensors) {
        classify_tensors(*tensors, classifier, progress);
    } else {
        // Whoever feeds one path at a time waits for its record before the next: a batch must not wait for him.
        const auto meanwhile = [&] {
            if (classifier.stopped()) return waiting::over;
            if (!classifier.busy()) return waiting::idle;
            classifier.advance();
            return waiting::used;
        };
        // What comes after the end is of no account, and nothing is to be said of it.
        const input_filter wanted{[&](const std::string& path) { return mine.in_shard(path); },
                                  [&](const input& i) { return interrupt_requested() || classifier.stopped() || mine.wants(i); }};
        input_list images{o.inputs, o.tar, wanted, meanwhile};
        classify_images(images, classifier, progress);
    }
    classifier.flush();
    progress.clear();
    file.finish();
    report(classifier, file.done());
    if (interrupt_requested()) return interrupt_code();
    return classifier.failed() + classifier.failed_elsewhere() + file.done().failed() > 0 ? some_failed : all_good;
}

}  // namespace
}  // namespace app

int main(int argc, char** argv) {
    app::prepare_streams();
    app::catch_signals();
    try {
        const std::optional<app::options> options = app::parse_options(argc, argv);
        const int code = options ? app::run(*options) : app::all_good;
        app::finish_output();
        return code;
    } catch (const app::failure& f) {
        if (!f.message.empty())
            std::fprintf(stderr, "%s %s\n", app::paint{app::standard_error}.bad("classify:").c_str(), f.message.c_str());
        return f.code;
    } catch (const std::bad_alloc&) {
        std::fputs("classify: out of memory\n", stderr);
        return app::some_failed;
    }
}
