// A host program: runs a small custom model with weights that it makes itself, and checks the outputs.
#include <array>
#include <cmath>
#include <cstdio>
#include <cvt/cvt.hpp>
#include <cvt/extra/head_trainer.hpp>  // needs neither liblbfgs nor Eigen to be included

int main() {
    cvt::config config;
    config.num_classes = 3;
    config.num_stages = 1;
    config.stage[0].embed_dim = 8;
    config.stage[0].num_heads = 2;
    config.stage[0].cls_token = true;

    // All weights are 1/16: every token is constant along the channels, so LayerNorm gives only its bias.
    const auto read = [](void*, const char*, std::span<const std::int64_t> shape, float* out) noexcept -> cvt::error {
        std::int64_t count = 1;
        for (const std::int64_t extent : shape) count *= extent;
        for (std::int64_t i = 0; i < count; ++i) out[i] = 1.0F / 16;
        return {};
    };
    const auto model = cvt::model::from_weights(config, {nullptr, read});
    if (!model) return std::fprintf(stderr, "%s\n", model.error().what()), 1;

    std::array<float, 3 * 16 * 16> image{};
    std::array<float, 3> logits{};
    cvt::session session{*model};
    if (const cvt::error e = session.logits(cvt::view<const float, 3>{image.data(), 3, 16, 16}, logits))
        return std::fprintf(stderr, "%s\n", e.what()), 1;

    // The last LayerNorm gives its bias, 1/16, in 8 channels; the head sums them times 1/16 and adds its bias 1/16.
    for (const float logit : logits)
        if (std::abs(logit - (8.0F / 256 + 1.0F / 16)) > 1e-4F) return std::fprintf(stderr, "logit %g\n", static_cast<double>(logit)), 1;
    std::printf("cvt %s: %g\n", CVT_VERSION_STRING, static_cast<double>(logits[0]));
}
