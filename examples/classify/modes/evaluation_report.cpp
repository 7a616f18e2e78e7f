// evaluation_report.hpp: formats and sorts.
#include "modes/evaluation_report.hpp"

#include <algorithm>
#include <tuple>

#include "common/text.hpp"
#include "modes/report_text.hpp"
#include "platform/platform.hpp"

namespace app {
namespace {

constexpr std::size_t classes_shown = 10;

double share(std::size_t part, std::size_t whole) { return static_cast<double>(part) / static_cast<double>(whole); }

std::string accuracy(const char* name, const char* unit, std::size_t right, std::size_t images) {
    return images == 0 ? text("%-8s no %s ran\n", name, unit)
                       : text("%-8s %.2f %% (%zu of %zu)\n", name, 100 * share(right, images), right, images);
}

// Classes with errors, least accurate first, then by index.
std::vector<std::size_t> hardest_classes(const tally& t) {
    std::vector<std::size_t> classes;
    for (std::size_t i = 0; i < t.of_class.size(); ++i)
        if (t.of_class[i].top1 < t.of_class[i].images) classes.push_back(i);
    const auto less_accurate = [&t](std::size_t a, std::size_t b) {
        const std::size_t right_of_a = t.of_class[a].top1 * t.of_class[b].images, right_of_b = t.of_class[b].top1 * t.of_class[a].images;
        return std::tie(right_of_a, a) < std::tie(right_of_b, b);
    };
    std::sort(classes.begin(), classes.end(), less_accurate);
    return classes;
}

}  // namespace

void tally::add(std::size_t expected, const record& r) {
    if (r.error) {
        failures.push_back({r.path, cvt::to_string(r.error.code()), r.error.what(), r.span});
        return;
    }
    const auto is_expected = [expected](const cvt::ranked& c) { return static_cast<std::size_t>(c.index) == expected; };
    const bool first = is_expected(r.top.front()), among = std::any_of(r.top.begin(), r.top.end(), is_expected);
    for (counts* c : {&all, &of_class[expected]}) {
        ++c->images;
        c->top1 += first ? 1U : 0U;
        c->top5 += among ? 1U : 0U;
    }
    if (!first) ++confusions[{expected, static_cast<std::size_t>(r.top.front().index)}];
}

std::string evaluation_report::as_text() const {
    const auto name = [this](std::size_t i) {  // the first of ImageNet's synonyms
        return labels[i].empty() ? "class " + std::to_string(i) : terminal_text(labels[i].substr(0, labels[i].find(',')));
    };
    const char* const unit = kind == media::pictures ? "images" : "chunks";
    const tally::counts& all = counted.all;
    const auto classes =
        std::count_if(counted.of_class.begin(), counted.of_class.end(), [](const tally::counts& c) { return c.images > 0; });
    std::string out = labels_from.empty() ? "" : "labels   " + terminal_text(labels_from) + '\n';
    out += text("%-8s %zu in %td class%s", unit, all.images, classes, classes == 1 ? "" : "es");
    if (!counted.failures.empty()) out += text(", %zu failed and not counted", counted.failures.size());
    if (not_run > 0) out += text(", %zu not run", not_run);
    out += '\n' + accuracy("top-1", unit, all.top1, all.images) + accuracy("top-5", unit, all.top5, all.images);
    out += text("speed    %.1f %s per second, %.1f s with %d thread%s", static_cast<double>(all.images) / seconds, unit, seconds, threads,
                threads == 1 ? "" : "s") +
           (workers > 1 ? text(" in each of %d workers\n", workers) : "\n");

    const std::vector<std::size_t> hardest = hardest_classes(counted);
    if (hardest.empty()) return out;
    out += '\n' + paint{standard_output}.bold(text("%-28s %7s %8s  %s", "hardest classes", unit, "top-1", "confused with")) + '\n';
    const std::vector<confusion> confusions = sorted_confusions(counted.confusions);
    for (std::size_t i = 0; i < std::min(classes_shown, hardest.size()); ++i) {
        const tally::counts& c = counted.of_class[hardest[i]];
        out += padded(name(hardest[i]), 28) + text(" %7zu %6.1f %%", c.images, 100 * share(c.top1, c.images)) +
               confusions_text(confusions, hardest[i], name);
    }
    return out;
}

std::string evaluation_report::as_json() const {
    const tally::counts& all = counted.all;
    std::vector<std::size_t> classes;
    for (std::size_t i = 0; i < counted.of_class.size(); ++i)
        if (counted.of_class[i].images > 0) classes.push_back(i);
    std::string out = "{\"labels_from\": " + (labels_from.empty() ? "null" : json_string(labels_from)) + ", ";
    out += text("\"images\": %zu, \"failed\": %zu, \"not_run\": %zu, ", all.images, counted.failures.size(), not_run);
    out += "\"top1\": " + json_fraction(all.top1, all.images) + ", \"top5\": " + json_fraction(all.top5, all.images);
    out += text(", \"seconds\": %.3f, \"images_per_second\": %.3f, \"threads\": %d, \"workers\": %d, \"classes\": ", seconds,
                static_cast<double>(all.images) / seconds, threads, workers);
    out += json_list(classes, [this](std::size_t i) {
        const tally::counts& c = counted.of_class[i];
        return text("{\"index\": %zu, \"label\": ", i) + json_string(labels[i]) + text(", \"images\": %zu, \"top1\": ", c.images) +
               json_fraction(c.top1, c.images) + ", \"top5\": " + json_fraction(c.top5, c.images) + '}';
    });
    out += ", \"confusions\": " + json_confusions(sorted_confusions(counted.confusions), "images") + ", \"failures\": ";
    out += json_list(counted.failures, [](const tally::failed_image& f) {
        return "{\"path\": " + json_string(f.path) + span_json(f.span) + ", \"error\": {\"code\": " + json_string(f.code) +
               ", \"message\": " + json_string(f.message) + "}}";
    });
    return out + "}\n";
}

}  // namespace app
