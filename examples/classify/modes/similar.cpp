// --similar: embeds a photo or recording and the inputs, and lists the inputs, or their chunks, by the cosine of their embeddings with
// its own. Of the chunks of the recording the nearest counts.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <numeric>

#include "common/failure.hpp"
#include "common/paths.hpp"
#include "common/text.hpp"
#include "input/folder_entries.hpp"
#include "modes/modes.hpp"
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

// The photo itself first, then the inputs: files, and folders with their subfolders. The photo is not its own neighbour.
std::vector<std::string> find_photos(const options& o, media kind) {
    std::vector<std::string> paths{o.similar};
    const auto add = [&](const std::string& path) {
        std::error_code ignored;
        if (!std::filesystem::equivalent(path_of(path), path_of(o.similar), ignored)) paths.push_back(path);
    };
    for (const std::string& input : o.inputs) {
        if (!is_folder(input)) {
            add(input);
            continue;
        }
        const photo_walk walk = walk_photos("--similar", input, input, kind);
        for (const auto& [path, problem] : walk.problems) refuse("--similar: " + path + ' ' + problem);
        for (const std::string& photo : walk.photos) add(photo);
    }
    if (paths.size() == 1)
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
                    const embedded_photos& photos, std::size_t compared) {
    std::string out = "{\"path\": " + json_string(o.similar) +
                      text(", \"photos\": %zu, \"failed\": %zu, \"similar\": [", compared, photos.failures.size());
    for (const neighbour& n : nearest) {
        const embedded_photos::photo& found = photos.photos[n.at];
        out += (&n == nearest.data() ? "" : ", ") + ("{\"path\": " + json_string(paths[found.index])) + span_json(found.span) +
               text(", \"cosine\": %.6g}", n.cosine);
    }
    return out + "]}\n";
}

}  // namespace

int similar(const options& o, const setup& s) {
    const std::vector<std::string> paths = find_photos(o, s.kind());
    const embedded_photos photos = embed_photos(o, s, paths, 1);
    if (photos.photos.empty() || photos.photos.front().index != 0)
        throw failure{some_failed, "--similar: " + o.similar + " cannot be read"};
    const auto row = [&](std::size_t i) { return std::span{photos.embeddings}.subspan(i * photos.width, photos.width); };
    std::vector<neighbour> nearest;
    const auto of_query = static_cast<std::size_t>(
        std::count_if(photos.photos.begin(), photos.photos.end(), [](const embedded_photos::photo& p) { return p.index == 0; }));
    for (std::size_t i = of_query; i < photos.photos.size(); ++i) {
        double best = -1;
        for (std::size_t q = 0; q < of_query; ++q) best = std::max(best, cosine(row(q), row(i)));
        nearest.push_back({best, i});
    }
    const std::size_t compared = nearest.size();
    std::stable_sort(nearest.begin(), nearest.end(), [](const neighbour& a, const neighbour& b) { return a.cosine > b.cosine; });
    nearest.resize(std::min(nearest.size(), static_cast<std::size_t>(o.top_k.value_or(5))));
    print(o.format == record_format::jsonl ? as_json(o, nearest, paths, photos, compared) : as_text(o, nearest, paths, photos));
    if (!o.sheet.empty()) {
        std::vector<std::string> drawn{o.similar};
        for (const neighbour& n : nearest) drawn.push_back(paths[photos.photos[n.at].index]);
        draw_contact_sheet(o, drawn, o.sheet);
    }
    return photos.failures.empty() ? all_good : some_failed;
}

}  // namespace app
