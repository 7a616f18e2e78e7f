// Finds similar photos in a folder by their embeddings. With a second folder, also writes the feature maps of each stage as .npy files.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cvt/cvt.hpp>
#include <cvt/extra/decode.hpp>
#include <cvt/extra/npy.hpp>
#include <filesystem>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace fs = std::filesystem;
using floats = std::vector<float>;

int report(const std::string& about, const char* what) { return std::fprintf(stderr, "features: %s: %s\n", about.c_str(), what), 1; }

double dot(const floats& a, const floats& b) { return std::inner_product(a.begin(), a.end(), b.begin(), 0.0); }

// Computes the embedding. With a path, also writes <path>.stage0.npy and so on: (channels, height, width), without a norm.
cvt::error embed(cvt::session& session, const cvt::image_view& image, floats& embedding, const std::string& path) {
    const cvt::config& config = session.model().config();
    embedding.resize(static_cast<std::size_t>(config.last_stage().embed_dim));
    if (path.empty()) return session.embedding(image, embedding);

    const auto input = cvt::output_size(session.preprocessing(), image.width, image.height);
    if (!input) return input.error();
    const auto shape = cvt::shape_of(config, input->height, input->width);
    if (!shape) return shape.error();
    cvt::outputs out{.embedding = embedding};  // only the outputs named here are computed
    std::vector<floats> maps(config.stages().size());
    for (std::size_t i = 0; i < maps.size(); ++i) {
        maps[i].resize(static_cast<std::size_t>(config.stage[i].embed_dim * shape->stage[i].tokens.tokens()));
        out.stages[i] = maps[i];
    }
    if (auto e = session.run(std::span{&image, 1}, out)) return e;
    for (std::size_t i = 0; i < maps.size(); ++i) {
        const auto height = static_cast<std::size_t>(shape->stage[i].tokens.height);
        const auto width = static_cast<std::size_t>(shape->stage[i].tokens.width);
        const std::size_t extents[]{maps[i].size() / (height * width), height, width};
        if (auto e = cvt::write_npy((path + ".stage" + std::to_string(i) + ".npy").c_str(), maps[i], extents)) return e;
    }
    return {};
}

int main(int argc, char** argv) {
    if (argc < 2 || argc > 4) return std::fprintf(stderr, "usage: features FOLDER [FOLDER_FOR_MAPS [MODEL]]\n"), 2;
    auto model = cvt::model::load(argc > 3 ? argv[3] : DEFAULT_MODEL);
    if (!model) return report("no model", model.error().what());
    std::vector<fs::path> paths;
    std::error_code error;
    for (fs::directory_iterator at{argv[1], error}; !error && at != fs::directory_iterator{}; at.increment(error))
        if (const auto type = at->path().extension(); type == ".jpg" || type == ".jpeg" || type == ".png") paths.push_back(at->path());
    if (error) return report(argv[1], error.message().c_str());
    if (argc > 2 && (fs::create_directories(argv[2], error), error)) return report(argv[2], error.message().c_str());
    std::sort(paths.begin(), paths.end());

    int failed = 0;
    std::vector<std::pair<std::string, floats>> photos;
    cvt::session session{*model};
    for (const fs::path& path : paths) {
        floats embedding;
        const auto photo = cvt::read_image(path.c_str(), cvt::orientation::exif);
        const std::string maps = argc > 2 ? fs::path{argv[2]} / path.filename() : "";
        if (auto e = photo ? embed(session, photo->view(), embedding, maps) : photo.error())
            failed = report(path, e.what());  // continues with the next photo
        else
            photos.emplace_back(path.filename(), std::move(embedding));
    }
    std::printf("%zu photos, %d features each; nearest first, by cosine\n", photos.size(), model->config().last_stage().embed_dim);
    for (const auto& [name, a] : photos) {
        std::vector<std::pair<double, std::string>> others;
        for (const auto& [other, b] : photos)
            if (&b != &a) others.emplace_back(dot(a, b) / std::sqrt(dot(a, a) * dot(b, b)), other);
        std::sort(others.rbegin(), others.rend());
        std::printf("%-20s", name.c_str());
        for (std::size_t i = 0; i < others.size() && i < 3; ++i) std::printf("   %-20s %5.2f", others[i].second.c_str(), others[i].first);
        std::printf("\n");
    }
    return failed;
}
