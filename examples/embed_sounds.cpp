// Finds similar sounds in a folder of recordings: decodes, resamples, cuts into chunks, embeds each, and compares by cosine.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cvt/extra/npy.hpp>
#include <cvt/model.hpp>
#include <cvt/session.hpp>
#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

#include "common/sound_chunks.hpp"

namespace fs = std::filesystem;
using floats = std::vector<float>;

struct chunk {
    std::string name;  // of the file, with the seconds
    floats embedding;
};

int report(const std::string& about, const char* what) { return std::fprintf(stderr, "embed_sounds: %s: %s\n", about.c_str(), what), 1; }

double dot(const floats& a, const floats& b) { return std::inner_product(a.begin(), a.end(), b.begin(), 0.0); }

int main(int argc, char** argv) {
    if (argc != 3 && argc != 4) return std::fprintf(stderr, "usage: embed_sounds MODEL FOLDER [EMBEDDINGS.npy]\n"), 2;
    auto model = cvt::model::load(argv[1]);
    if (!model) return report("no model", model.error().what());
    if (!model->spectrogram()) return report(argv[1], "the model does not say how sounds become its inputs");
    const cvt::spectrogram rules = *model->spectrogram();
    std::vector<fs::path> paths;
    std::error_code error;
    for (fs::directory_iterator at{argv[2], error}; !error && at != fs::directory_iterator{}; at.increment(error))
        if (const auto type = at->path().extension(); type == ".wav" || type == ".flac" || type == ".ogg" || type == ".mp3")
            paths.push_back(at->path());
    if (error) return report(argv[2], error.message().c_str());
    std::sort(paths.begin(), paths.end());

    int failed = 0;
    std::vector<chunk> chunks;
    cvt::session session{*model};
    cvt::audio_preprocessor preprocessor{rules};
    floats input(static_cast<std::size_t>(rules.mels * rules.frames())), samples;
    const cvt::view<float, 3> tensor{input.data(), 1, rules.mels, rules.frames()};
    for (const fs::path& path : paths) {
        auto recording = sound_chunks::open(path.string().c_str(), rules);
        cvt::error e = recording.error();
        for (int i = 0; !e; ++i) {
            e = recording->next(samples);
            if (e || samples.empty()) break;
            const double length = static_cast<double>(rules.length) / rules.rate, begin = i * length;
            char seconds[64];
            std::snprintf(seconds, sizeof seconds, " %.1f-%.1f s", begin, begin + static_cast<double>(samples.size()) / rules.rate);
            const std::string name = path.filename().string() + seconds;
            floats embedding(static_cast<std::size_t>(model->config().last_stage().embed_dim));
            cvt::error of_chunk = preprocessor.run(std::span<const float>{samples}, tensor);
            if (!of_chunk) of_chunk = session.embedding(tensor, embedding);
            if (of_chunk)
                failed = report(name, of_chunk.what());  // silence, for example: continues with the next chunk
            else
                chunks.push_back({name, std::move(embedding)});
        }
        if (e) failed = report(path.filename().string(), e.what());
    }

    if (argc == 4) {
        floats all;
        for (const chunk& c : chunks) all.insert(all.end(), c.embedding.begin(), c.embedding.end());
        const std::size_t shape[]{chunks.size(), static_cast<std::size_t>(model->config().last_stage().embed_dim)};
        if (auto e = cvt::write_npy(argv[3], all, shape)) return report("no embeddings", e.what());
    }
    std::printf("%zu chunks of %g s; the nearest of each, by cosine\n", chunks.size(), static_cast<double>(rules.length) / rules.rate);
    for (const chunk& a : chunks) {
        double best = -2;
        const char* nearest = "none";
        for (const chunk& b : chunks) {
            const double cosine = dot(a.embedding, b.embedding) / std::sqrt(dot(a.embedding, a.embedding) * dot(b.embedding, b.embedding));
            if (&a == &b || cosine <= best) continue;
            best = cosine;
            nearest = b.name.c_str();
        }
        std::printf("%-28s %-28s %5.2f\n", a.name.c_str(), nearest, best);
    }
    return failed;
}
