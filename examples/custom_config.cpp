// Builds models of other configurations: an audio encoder with one channel and no head, and the paper's ablations.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cvt/cvt.hpp>
#include <cvt/test_pattern.hpp>
#include <string>
#include <vector>

// Fills a tensor, given by its name and shape in the official state dict. A host would read its own file; here the weights are generated.
cvt::error stand_in(void*, const char* name, std::span<const std::int64_t> shape, float* out) noexcept {
    std::size_t count = 1;
    for (const std::int64_t extent : shape) count *= static_cast<std::size_t>(extent);
    const bool vector = shape.size() == 1;  // biases, norms, and variances, which must be positive
    const float gain = vector ? 0.125F : 1.75F / std::sqrt(static_cast<float>(count) / static_cast<float>(shape[0]));
    const cvt::formula_stream values{name};
    for (std::size_t i = 0; i < count; ++i) out[i] = (vector ? 1.F : 0.F) + gain * values[i];
    return {};
}

std::string text(cvt::grid g) { return std::to_string(g.height) + "x" + std::to_string(g.width); }

// Builds the model, runs it twice on an input of this size, and prints its row of the table.
int show(const char* name, const cvt::config& config, cvt::grid size) {
    const auto report = [name](const cvt::error& e) { return std::fprintf(stderr, "custom_config: %s: %s\n", name, e.what()), 1; };
    auto model = cvt::model::from_weights(config, {nullptr, &stand_in});
    if (!model) return report(model.error());
    auto shape = cvt::shape_of(config, size.height, size.width);
    if (!shape) return report(shape.error());

    std::vector<float> input(static_cast<std::size_t>(config.num_channels * size.tokens()));
    cvt::fill_formula_image(input, 0);
    std::vector<float> embedding(static_cast<std::size_t>(config.last_stage().embed_dim));
    cvt::session session{*model};
    std::chrono::duration<double, std::milli> took{};
    for (int run = 0; run < 2; ++run) {  // the first one plans and allocates
        const auto start = std::chrono::steady_clock::now();
        const cvt::view<const float, 3> x{input.data(), config.num_channels, size.height, size.width};
        if (auto e = session.embedding(x, embedding)) return report(e);
        took = std::chrono::steady_clock::now() - start;
    }
    const auto& stage = shape->stage;
    std::printf("%-26s %dx%-8s %-8s %-8s %-7s %-11s %4zu %8.2f %6.2f %6.0f\n", name, config.num_channels, text(size).c_str(),
                text(stage[0].tokens).c_str(), text(stage[1].tokens).c_str(), text(stage[2].tokens).c_str(), text(stage[0].keys).c_str(),
                embedding.size(), 1e-6 * static_cast<double>(model->parameters()),
                1e-9 * static_cast<double>(*cvt::multiply_adds(config, size.height, size.width)), took.count());
    return 0;
}

int main() {
    // CvT-13 on log-mel spectrograms, as in ProtoCLR, whose checkpoint has no head and was trained with the exact GELU.
    cvt::config audio = cvt::cvt_13;
    audio.num_channels = 1;
    audio.num_classes = 0;
    audio.gelu = cvt::gelu::erf;

    cvt::config patches = cvt::cvt_13, dense = cvt::cvt_13, pooled = cvt::cvt_13, linear = cvt::cvt_13;
    for (std::size_t i = 0; i < 3; ++i) {
        patches.stage[i].patch_size = patches.stage[i].patch_stride;  // no overlap, as in ViT
        patches.stage[i].patch_padding = 0;
        dense.stage[i].stride_kv = 1;  // every token is a key
        pooled.stage[i].qkv_projection = cvt::projection::avg;
        linear.stage[i].qkv_projection = cvt::projection::linear;
    }

    std::printf("%-26s %-10s %-25s %-11s %4s %8s %6s %6s\n", "", "input", "tokens of the stages", "keys of 1st", "dim", "M param.", "GMAC",
                "ms");
    int failed = show("ProtoCLR's audio encoder", audio, {128, 301});
    failed |= show("CvT-13", cvt::cvt_13, {224, 224});
    failed |= show("patches without overlap", patches, {224, 224});
    failed |= show("keys and values, stride 1", dense, {224, 224});
    failed |= show("pooled keys and values", pooled, {224, 224});
    failed |= show("linear projections", linear, {224, 224});
    return failed;
}
