// --similar: embeds a photo or recording and the inputs, and lists the inputs or their chunks, the most similar first. Similarity is the
// cosine of two embeddings; if the query is a recording, that with its nearest chunk.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <set>

#include "common/failure.hpp"
#include "common/paths.hpp"
#include "common/text.hpp"
#include "input/folder_entries.hpp"
#include "modes/modes.hpp"
#include "modes/report_text.hpp"
#include "output/contact_sheet.hpp"
#include "output/record_file.hpp"
#include "output/terminal.hpp"
#include "pipeline/embedder.hpp"
#include "platform/platform.hpp"

namespace app {
namespace {

struct neighbour {
    double cosine;
    std::size_t at;  // in embedded_photos::photos
};

// The inputs: files, and folders with their subfolders. Each file once, whatever its paths; the query is not its own neighbour.
std::vector<std::string> find_photos(const options& o, media kind) {
    const auto file_at = [](const std::string& path) {
        std::error_code error;
        const std::filesystem::path file = std::filesystem::weakly_canonical(path_of(path), error);
        return error ? path_of(path) : file;
    };
    std::set<std::filesystem::path> known{file_at(o.similar)};
    std::vector<std::string> paths;
    const auto add = [&](const std::string& path) {
        if (known.insert(file_at(path)).second) paths.push_back(path);
    };
    for (const std::string& input : o.inputs) {
        if (!is_folder(input)) {
            add(input);
            continue;
        }
        const photo_walk walk = walk_photos("--similar", input, input, kind);
        for (const auto& [path, problem] : walk.problems) refuse("--similar: " + path + ' ' + problem);
        refuse_among_photos("--sheet", o.sheet, walk.folders, kind);
        refuse_among_photos("--cache", o.cache, walk.folders, kind);
        for (const std::string& photo : walk.photos) add(photo);
    }
    if (paths.empty())
        refuse(std::string{"--similar: expected other "} + (kind == media::pictures ? "photos" : "recordings") +
               " to compare with, found none");
    return paths;
}

double cosine(std::span<const float> a, std::span<const float> b) {
    const auto dot = [](std::span<const float> x, std::span<const float> y) {
        return std::inner_product(x.begin(), x.end(), y.begin(), 0.0);
    };
    const double norms = std::sqrt(dot(a, a) * dot(b, b));
    return norms > 0 ? dot(a, b) / norms : 0;
}

std::string as_text(const options& o, const std::vector<neighbour>& nearest, const std::vector<std::string>& paths,
                    const embedded_photos& photos) {
    const paint colours{standard_output};
    std::string out = colours.bold(terminal_text(o.similar)) + '\n';
    for (const neighbour& n : nearest) {
        const embedded_photos::photo& found = photos.photos[n.at];
        out += text("  %6.3f  ", n.cosine) + terminal_text(paths[found.index]) + span_text(found.span) + '\n';
    }
    return out;
}

std::string as_json(const options& o, const std::vector<neighbour>& nearest, const std::vector<std::string>& paths,
                    const embedded_photos& photos, std::size_t failed) {
    const std::string list = json_list(nearest, [&](const neighbour& n) {
        const embedded_photos::photo& found = photos.photos[n.at];
        return "{\"path\": " + json_string(paths[found.index]) + span_json(found.span) + text(", \"cosine\": %.6g}", n.cosine);
    });
    return "{\"path\": " + json_string(o.similar) + text(", \"photos\": %zu, \"failed\": %zu", photos.photos.size(), failed) +
           ", \"similar\": " + list + "}\n";
}

}  // namespace

int similar(const options& o, const setup& s) {
    const std::vector<std::string> paths = find_photos(o, s.kind());
    // The query first: without it the others would be embedded in vain.
    embedding_cache cache = open_cache(o, s);
    const embedded_photos query = embed_photos(o, s, {o.similar}, 1, cache);
    if (query.photos.empty()) throw failure{some_failed, "--similar: " + o.similar + " cannot be embedded"};
    const embedded_photos photos = embed_photos(o, s, paths, 1, cache);
    const auto row = [](const embedded_photos& of, std::size_t i) { return std::span{of.embeddings}.subspan(i * of.width, of.width); };
    std::vector<neighbour> nearest;
    for (std::size_t i = 0; i < photos.photos.size(); ++i) {
        double best = -1;
        for (std::size_t q = 0; q < query.photos.size(); ++q) best = std::max(best, cosine(row(query, q), row(photos, i)));
        nearest.push_back({best, i});
    }
    std::stable_sort(nearest.begin(), nearest.end(), [](const neighbour& a, const neighbour& b) { return a.cosine > b.cosine; });
    nearest.resize(std::min(nearest.size(), static_cast<std::size_t>(o.top_k.value_or(5))));
    const std::size_t failed = query.failures.size() + photos.failures.size();
    print(o.format == record_format::jsonl ? as_json(o, nearest, paths, photos, failed) : as_text(o, nearest, paths, photos));
    if (!o.sheet.empty()) {
        std::vector<std::string> drawn{o.similar};
        for (const neighbour& n : nearest) drawn.push_back(paths[photos.photos[n.at].index]);
        draw_contact_sheet(o, drawn, o.sheet);
    }
    return failed == 0 ? all_good : some_failed;
}

}  // namespace app
