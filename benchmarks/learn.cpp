// Times train_head() beside the forward passes that made its embeddings: generated embeddings of CvT-13's width, one thread.
//
//   build/release/learn [ROWS] [CLASSES] [--cross-validate]      default: 50,000 rows of 1,000 classes, one fit: some minutes
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <vector>

#include <cvt/extra/head_trainer.hpp>
#include <cvt/session.hpp>

#include "peak_memory.hpp"
#include "support/formula.hpp"

namespace {

constexpr int width = 384, passes = 21;

double processor_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

void fail(const cvt::error& e) {
    std::fprintf(stderr, "learn: %s\n", e.what());
    std::exit(1);
}

/// The median time of CvT-13's embedding of a photo at 224.
double seconds_per_photo() {
    cvt_test::formula_weights weights;
    const cvt::result<cvt::model> model = cvt::model::from_weights(cvt::cvt_13, {&weights, &cvt_test::formula_weights::read});
    if (!model) fail(model.error());
    cvt::session session{*model};
    const std::vector<float> image = cvt_test::formula_image(224, 224, 3, 0);
    std::vector<float> embedding(width);
    std::vector<double> times;
    for (int i = 0; i < passes; ++i) {
        const double begin = processor_seconds();
        if (cvt::error e = session.embedding(cvt::view<const float, 3>{image.data(), 3, 224, 224}, embedding)) fail(e);
        times.push_back(processor_seconds() - begin);
    }
    std::nth_element(times.begin(), times.begin() + passes / 2, times.end());
    return times[passes / 2];
}

}  // namespace

int main(int argc, char** argv) {
    const bool cross_validate = argc > 1 && !std::strcmp(argv[argc - 1], "--cross-validate");
    argc -= cross_validate ? 1 : 0;
    const int rows = argc > 1 ? std::atoi(argv[1]) : 50000, classes = argc > 2 ? std::atoi(argv[2]) : 1000;
    if (classes < 2 || rows < classes || argc > 3) {
        std::fputs("usage: learn [ROWS] [CLASSES] [--cross-validate]; at least two classes, and a row for each\n", stderr);
        return 2;
    }
    const double embedding = seconds_per_photo() * rows;
    std::printf("embedding %d photos with CvT-13 at 224: %.0f s of processor time\n", rows, embedding);

    // Centres of the classes plus noise, so much that a fifth of the held-out rows or more are taken for other classes.
    const std::vector<float> centres = cvt_test::hash_uniform("centres", static_cast<std::size_t>(classes) * width);
    const cvt_test::hash_stream noise{"noise"};
    std::vector<float> values(static_cast<std::size_t>(rows) * width);
    std::vector<int> labels(static_cast<std::size_t>(rows));
    for (std::size_t i = 0; i < labels.size(); ++i) {
        labels[i] = static_cast<int>(i) % classes;
        for (std::size_t d = 0; d < width; ++d) {
            const std::size_t at = i * width + d;
            values[at] = centres[static_cast<std::size_t>(labels[i]) * width + d] + 3.0F * (noise[2 * at] + noise[2 * at + 1]);
        }
    }

    cvt::head_options options;
    options.folds = cross_validate ? 5 : 0;
    options.progress = [](void*, const cvt::head_progress& p) {
        if (p.iteration == 1) std::fprintf(stderr, "fit %d of %d, %.0f s\n", p.fit + 1, p.fits, processor_seconds());
        return true;
    };
    const double begin = processor_seconds();
    const cvt::result<cvt::trained_head> head =
        cvt::train_head(cvt::view<const float, 2>{values.data(), rows, width}, labels, classes, options);
    if (!head) fail(head.error());
    const double learning = processor_seconds() - begin;
    std::printf("learning %d x %d x %d, %s: %.0f s, %.2f of the embedding; peak memory %.0f MB\n", rows, width, classes,
                cross_validate ? "with cross-validation" : "one fit", learning, learning / embedding,
                static_cast<double>(cvt_bench::peak_memory()) / 1e6);
    for (const cvt::head_trial& t : head->trials) std::printf("C %g: %.2f %%\n", t.strength, 100.0 * t.accuracy);
    return 0;
}
