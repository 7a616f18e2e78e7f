// Full-size files from PyTorch (make_published.py): outputs against the reference, load times, peak memory. Run by published_files.sh.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cvt/convert.hpp>
#include <cvt/network/tensor_list.hpp>
#include <cvt/verify.hpp>

#include "golden.hpp"

namespace {

using namespace cvt_test;

std::string file(const std::string& name) {
    const char* folder = std::getenv("CVT_PUBLISHED_FILES");
    REQUIRE(folder != nullptr);
    return std::string{folder} + "/" + name;
}

cvt::model load(const std::string& path, const cvt::load_options& options = {}) {
    const auto model = cvt::model::load(path.c_str(), options);
    INFO(model.error().what());
    REQUIRE(model);
    return *model;
}

/// Runs the model of a file, whose weights are the generated weights of the case.
bool run_file(const std::string& path, const golden_case& c, const std::vector<float>& image, all_outputs& out) {
    const cvt::model model = load(path, {.gelu = c.config.gelu});
    CHECK(model.config() == c.config);
    cvt::session session{model};
    const cvt::view<const float, 4> input{image.data(), 1, c.config.num_channels, c.size.height, c.size.width};
    const cvt::error e = session.run(input, out.spans());
    INFO(e.what());
    CHECK_FALSE(e);
    return !e;
}

double peak() {
    rusage usage{};
    REQUIRE(getrusage(RUSAGE_SELF, &usage) == 0);
    return static_cast<double>(usage.ru_maxrss) * 1024;
}

/// Memory for loading beside the packed model: its largest tensor, and a little for tables and blocks.
void check_load_memory(const std::string& name) {
    const double before = peak();
    const cvt::model model = load(file(name));
    double largest = 0;
    cvt::network::for_each_tensor(model.config(), [&](const cvt::network::tensor_info& t) {
        const std::span<const std::int64_t> shape = t.extents();
        double floats = 1;
        for (const std::int64_t extent : shape) floats *= static_cast<double>(extent);
        largest = std::max(largest, floats * sizeof(float));
    });
    const double taken = peak() - before, bound = static_cast<double>(model.memory_bytes()) + largest + 8e6;
    std::printf("%-22s %-12s loading takes %.1f MB: model %.1f, largest tensor %.1f; bound %.1f\n", name.c_str(), model.info().container,
                taken / 1e6, static_cast<double>(model.memory_bytes()) / 1e6, largest / 1e6, bound / 1e6);
    CHECK(taken <= bound);
}

}  // namespace

TEST_CASE("pytorch_model.bin of CvT-13 and CvT-21: the reference's outputs") {
    check_golden("published", 1000, 1e-5, [](const golden_case& c, const std::vector<float>& image, all_outputs& out) {
        return run_file(file(c.name.substr(0, 6)), c, image, out);
    });
}

TEST_CASE("loading CvT-13 from .bin takes no longer than 1.2 x .safetensors") {
    std::vector<double> bin, safetensors;
    for (int i = 0; i < 21; ++i) {
        for (const auto& [name, times] : {std::pair{"cvt-13", &bin}, std::pair{"cvt-13-safetensors", &safetensors}}) {
            const std::string path = file(name);
            const auto begin = std::chrono::steady_clock::now();
            load(path);
            times->push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
        }
    }
    for (std::vector<double>* times : {&bin, &safetensors}) std::sort(times->begin(), times->end());
    std::printf("CvT-13, median of %zu loads in turns: .bin %.1f ms, .safetensors %.1f ms, ratio %.3f; bound 1.2\n", bin.size(),
                bin[bin.size() / 2], safetensors[safetensors.size() / 2], bin[bin.size() / 2] / safetensors[safetensors.size() / 2]);
    CHECK(bin[bin.size() / 2] <= 1.2 * safetensors[safetensors.size() / 2]);
}

TEST_CASE("memory of cvt-13 from .bin") { check_load_memory("cvt-13"); }
TEST_CASE("memory of cvt-13 from .safetensors") { check_load_memory("cvt-13-safetensors"); }
TEST_CASE("memory of cvt-w24 from .pth") { check_load_memory("cvt-w24.pth"); }

TEST_CASE("official .pth of CvT-W24: the reference's outputs in 1.25 x its weights") {
    check_golden("w24", 1000, 2e-5, [](const golden_case& c, const std::vector<float>& image, all_outputs& out) {
        return run_file(file("cvt-w24.pth"), c, image, out);
    });
    const double weights = 277'196'392.0 * 4;
    std::printf("CvT-W24 from .pth, forward at 384: peak %.3f GB, %.3f x its float32 weights; bound 1.25\n", peak() / 1e9,
                peak() / weights);
    CHECK(peak() <= 1.25 * weights);
}

TEST_CASE("converting cvt-w24") {
    const auto done = cvt::convert(file("cvt-w24.pth").c_str(), file("cvt-w24").c_str());
    INFO(done.error().what());
    REQUIRE(done);
    CHECK(done->self_test);
    std::printf("CvT-W24 from .pth, --convert: %zu tensors, peak %.3f GB\n", done->tensors, peak() / 1e9);
}

TEST_CASE("memory of cvt-w24 from .safetensors") { check_load_memory("cvt-w24"); }

TEST_CASE("cvt-w24 converted is the same model") {
    const cvt::model model = load(file("cvt-w24"));
    const auto v = cvt::verify(model);
    INFO(v.error().what());
    REQUIRE(v);
    std::printf("CvT-W24 converted, --verify: difference %.1e, limit %.1e\n", v->difference, v->limit);
    CHECK(v->difference == 0);
}
