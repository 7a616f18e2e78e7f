// Makes small models with generated weights, and buffers for all outputs of a session.
#pragma once

#include <cstring>
#include <limits>
#include <stdexcept>
#include <vector>

#include <cvt/kernels/select.hpp>
#include <cvt/session.hpp>

#include "formula.hpp"

namespace cvt_test {

/// Three stages as in the published models, with few and odd channels: 15 per head, a class token in the last stage.
inline cvt::config tiny_config() {
    cvt::config c;
    c.num_classes = 10;
    const int dims[]{11, 22, 45}, heads[]{1, 2, 3}, depths[]{1, 1, 2};
    for (std::size_t i = 0; i < 3; ++i) {
        c.stage[i].embed_dim = dims[i];
        c.stage[i].num_heads = heads[i];
        c.stage[i].depth = depths[i];
        c.stage[i].mlp_ratio = 2;
    }
    c.stage[0].patch_size = 7;
    c.stage[0].patch_stride = 4;
    c.stage[0].patch_padding = 2;
    c.stage[2].cls_token = true;
    return c;
}

/// Makes a model with generated weights, on the named kernel set or the best one.
inline cvt::model make_model(const cvt::config& c, const char* kernels = nullptr, cvt::precision p = cvt::precision::f32) {
    formula_weights weights;
    cvt::result<cvt::model> m = cvt::model::from_weights(c, {&weights, &formula_weights::read}, {.precision = p, .kernels = kernels});
    if (!m) throw std::runtime_error{m.error().what()};
    return *m;
}

/// Buffers for all outputs of a batch of `n` inputs of one size, initialised to NaN.
struct everything {
    std::vector<float> logits, embedding, cls_attention;
    std::vector<std::vector<float>> stages;

    everything(const cvt::config& c, cvt::grid size, std::ptrdiff_t n = 1) : stages(c.stages().size()) {
        const cvt::model_shape shape = *shape_of(c, size.height, size.width);
        const auto buffer = [&](std::ptrdiff_t each) {
            return std::vector<float>(static_cast<std::size_t>(n * each), std::numeric_limits<float>::quiet_NaN());
        };
        const cvt::stage_config& last = c.last_stage();
        logits = buffer(c.num_classes);
        embedding = buffer(last.embed_dim);
        if (last.cls_token) cls_attention = buffer(last.num_heads * shape.last_stage().keys.tokens());
        for (std::size_t i = 0; i < stages.size(); ++i) stages[i] = buffer(c.stage[i].embed_dim * shape.stage[i].tokens.tokens());
    }

    cvt::outputs spans(bool with_maps = true) {
        cvt::outputs out{.logits = logits, .embedding = embedding, .cls_attention = cls_attention};
        for (std::size_t i = 0; with_maps && i < stages.size(); ++i) out.stages[i] = stages[i];
        return out;
    }
};

inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}
inline bool same_bits(const everything& a, const everything& b) {
    bool same = same_bits(a.logits, b.logits) && same_bits(a.embedding, b.embedding) && same_bits(a.cls_attention, b.cls_attention);
    for (std::size_t i = 0; i < a.stages.size(); ++i) same = same && same_bits(a.stages[i], b.stages[i]);
    return same;
}

/// Views images as a batch for a session.
inline cvt::view<const float, 4> batch(const std::vector<float>& images, std::ptrdiff_t n, int channels, cvt::grid size) {
    return cvt::view<const float, 4>{images.data(), n, channels, size.height, size.width};
}

/// Runs `s` on a generated image and returns all outputs.
inline everything run_everything(cvt::session& s, cvt::grid size, std::uint64_t seed = 0) {
    const cvt::config& c = s.model().config();
    everything out{c, size};
    const std::vector<float> image = formula_image(size.height, size.width, c.num_channels, seed);
    if (const cvt::error e = s.run(batch(image, 1, c.num_channels, size), out.spans())) throw std::runtime_error{e.what()};
    return out;
}

/// A photo of synthetic pixels, which must outlive its view().
struct photo {
    std::vector<std::uint8_t> pixels;
    int width, height, channels;

    photo(int w, int h, int c = 3, std::uint64_t seed = 0) : width{w}, height{h}, channels{c} {
        for (const float v :
             hash_uniform("photo", static_cast<std::size_t>(w) * static_cast<std::size_t>(h) * static_cast<std::size_t>(c), seed))
            pixels.push_back(static_cast<std::uint8_t>((v + 1.F) * 127.F));
    }
    cvt::image_view view() const { return {pixels.data(), width, height, channels}; }
};

}  // namespace cvt_test
