// write_model.hpp: converts the checkpoint by the library, and words what it wrote.
#include "modes/write_model.hpp"

#include <algorithm>
#include <cstdio>

#include "common/failure.hpp"
#include "common/text.hpp"
#include "setup.hpp"

namespace app {
namespace {

struct stored_type {
    cvt::weight_type weights;
    const char* name;
};

stored_type stored_type_of(dtype_choice d) {
    switch (d) {
        case dtype_choice::f16: return {cvt::weight_type::float16, "float16"};
        case dtype_choice::int8: return {cvt::weight_type::int8, "int8"};
        case dtype_choice::f32: break;
    }
    return {cvt::weight_type::float32, "float32"};
}

}  // namespace

std::string write_model(const options& o, const open_checkpoint& from, const std::vector<std::string>& names,
                        const std::optional<cvt::head_view>& head) {
    std::vector<const char*> labels;
    const bool labelled = std::any_of(names.begin(), names.end(), [](const std::string& label) { return !label.empty(); });
    for (std::size_t i = 0; labelled && i < names.size(); ++i) labels.push_back(names[i].c_str());
    cvt::thread_pool pool = make_pool(o.threads);

    cvt::convert_options options;
    options.load.kernels = o.kernels.empty() ? nullptr : o.kernels.c_str();
    const stored_type type = stored_type_of(o.dtype.value_or(dtype_choice::f32));
    options.weights = type.weights;
    options.preprocessing = from.preprocessing;
    options.labels = labels;
    options.head = head;
    options.executor = pool.as_executor();
    const cvt::result<cvt::conversion> done = cvt::convert(from.source, o.convert.c_str(), options);
    if (!done) {
        const cvt::error e = done.error();
        throw failure{e.code() == cvt::errc::invalid_argument ? wrong_usage : some_failed, std::string{"--convert: "} + e.what()};
    }
    print_warnings(done->warnings);
    if (!done->self_test)
        std::fputs("classify: no self-test stored: the model's outputs are not finite, or its inputs are too large\n", stderr);
    if (from.source.config.gelu == cvt::gelu::quick)
        std::fputs("classify: this model uses QuickGELU, but transformers runs every CvT with the exact GELU\n", stderr);
    return text("%zu tensors, %.1f MiB of %s, %s", done->tensors, static_cast<double>(done->weight_bytes) / (1 << 20), type.name,
                done->self_test ? "with a self-test (--verify)" : "without a self-test");
}

}  // namespace app
