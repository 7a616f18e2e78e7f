// Times whole forward passes with generated weights and images: forward/<variant>/<size>/batch:<n>/threads:<n>.
#include <memory>
#include <string>
#include <vector>

#include <cvt/extra/thread_pool.hpp>
#include <cvt/model.hpp>
#include <cvt/session.hpp>

#include "harness.hpp"
#include "support/formula.hpp"
#include "work.hpp"

namespace {

struct forward_case {
    const cvt::config* config;
    int size, batch, threads;
};

/// Returns the model of a variant, made when it is first needed. Only one exists at a time: CvT-W24's weights take 1.1 GB.
cvt::result<cvt::model> model_of(const cvt::config& config) {
    static std::unique_ptr<cvt::model> kept;
    if (kept == nullptr || !(kept->config() == config)) {
        kept.reset();
        cvt_test::formula_weights weights;
        cvt::result<cvt::model> made = cvt::model::from_weights(config, {&weights, &cvt_test::formula_weights::read});
        if (!made) return made;
        kept = std::make_unique<cvt::model>(*made);
    }
    return *kept;
}

void forward(benchmark::State& state, const forward_case& c) {
    const cvt::result<cvt::model> model = model_of(*c.config);
    if (!model) return state.SkipWithError(model.error().what());
    const cvt::result<cvt::thread_pool> pool = cvt::thread_pool::create(c.threads);
    if (!pool) return state.SkipWithError(pool.error().what());
    cvt::session session{*model, {.executor = pool->as_executor()}};

    const auto n = static_cast<std::size_t>(c.batch);
    std::vector<float> images, logits(n * static_cast<std::size_t>(c.config->num_classes));
    for (std::size_t i = 0; i < n; ++i) {
        const std::vector<float> image = cvt_test::formula_image(c.size, c.size, c.config->num_channels, i);
        images.insert(images.end(), image.begin(), image.end());
    }
    const cvt::view<const float, 4> input{images.data(), c.batch, c.config->num_channels, c.size, c.size};
    cvt::error e = session.run(input, {.logits = logits});  // plans, allocates, touches every page
    if (e) return state.SkipWithError(e.what());

    const double seconds = cvt_bench::seconds_each(state, [&] { e = session.run(input, {.logits = logits}); });
    if (e) return state.SkipWithError(e.what());
    const std::int64_t work = c.batch * cvt_bench::forward_work(*c.config, *cvt::shape_of(*c.config, c.size, c.size));
    cvt_bench::report_work(state, seconds, work, model->kernels(), c.threads);
    state.counters["images/s"] = c.batch / seconds;
    state.SetLabel(model->kernels());
}

}  // namespace

int main(int argc, char** argv) {
    const struct {
        const char* variant;
        const cvt::config* config;
        int size;
    } models[]{{"cvt-13", &cvt::cvt_13, 224},
               {"cvt-13", &cvt::cvt_13, 384},
               {"cvt-21", &cvt::cvt_21, 224},
               {"cvt-21", &cvt::cvt_21, 384},
               {"cvt-w24", &cvt::cvt_w24, 384}};
    for (const auto& m : models)
        for (const int batch : {1, 8})
            for (const int threads : {1, 2}) {
                const std::string name = std::string{"forward/"} + m.variant + '/' + std::to_string(m.size) +
                                         "/batch:" + std::to_string(batch) + "/threads:" + std::to_string(threads);
                const forward_case c{m.config, m.size, batch, threads};
                benchmark::RegisterBenchmark(name.c_str(), forward, c)->Unit(benchmark::kMillisecond);
            }
    return cvt_bench::run(argc, argv);
}
