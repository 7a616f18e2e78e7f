// --learn: embeds the photos or the chunks of recordings, learns a head, writes the model with it, and reports.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cvt/extra/head_trainer.hpp>
#include <filesystem>
#include <map>
#include <numeric>
#include <utility>

#include "common/failure.hpp"
#include "common/paths.hpp"
#include "input/folder_entries.hpp"
#include "modes/class_folders.hpp"
#include "modes/learn_report.hpp"
#include "modes/modes.hpp"
#include "modes/write_model.hpp"
#include "output/contact_sheet.hpp"
#include "output/progress.hpp"
#include "output/record_file.hpp"
#include "pipeline/embedder.hpp"
#include "platform/platform.hpp"

namespace app {
namespace {

using clock = std::chrono::steady_clock;

double seconds_since(clock::time_point begin) { return std::chrono::duration<double>(clock::now() - begin).count(); }

// Checks the folder before hours of work, with the messages of the writer, which creates it at the end. The check writes to the folder,
// because permissions do not bind root and say nothing of a read-only disk.
void check_output(const options& o) {
    std::error_code ignored, error;
    const std::filesystem::path to = path_of(o.convert), longest = to / "preprocessor_config.json.part";  // of the names in the folder
    const bool is_new = !std::filesystem::exists(to, ignored);
    if (is_new) {
        const std::filesystem::path parent = (to.has_filename() ? to : to.parent_path()).parent_path();
        if (!parent.empty() && !std::filesystem::is_directory(parent, ignored))
            throw failure{some_failed, "--convert: " + o.convert + ": cannot make the folder: there is no folder " + text_of(parent)};
        if (!std::filesystem::create_directory(to, error))
            throw failure{some_failed, "--convert: " + o.convert + ": cannot make the folder: " + error.message()};
    } else if (!std::filesystem::is_directory(to, ignored) || !std::filesystem::is_empty(to, ignored)) {
        throw failure{wrong_usage, "--convert: " + o.convert + ": expected a new or empty folder, found " +
                                       (std::filesystem::is_directory(to, ignored) ? "files in it" : "something else")};
    }
    std::filesystem::create_directory(longest, error);
    std::filesystem::remove(longest, ignored);
    if (is_new) std::filesystem::remove(to, ignored);
    if (error) throw failure{some_failed, "--convert: " + o.convert + ": cannot write into the folder: " + error.message()};
}

// Refuses a class of which no photo could be embedded: the new model would lack it.
void check_classes(const class_folders& set, const embedded_photos& photos, media kind) {
    std::vector<std::size_t> usable(set.names.size(), 0), all(set.names.size(), 0);
    for (const int label : set.labels) ++all[static_cast<std::size_t>(label)];
    for (const embedded_photos::photo& p : photos.photos) ++usable[static_cast<std::size_t>(set.labels[p.index])];
    for (std::size_t k = 0; k < usable.size(); ++k) {
        if (usable[k] > 0) continue;
        std::string sentence = "--learn: class " + set.names[k] + ": expected a " + (kind == media::pictures ? "photo" : "recording") +
                               " that can be embedded, found none among " + std::to_string(all[k]);
        const auto first = std::find_if(photos.failures.begin(), photos.failures.end(), [&](const embedded_photos::unread& f) {
            return static_cast<std::size_t>(set.labels[f.index]) == k;
        });
        if (first != photos.failures.end()) sentence += "; the first is " + set.photos[first->index] + ": " + first->message;
        throw failure{some_failed, sentence};
    }
}

struct fit_progress {
    progress_bar bar;
    static bool show(void* context, const cvt::head_progress& p) {
        static_cast<fit_progress*>(context)->bar.show(static_cast<std::size_t>(p.fit), static_cast<std::size_t>(p.fits));
        return !interrupt_requested();
    }
};

// Returns the group of each photo or recording; the rows of a group are held out together. Duplicates in a class are one group, also if
// copies of copies or photos of other classes connect them. Otherwise a head would be scored on a photo of which it learned a copy.
std::vector<int> groups_of(const class_folders& set, const std::vector<duplicate>& duplicates) {
    std::vector<std::size_t> parent(set.photos.size());
    std::iota(parent.begin(), parent.end(), std::size_t{0});
    const auto root = [&parent](std::size_t i) {
        while (parent[i] != i) i = parent[i] = parent[parent[i]];
        return i;
    };
    for (const duplicate& d : duplicates) parent[root(d.second)] = root(d.first);
    std::map<std::pair<std::size_t, int>, int> first;  // by root and class
    std::vector<int> groups;
    for (std::size_t i = 0; i < parent.size(); ++i)
        groups.push_back(first.emplace(std::pair{root(i), set.labels[i]}, static_cast<int>(i)).first->second);
    return groups;
}

cvt::trained_head learn_head(const options& o, const class_folders& set, const embedded_photos& photos,
                             const std::vector<duplicate>& duplicates, int views) {
    const std::vector<int> group = groups_of(set, duplicates);
    std::vector<int> labels, groups;
    for (const embedded_photos::photo& p : photos.photos)
        for (int v = 0; v < views; ++v) {
            labels.push_back(set.labels[p.index]);
            groups.push_back(group[p.index]);
        }
    const cvt::thread_pool pool = make_pool(std::min(o.threads * o.workers, cvt::executor::max_workers));
    fit_progress progress;
    cvt::head_options options;
    options.method = o.method.value_or(cvt::head_method::logistic);
    options.balanced = o.balanced;
    options.groups = groups;
    options.kernels = o.kernels.empty() ? nullptr : o.kernels.c_str();
    options.executor = pool.as_executor();
    options.context = &progress;
    options.progress = &fit_progress::show;
    const cvt::view<const float, 2> rows{photos.embeddings.data(), std::ssize(labels), static_cast<std::ptrdiff_t>(photos.width)};
    cvt::result<cvt::trained_head> head = cvt::train_head(rows, labels, static_cast<int>(set.names.size()), options);
    if (interrupt_requested()) {
        progress.bar.clear();
        std::fprintf(stderr, "classify: interrupted while the head was learned; no model was written%s\n",
                     o.cache.empty() ? ", and --cache FILE would keep the embeddings" : ", and the cache keeps the embeddings");
        end_if_interrupted();
    }
    if (!head) throw failure{some_failed, std::string{"--learn: "} + head.error().what()};
    return *std::move(head);
}

}  // namespace

int learn(const options& o) {
    check_output(o);
    const setup s = make_setup(o);
    const class_folders set = find_class_folders(o.learn, s.kind());
    refuse_among_photos("--sheet", o.sheet, set.folders, s.kind());
    refuse_among_photos("--cache", o.cache, set.folders, s.kind());
    const open_checkpoint source = open_for_conversion(o);
    const int views = o.views.value_or(1);

    clock::time_point begin = clock::now();
    const embedded_photos photos = [&] {  // closes the cache before the learning, for other runs
        embedding_cache cache = open_cache(o, s);
        return embed_photos(o, s, set.photos, views, cache);
    }();
    const double embedding_seconds = seconds_since(begin);
    check_classes(set, photos, s.kind());
    const std::vector<duplicate> duplicates = find_duplicates(photos, views);
    begin = clock::now();
    const cvt::trained_head head = learn_head(o, set, photos, duplicates, views);
    const double learning_seconds = seconds_since(begin);
    const std::string written = write_model(o, source, set.names, cvt::head_view{head.weights, head.bias});

    const learn_report report{
        s.kind(), o.learn,           o.convert,       written, set, photos, duplicates, head, o.method.value_or(cvt::head_method::logistic),
        views,    embedding_seconds, learning_seconds};
    print(o.format == record_format::jsonl ? report.as_json() : report.as_text());
    if (!o.sheet.empty()) {
        std::vector<std::string> doubted;
        for (const doubt& d : report.doubts(learn_report::doubts_shown)) doubted.push_back(set.photos[d.photo]);
        if (doubted.empty())
            std::fputs("classify: --sheet: no label is in doubt, so nothing was drawn\n", stderr);
        else
            draw_contact_sheet(o, doubted, o.sheet);
    }
    return photos.failures.empty() ? all_good : some_failed;
}

}  // namespace app
