// Recipes: the host's threads, one session per thread, and kernels by name.
#include "recipes.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

void host_threads::for_each(int tasks, const std::function<void(int)>& task) {
    std::atomic<int> next{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < count; ++t)
        threads.emplace_back([&] {
            for (int i = next++; i < tasks; i = next++) task(i);
        });
    for (std::thread& t : threads) t.join();
}

// recipe: own pool
cvt::executor on_threads_of(host_threads& host) {
    return {&host, host.count, [](void* context, int count, void (*task)(void*, int), void* argument) {
                static_cast<host_threads*>(context)->for_each(count, [=](int i) { task(argument, i); });
            }};
}
// end

// recipe: session per thread
std::vector<int> classify_all(const cvt::model& model, std::span<const cvt::image_view> images, int threads) {
    std::vector<int> best(images.size(), -1);
    std::atomic<std::size_t> next{0};
    const auto work = [&] {
        cvt::session session{model};  // one per thread; the weights are shared
        std::vector<float> logits(static_cast<std::size_t>(model.config().num_classes));
        for (std::size_t i = next++; i < images.size(); i = next++)
            if (!session.classify(images[i], logits)) best[i] = cvt::top_k<1>(logits)[0].index;
    };
    std::vector<std::thread> others;
    for (int t = 1; t < threads; ++t) others.emplace_back(work);
    work();
    for (std::thread& t : others) t.join();  // only now is the result complete
    return best;
}
// end

// recipe: kernels
cvt::result<cvt::model> load_for(const char* path, const char* kernels) {
    return cvt::model::load(path, {.kernels = kernels});  // such as "avx2" or "sse2"; a set that this CPU cannot run is an error
}
// end
