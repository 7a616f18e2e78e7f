// learn_report.hpp: counts, sorts and formats.
#include "modes/learn_report.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "common/text.hpp"
#include "modes/report_text.hpp"
#include "output/terminal.hpp"
#include "platform/platform.hpp"

namespace app {
namespace {

constexpr std::size_t classes_shown = 20, files_shown = 10;

struct class_counts {
    std::size_t index = 0, photos = 0, scored = 0, correct = 0;
};

/// What the held-out rows say of each class and of each pair of classes.
struct confusion_table {
    std::vector<class_counts> of_class;
    std::vector<confusion> confusions;
};

confusion_table count(const learn_report& r) {
    confusion_table t{std::vector<class_counts>(r.set.names.size()), {}};
    for (std::size_t k = 0; k < t.of_class.size(); ++k) t.of_class[k].index = k;
    std::map<std::pair<std::size_t, std::size_t>, std::size_t> pairs;
    for (std::size_t i = 0; i < r.photos.photos.size(); ++i) {
        const int label = r.set.labels[r.photos.photos[i].index];
        class_counts& c = t.of_class[static_cast<std::size_t>(label)];
        ++c.photos;
        const cvt::held_out_row& row = r.head.rows[i * static_cast<std::size_t>(r.views)];
        if (row.predicted < 0) continue;
        ++c.scored;
        c.correct += row.predicted == label ? 1U : 0U;
        if (row.predicted != label) ++pairs[{static_cast<std::size_t>(label), static_cast<std::size_t>(row.predicted)}];
    }
    t.confusions = sorted_confusions(pairs);
    return t;
}

std::string number(double value, bool known) { return known ? text("%.6g", value) : "null"; }

std::string row(const char* name, const std::string& value) { return text("%-12s ", name) + value + '\n'; }

const char* plural(std::size_t n) { return n == 1 ? "" : "s"; }

}  // namespace

std::vector<duplicate> find_duplicates(const embedded_photos& photos, int views) {
    std::vector<duplicate> found;
    std::map<digest, std::size_t> by_bytes, by_embedding;  // positions in photos.photos
    std::set<std::pair<std::size_t, std::size_t>> pairs;
    const std::size_t stride = photos.width * static_cast<std::size_t>(views);
    for (std::size_t i = 0; i < photos.photos.size(); ++i) {
        const digest& bytes = photos.photos[i].bytes;
        const digest embedding = sha256_of(std::as_bytes(std::span{photos.embeddings}.subspan(i * stride, photos.width)));
        const auto [first, is_new] = by_bytes.emplace(bytes, i);
        const auto [alike, differs] = by_embedding.emplace(embedding, i);
        if (is_new && differs) continue;
        const std::size_t one = photos.photos[is_new ? alike->second : first->second].index, other = photos.photos[i].index;
        if (one != other && pairs.emplace(one, other).second) found.push_back({one, other, !is_new});
    }
    return found;
}

std::vector<doubt> learn_report::doubts(std::size_t at_most) const {
    std::vector<doubt> all;
    for (std::size_t i = 0; i < photos.photos.size(); ++i) {
        const std::size_t index = photos.photos[i].index;
        const cvt::held_out_row& r = head.rows[i * static_cast<std::size_t>(views)];
        if (r.predicted >= 0 && r.predicted != set.labels[index])
            all.push_back({index, r.predicted, r.probability, r.of_label, photos.photos[i].span});
    }
    std::stable_sort(all.begin(), all.end(), [](const doubt& a, const doubt& b) { return a.probability > b.probability; });
    if (all.size() > at_most) all.resize(at_most);
    return all;
}

std::string learn_report::as_text() const {
    const paint colours{standard_output};
    const auto label = [this](std::size_t k) { return terminal_text(set.names[k]); };
    const bool sounds = kind == media::sounds;
    const char *const unit = sounds ? "chunks" : "photos", *const what = sounds ? "recording" : "photo";
    std::string out = row(unit, text("%zu in %zu classes, from ", photos.photos.size(), set.names.size()) + terminal_text(root) +
                                    (photos.failures.empty() ? "" : text(", %zu could not be read", photos.failures.size())));
    out += row("embedded", text("%.1f s, %zu from the cache", embedding_seconds, photos.cached) +
                               (views > 1 ? text(", %d views of each photo", views) : ""));
    out +=
        row("learned", method == cvt::head_method::logistic
                           ? text("%.1f s, logistic regression with C = %g on %zu features", learning_seconds, head.strength, photos.width)
                           : text("%.1f s, prototypes of %zu features", learning_seconds, photos.width));
    if (head.trials.empty()) {
        out += row("top-1", text("not known: cross-validation needs a class with two %ss", what));
    } else {
        const cvt::head_trial& t = head.trials[head.chosen];
        out += row("top-1", colours.good(text("%.1f %% +- %.1f %%", 100 * t.accuracy, 100 * t.spread)) +
                                text(", cross-validated in %zu folds", head.fold_sizes.size()));
    }
    out += row("written", terminal_text(written_to) + ": " + written);

    const confusion_table table = count(*this);
    std::vector<class_counts> shown = table.of_class;
    const auto accuracy = [](const class_counts& c) {
        return c.scored == 0 ? 2.0 : static_cast<double>(c.correct) / static_cast<double>(c.scored);
    };
    if (shown.size() > classes_shown) {
        std::stable_sort(shown.begin(), shown.end(),
                         [&](const class_counts& a, const class_counts& b) { return accuracy(a) < accuracy(b); });
        shown.resize(classes_shown);
    }
    out += '\n' +
           colours.bold(
               text("%-28s %7s %8s  %s", set.names.size() > classes_shown ? "hardest classes" : "class", unit, "top-1", "taken for")) +
           '\n';
    for (const class_counts& c : shown)
        out += padded(label(c.index), 28) + text(" %7zu ", c.photos) +
               (c.scored == 0 ? std::string{"     -  "} : text("%6.1f %%", 100 * accuracy(c))) +
               confusions_text(table.confusions, c.index, label);

    if (const std::vector<doubt> doubted = doubts(doubts_shown); !doubted.empty()) {
        out += '\n' + colours.bold(text("labels to check: %s that the other folds take for another class", unit)) + '\n';
        for (const doubt& d : doubted)
            out += text("%6.1f %%  ", 100 * d.probability) + label(static_cast<std::size_t>(d.taken_for)) + "  " +
                   terminal_text(set.photos[d.photo]) + span_text(d.span) + '\n';
    }
    std::vector<std::string> across, within;
    for (const duplicate& d : duplicates) {
        const bool differ = set.labels[d.first] != set.labels[d.second];
        (differ ? across : within)
            .push_back(terminal_text(set.photos[d.second]) +
                       (sounds         ? " has a chunk of "
                        : d.same_bytes ? " is the same file as "
                                       : " looks the same as ") +
                       terminal_text(set.photos[d.first]));
    }
    for (const auto& [list, title] : {std::pair{&across, text("warning: the same %s in two classes", sounds ? "chunk" : what)},
                                      std::pair{&within, text("the same %s twice", sounds ? "chunk" : what)}}) {
        if (list->empty()) continue;
        out += '\n' + colours.bold(title) + '\n';
        for (std::size_t i = 0; i < std::min(files_shown, list->size()); ++i) out += "  " + (*list)[i] + '\n';
        if (list->size() > files_shown)
            out += text("  and %zu more %s%s\n", list->size() - files_shown, what, plural(list->size() - files_shown));
    }
    if (photos.failures.empty()) return out;
    out += '\n' + colours.bold("could not be read") + '\n';
    for (std::size_t i = 0; i < std::min(files_shown, photos.failures.size()); ++i)
        out += "  " + terminal_text(set.photos[photos.failures[i].index]) + span_text(photos.failures[i].span) + ": " +
               terminal_text(photos.failures[i].message) + '\n';
    if (photos.failures.size() > files_shown) out += text("  and %zu more\n", photos.failures.size() - files_shown);
    return out;
}

std::string learn_report::as_json() const {
    const bool known = !head.trials.empty();
    const cvt::head_trial none, &chosen = known ? head.trials[head.chosen] : none;
    const auto quoted = [this](int k) { return json_string(set.names[static_cast<std::size_t>(k)]); };
    std::string out = "{\"folder\": " + json_string(root) + ", \"model\": " + json_string(written_to) + ", \"method\": \"" +
                      (method == cvt::head_method::logistic ? "logistic" : "prototype") +
                      "\", \"strength\": " + number(head.strength, method == cvt::head_method::logistic);
    out += text(", \"photos\": %zu, \"failed\": %zu, \"cached\": %zu, \"views\": %d, \"width\": %zu, \"folds\": %zu", photos.photos.size(),
                photos.failures.size(), photos.cached, views, photos.width, head.fold_sizes.size());
    out += ", \"top1\": " + number(chosen.accuracy, known) + ", \"top1_spread\": " + number(chosen.spread, known) +
           text(", \"embedding_seconds\": %.3f, \"learning_seconds\": %.3f, \"trials\": ", embedding_seconds, learning_seconds);
    out += json_list(head.trials, [this](const cvt::head_trial& t) {
        return "{\"strength\": " + number(t.strength, method == cvt::head_method::logistic) +
               text(", \"top1\": %.6g, \"top1_spread\": %.6g, \"log_loss\": %.6g}", t.accuracy, t.spread, t.log_loss);
    });
    const confusion_table table = count(*this);
    out += ", \"classes\": " + json_list(table.of_class, [&](const class_counts& c) {
               return text("{\"index\": %zu, \"label\": ", c.index) + json_string(set.names[c.index]) +
                      text(", \"photos\": %zu, \"scored\": %zu, \"top1\": ", c.photos, c.scored) + json_fraction(c.correct, c.scored) + '}';
           });
    out += ", \"confusions\": " + json_confusions(table.confusions, "photos") + ", \"doubts\": ";
    out += json_list(doubts(doubts_shown), [&](const doubt& d) {
        return "{\"path\": " + json_string(set.photos[d.photo]) + span_json(d.span) + ", \"label\": " + quoted(set.labels[d.photo]) +
               ", \"taken_for\": " + quoted(d.taken_for) +
               text(", \"probability\": %.6g, \"probability_of_label\": %.6g}", d.probability, d.of_label);
    });
    out += ", \"duplicates\": " + json_list(duplicates, [this](const duplicate& d) {
               return "{\"path\": " + json_string(set.photos[d.second]) + ", \"of\": " + json_string(set.photos[d.first]) +
                      ", \"same\": \"" + (d.same_bytes ? "bytes" : "embedding") +
                      "\", \"classes_differ\": " + (set.labels[d.first] != set.labels[d.second] ? "true" : "false") + '}';
           });
    out += ", \"failures\": " + json_list(photos.failures, [this](const embedded_photos::unread& f) {
               return "{\"path\": " + json_string(set.photos[f.index]) + span_json(f.span) +
                      ", \"error\": {\"code\": " + json_string(f.code) + ", \"message\": " + json_string(f.message) + "}}";
           });
    return out + "}\n";
}

}  // namespace app
