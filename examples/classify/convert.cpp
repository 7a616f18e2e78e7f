// Writes --model as a Hugging Face folder, with the labels and the preprocessing that the options chose.
#include "convert.hpp"

#include <algorithm>
#include <cstdio>
#include <cvt/convert.hpp>

#include "escape.hpp"
#include "failure.hpp"
#include "setup.hpp"
#include "threads.hpp"

namespace app {
namespace {

/// What the options and the checkpoint together say, without the model's weights: the conversion reads them by itself.
struct decisions {
    cvt::config config;
    cvt::preprocessing preprocessing;
    std::vector<std::string> labels;  ///< empty where the model has none
};

decisions decide(const options& o) {
    setup s = make_setup(o);
    if (std::all_of(s.labels.begin(), s.labels.end(), [](const std::string& label) { return label.empty(); })) s.labels.clear();
    return {s.model.config(), s.preprocessing, std::move(s.labels)};
}

}  // namespace

int convert_model(const options& o) {
    const decisions d = decide(o);
    std::vector<const char*> labels;
    for (const std::string& label : d.labels) labels.push_back(label.c_str());
    cvt::thread_pool pool = make_pool(o.threads);

    cvt::convert_options options;
    options.load = {.config = d.config, .gelu = d.config.gelu, .kernels = o.kernels.empty() ? nullptr : o.kernels.c_str()};
    options.weights = o.dtype.value_or(cvt::weight_type::float32);
    options.preprocessing = d.preprocessing;
    options.labels = labels;
    options.executor = pool.as_executor();
    const cvt::result<cvt::conversion> done = cvt::convert(o.model.c_str(), o.convert.c_str(), options);
    if (!done) {
        const cvt::error e = done.error();
        throw failure{e.code() == cvt::errc::invalid_argument ? wrong_usage : some_failed, std::string{"--convert: "} + e.what()};
    }

    std::printf("%s: %zu tensors, %.1f MiB of %s, %s\n", terminal_text(o.convert).c_str(), done->tensors,
                static_cast<double>(done->weight_bytes) / (1 << 20), options.weights == cvt::weight_type::float16 ? "float16" : "float32",
                done->self_test ? "with a self-test (--verify)" : "without a self-test");
    if (!done->self_test) std::fputs("classify: no self-test: the model's numbers are not finite, or its inputs are too large\n", stderr);
    if (d.config.gelu == cvt::gelu::quick)
        std::fputs("classify: this model's activation is QuickGELU; transformers runs every CvT with the exact GELU\n", stderr);
    return all_good;
}

}  // namespace app
