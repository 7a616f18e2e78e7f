// stage: first and later stages, class token, and the shortcut of the last block against the naive model in float64.
#include <catch2/catch.hpp>
#include <cvt/network/stage.hpp>

#include "support/stage_memory.hpp"

using namespace cvt_test;

namespace {

/// Runs the first `stages` stages and returns the x of the last one.
std::vector<float> run(const cvt::config& c, int stages, const std::vector<float>& image, const cvt::model_shape& shape,
                       const cvt::network::stage_request& request, const cvt::kernels::kernel_set& set, const cvt::executor& host) {
    const packed_weights weights{c, set};
    cvt::network::embed_input in = cvt::network::image_input(image.data(), c.num_channels, shape.input);
    std::vector<float> x, previous;
    for (std::size_t i = 0; i < count(stages); ++i) {
        const cvt::stage_config& s = c.stage[i];
        const cvt::model_shape::stage_shape& at = shape.stage[i];
        const stage_memory memory{s, at, set, host, c.gelu, in.planes * in.run};
        previous = std::move(x);
        x = poisoned(at.queries() * s.embed_dim);
        std::vector<float> y = poisoned_rows(at.queries(), s.embed_dim);
        cvt::network::stage(memory.pass(), weights->stage[i], in, i + 1 == count(stages) ? request : cvt::network::stage_request{},
                            rows_of(x, s.embed_dim), rows_apart(y, s.embed_dim));
        in = cvt::network::token_input(x.data() + at.cls * s.embed_dim, s.embed_dim, at.tokens);
    }
    return x;
}

cvt::config two_stages(bool cls) {
    cvt::config c;
    c.num_classes = 0;
    c.final_norm = false;  // the embedding is then the class token from the stage
    c.num_stages = 2;
    c.stage[0].embed_dim = 10;
    c.stage[0].num_heads = 2;
    c.stage[0].patch_size = 7;
    c.stage[0].patch_stride = 4;
    c.stage[0].patch_padding = 2;
    c.stage[0].cls_token = true;  // dropped at the end of the stage
    c.stage[1].embed_dim = 21;
    c.stage[1].num_heads = 3;
    c.stage[1].depth = 3;
    c.stage[1].mlp_ratio = 2;
    c.stage[1].cls_token = cls;
    return c;
}

}  // namespace

TEST_CASE("a stage is embedding, class token and blocks") {
    for (const bool cls : {false, true}) {
        INFO("class token " << cls);
        const cvt::config c = two_stages(cls);
        const cvt::grid size{57, 81};  // 14 x 20, then 7 x 10 tokens
        const std::vector<float> image = formula_image(size.height, size.width);
        const cvt::model_shape shape = *shape_of(c, size.height, size.width);
        const naive::forward_result r = reference_of(c).forward(image, size);

        check_layer(naive::transpose(r.stages[0]), 2e-6, [&](const cvt::kernels::kernel_set& set, const cvt::executor& host) {
            const std::vector<float> x = run(c, 1, image, shape, {}, set, host);
            return std::vector<float>(x.begin() + c.stage[0].embed_dim, x.end());
        });
        const naive::matrix map = naive::transpose(r.stages[1]);
        naive::matrix expected = map;
        if (cls) {
            expected = naive::matrix{1, map.cols};
            expected.values = r.embedding;
            expected = naive::stack(expected, map);
        }
        check_layer(expected, 2e-6,
                    [&](const cvt::kernels::kernel_set& set, const cvt::executor& host) { return run(c, 2, image, shape, {}, set, host); });
        if (!cls) continue;
        check_layer(naive::rows(expected, 0, 1), 2e-6, [&](const cvt::kernels::kernel_set& set, const cvt::executor& host) {
            std::vector<float> probabilities = poisoned(c.stage[1].num_heads * shape.stage[1].keys.tokens());
            const std::vector<float> x = run(c, 2, image, shape, {true, probabilities.data()}, set, host);
            CHECK(difference(probabilities, r.cls_attention) <= 1e-6);
            return std::vector<float>(x.begin(), x.begin() + c.stage[1].embed_dim);
        });
    }
}
