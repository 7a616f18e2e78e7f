// Time of whole forward passes, weights and images made by formula: forward/<variant>/<size>/batch:<n>/threads:<n>.
#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <cvt/cvt.hpp>
#include <cvt/extra/thread_pool.hpp>

#include "support/formula.hpp"

namespace {

cvt::result<cvt::model> formula_model(const cvt::config& config) {
    const auto read = [](void*, const char* name, std::span<const std::int64_t> shape, float* out) noexcept -> cvt::error {
        cvt_test::fill_formula_tensor(name, shape, out);
        return {};
    };
    return cvt::model::from_weights(config, cvt::weight_source{nullptr, read});
}

void forward(benchmark::State& state, const cvt::config& config, int size, int batch, int threads) {
    const auto model = formula_model(config);
    if (!model) return state.SkipWithError(model.error().what());
    auto pool = cvt::thread_pool::create(threads);
    if (!pool) return state.SkipWithError(pool.error().what());

    const auto n = static_cast<std::size_t>(batch);
    const std::vector<float> image = cvt_test::formula_image(size, size);
    std::vector<float> input;
    for (std::size_t i = 0; i < n; ++i) input.insert(input.end(), image.begin(), image.end());
    std::vector<float> logits(n * static_cast<std::size_t>(config.num_classes));
    cvt::session session{*model, {.executor = pool->as_executor()}};

    const cvt::view<const float, 4> images{input.data(), batch, 3, size, size};
    const cvt::outputs outputs{.logits = logits};
    if (cvt::error e = session.run(images, outputs)) return state.SkipWithError(e.what());  // plans and allocates
    const auto start = std::chrono::steady_clock::now();
    for (auto _ : state) {
        if (cvt::error e = session.run(images, outputs)) return state.SkipWithError(e.what());
        benchmark::DoNotOptimize(logits.data());
    }
    // Google Benchmark's own rates are of CPU time unless its names say real_time.
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    const double images_per_second = static_cast<double>(state.iterations()) * batch / elapsed.count();
    state.counters["images/s"] = images_per_second;
    state.counters["GFLOP/s"] = images_per_second * 2e-9 * static_cast<double>(*cvt::multiply_adds(config, size, size));
    state.SetLabel(model->kernels());
}

}  // namespace

int main(int argc, char** argv) {
    const struct {
        const char* variant;
        const cvt::config* config;
        int size;
    } models[] = {{"cvt-13", &cvt::cvt_13, 224},
                  {"cvt-13", &cvt::cvt_13, 384},
                  {"cvt-21", &cvt::cvt_21, 224},
                  {"cvt-21", &cvt::cvt_21, 384},
                  {"cvt-w24", &cvt::cvt_w24, 384}};
    for (const auto& m : models)
        for (const auto& [batch, threads] : {std::pair{1, 1}, {1, 2}, {8, 1}, {8, 2}}) {
            const std::string name = std::string("forward/") + m.variant + '/' + std::to_string(m.size) +
                                     "/batch:" + std::to_string(batch) + "/threads:" + std::to_string(threads);
            benchmark::RegisterBenchmark(name.c_str(), forward, *m.config, m.size, batch, threads)->Unit(benchmark::kMillisecond);
        }
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    benchmark::RunSpecifiedBenchmarks();
}
