// Runs a model on the host's threads: the calling thread, std::thread, Eigen's ThreadPool and OpenMP give the same bits.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <cvt/cvt.hpp>
#include <cvt/extra/decode.hpp>
#include <cvt/extra/thread_pool.hpp>
#include <thread>
#include <vector>

#include "thread_adapters.hpp"

int report(const cvt::error& e) {
    std::fprintf(stderr, "host_threads: %s\n", e.what());
    return 1;
}

int main(int argc, char** argv) {
    if (argc != 2 && argc != 3) return std::fprintf(stderr, "usage: host_threads IMAGE [MODEL]\n"), 2;
    auto model = cvt::model::load(argc == 3 ? argv[2] : DEFAULT_MODEL);
    if (!model) return report(model.error());
    if (model->config().num_classes == 0) return std::fprintf(stderr, "host_threads: the model has no head, so no logits\n"), 1;
    auto photo = cvt::read_image(argv[1], cvt::orientation::exif);
    if (!photo) return report(photo.error());

    const int workers = std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 2, 16);
    Eigen::ThreadPool eigens{workers - 1, /*allow_spinning=*/false};  // the calling thread works too
    auto pool = cvt::thread_pool::create(workers);
    if (!pool) return report(pool.error());
    const struct {
        const char* name;
        cvt::executor executor;
    } hosts[] {
        {"the calling thread", {}}, {"std::thread, fork and join", fork_join(workers)}, {"Eigen's ThreadPool", eigen_pool(eigens)},
            {"cvt::thread_pool", pool->as_executor()},
#if defined(_OPENMP)
            {"OpenMP", open_mp(workers)},
#endif
    };

    std::vector<float> logits(static_cast<std::size_t>(model->config().num_classes)), expected;
    bool same = true;
    std::printf("%s, %d workers, median of 9 runs\n", model->kernels(), workers);
    for (const auto& [name, executor] : hosts) {
        cvt::session session{*model, {.executor = executor}};
        std::vector<double> milliseconds;
        for (int run = 0; run < 10; ++run) {  // the first one plans and allocates
            const auto start = std::chrono::steady_clock::now();
            if (auto e = session.classify(photo->view(), logits)) return report(e);
            const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
            if (run > 0) milliseconds.push_back(took.count());
        }
        if (expected.empty()) expected = logits;
        const bool equal = std::memcmp(logits.data(), expected.data(), logits.size() * sizeof(float)) == 0;
        same = same && equal;
        std::nth_element(milliseconds.begin(), milliseconds.begin() + 4, milliseconds.end());
        std::printf("%8.1f ms  %-26s  %s\n", milliseconds[4], name, equal ? "same bits" : "OTHER BITS");
    }
    return same ? 0 : 1;
}
