// Learns a head from one photo per class, and shows how sure it is of each of them.
#include <cstdio>
#include <cvt/cvt.hpp>
#include <cvt/extra/decode.hpp>
#include <cvt/extra/head_trainer.hpp>
#include <vector>

int report(const cvt::error& e) { return std::fprintf(stderr, "learn_head: %s\n", e.what()), 1; }

int main(int argc, char** argv) {
    if (argc < 3) return std::fprintf(stderr, "usage: learn_head PHOTO PHOTO...\n"), 2;
    auto model = cvt::model::load(DEFAULT_MODEL);
    if (!model) return report(model.error());
    cvt::session session{*model};
    const auto width = static_cast<std::size_t>(model->config().last_stage().embed_dim);
    std::vector<float> embeddings;  // (photos, width)
    std::vector<int> labels;
    for (int i = 1; i < argc; ++i) {
        auto photo = cvt::read_image(argv[i], cvt::orientation::exif);
        if (!photo) return report(photo.error());
        embeddings.resize(embeddings.size() + width);
        if (auto e = session.embedding(photo->view(), std::span{embeddings}.last(width))) return report(e);
        labels.push_back(i - 1);
    }

    const cvt::view<const float, 2> rows{embeddings.data(), static_cast<std::ptrdiff_t>(labels.size()), static_cast<std::ptrdiff_t>(width)};
    auto head = cvt::train_head(rows, labels, argc - 1, {.method = cvt::head_method::prototype});
    if (!head) return report(head.error());
    for (std::size_t i = 0; i < labels.size(); ++i) {
        std::vector<float> logits(head->bias);
        for (std::size_t k = 0; k < logits.size(); ++k)
            for (std::size_t d = 0; d < width; ++d) logits[k] += head->weights[k * width + d] * embeddings[i * width + d];
        const cvt::ranked best = cvt::top_k<1>(logits)[0];
        std::printf("%5.1f %%  %s\n", 100.0 * static_cast<double>(best.probability), argv[1 + best.index]);
    }
}
