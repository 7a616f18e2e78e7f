// conv_embed: against conv2d and LayerNorm in float64, from images (channels first) and from tokens (channels last).
#include <catch2/catch.hpp>
#include <cvt/network/conv_embed.hpp>

#include "support/stage_memory.hpp"

using namespace cvt_test;

namespace {

struct embed_case {
    int channels, dim, patch, stride, padding;
    cvt::grid input;
};
std::ostream& operator<<(std::ostream& out, const embed_case& c) {
    return out << c.channels << " -> " << c.dim << " channels, patch " << c.patch << "/" << c.stride << "/" << c.padding << ", input "
               << c.input.height << "x" << c.input.width;
}

/// Runs the case as stage `stage` of a model: 0 reads an image, 1 a token grid.
void check(const embed_case& e, std::size_t stage) {
    INFO("stage " << stage << ": " << e);
    cvt::config c = one_stage({});
    c.num_stages = static_cast<int>(stage) + 1;
    c.num_channels = e.channels;
    c.stage[0].embed_dim = e.channels;
    c.stage[stage].embed_dim = e.dim;
    c.stage[stage].patch_size = e.patch;
    c.stage[stage].patch_stride = e.stride;
    c.stage[stage].patch_padding = e.padding;
    const cvt::stage_config& s = c.stage[stage];
    const cvt::grid tokens = naive::conv_grid(e.input, e.patch, e.stride, e.padding);

    // channels last, as in the naive version and for later stages
    const std::vector<float> grid = hash_uniform("grid", count(e.input.tokens() * e.channels));
    const naive::matrix x{e.input.tokens(), e.channels, grid};
    std::vector<float> input = grid;
    if (stage == 0) {
        const naive::matrix image = naive::transpose(x);
        for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<float>(image.values[i]);
    }
    const naive::model reference = reference_of(c);
    const std::string at = "stage" + std::to_string(stage) + ".patch_embed.";
    const naive::matrix convolved = naive::conv2d(x, e.input, reference.tensor(at + "proj.weight", {e.dim, e.channels, e.patch, e.patch}),
                                                  reference.tensor(at + "proj.bias", {e.dim}), e.patch, e.stride, e.padding);
    const naive::matrix expected =
        naive::layer_norm(convolved, reference.tensor(at + "norm.weight", {e.dim}), reference.tensor(at + "norm.bias", {e.dim}));

    check_layer(expected, 2e-6, [&](const cvt::kernels::kernel_set& set, const cvt::executor& host) {
        const packed_weights weights{c, set};
        const cvt::network::stage_shape shape = shape_of_stage(s, tokens);
        cvt::detail::arena scratch;
        cvt::network::plan_patches(scratch, set.f32.task_rows, e.channels * e.patch * e.patch);
        const stage_memory memory{s, shape, set, host, cvt::gelu::quick, scratch.peak()};
        std::vector<float> out = poisoned(tokens.tokens() * e.dim);
        cvt::network::conv_embed(memory.pass(), weights->stage[stage].embed,
                                 (stage == 0 ? cvt::network::image_input : cvt::network::token_input)(input.data(), e.channels, e.input),
                                 rows_of(out, e.dim));
        return out;
    });
}

}  // namespace

TEST_CASE("conv_embed is a convolution and a LayerNorm") {
    for (const std::size_t stage : {0U, 1U}) {
        check({3, 64, 7, 4, 2, {61, 45}}, stage);   // the published first stage; 16 x 11 tokens: tiles of 48 and 96 and a remainder
        check({3, 13, 3, 2, 1, {13, 31}}, stage);   // the published later stages, with odd width
        check({1, 7, 1, 1, 0, {9, 11}}, stage);     // a patch of a single pixel
        check({5, 17, 4, 3, 3, {10, 8}}, stage);    // whole rows of a patch fall into the padding
        check({2, 9, 3, 5, 0, {16, 13}}, stage);    // unused pixels between patches
        check({4, 11, 8, 8, 0, {8, 8}}, stage);     // a single token
        check({3, 10, 5, 1, 4, {1, 2}}, stage);     // more padding than input
        check({2, 6, 3, 2, 1, {1, 193}}, stage);    // a row of 97 tokens, one more than two tiles
        check({37, 96, 2, 2, 0, {14, 14}}, stage);  // 49 tokens, one more than a tile; whole vectors
    }
}
