// Finds the class folders, runs their images, reports.
#include "evaluate.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <deque>
#include <filesystem>

#include "class_folders.hpp"
#include "classifier.hpp"
#include "escape.hpp"
#include "evaluation_report.hpp"
#include "failure.hpp"
#include "inputs.hpp"
#include "interrupt.hpp"
#include "system.hpp"

namespace app {
namespace {

namespace fs = std::filesystem;

struct class_folder {
    std::size_t index;
    std::string path;
    input_list images;
};

std::vector<std::string> folders_in(const std::string& directory) {
    std::vector<std::string> names;
    std::error_code problem;
    for (fs::directory_iterator at{path_of(directory), problem}; !problem && at != fs::directory_iterator{}; at.increment(problem)) {
        std::error_code ignored;
        const std::string name = text_of(at->path().filename());
        if (!name.starts_with('.') && at->is_directory(ignored)) names.push_back(name);
    }
    if (problem) throw failure{wrong_usage, "--evaluate: " + directory + " cannot be listed: " + problem.message()};
    if (names.empty()) throw failure{wrong_usage, "--evaluate: " + directory + ": expected one folder a class, found none"};
    std::sort(names.begin(), names.end());
    return names;
}

// Every folder must be a class: one left out in silence would be an accuracy of something else.
std::vector<class_folder> find_classes(const options& o, const setup& s) {
    const class_folders classes{s.labels, o.classes};
    std::vector<class_folder> found;
    std::vector<const char*> folder_of(s.labels.size(), nullptr);
    const std::vector<std::string> names = folders_in(o.evaluate);
    std::string problem;
    std::size_t problems = 0;
    for (const std::string& name : names) {
        const class_folders::match m = classes.find(name);
        const bool twice = m.index && folder_of[*m.index] != nullptr;
        if (!m.index || twice) {
            if (problems++ == 0)
                problem = twice ? terminal_text(folder_of[*m.index]) + " and " + terminal_text(name) + " are both class " +
                                      std::to_string(*m.index)
                                : terminal_text(m.why_not);
            continue;
        }
        folder_of[*m.index] = name.c_str();
        if (problems == 0) {
            const std::string path = text_of(path_of(o.evaluate) / path_of(name));
            found.push_back({*m.index, path, input_list{std::vector{path}}});
        }
    }
    if (problems > 1) problem += " (and " + std::to_string(problems - 1) + (problems == 2 ? " more folder)" : " more folders)");
    if (problems > 0) throw failure{wrong_usage, "--evaluate: " + terminal_text(o.evaluate) + ": " + problem};
    return found;
}

}  // namespace

int evaluate(const options& o, const setup& s) {
    std::vector<class_folder> folders = find_classes(o, s);
    std::size_t total = 0;
    for (const class_folder& f : folders) total += f.images.total().value_or(0);

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
    for (class_folder& f : folders)
        while (!interrupt_requested()) {
            std::optional<input> next = f.images.next();
            if (!next) break;
            expected.push_back(f.index);
            run.add_image(*std::move(next));
            progress.show(run.done(), total);
        }
    run.flush();
    progress.clear();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();

    const evaluation_report report{counted, s.labels, seconds, o.threads, o.workers, total - run.done()};
    print(o.format == record_format::jsonl ? report.as_json() : report.as_text());
    return interrupt_requested() ? interrupt_code() : counted.failures.empty() ? all_good : some_failed;
}

}  // namespace app
