// head: from tokens to embedding and logits, with and without class token, final norm and head, against float64.
#include <catch2/catch.hpp>
#include <cvt/network/head.hpp>

#include "support/layer_fixture.hpp"

using namespace cvt_test;

namespace {

void check(int dim, int classes, cvt::grid grid, bool cls, bool norm) {
    INFO("dim " << dim << ", " << classes << " classes, grid " << grid.height << "x" << grid.width << ", class token " << cls << ", norm "
                << norm);
    cvt::config c = one_stage({});
    c.num_classes = classes;
    c.final_norm = norm;
    c.stage[0].embed_dim = dim;
    c.stage[0].cls_token = cls;
    const cvt::model_shape::stage_shape shape = shape_of_stage(c.stage[0], grid);
    std::vector<float> tokens = hash_uniform("tokens", count(shape.queries() * dim));
    for (float& v : tokens) v += 3.F;  // a mean that a sum in float32 would lose
    const naive::model reference = reference_of(c);
    naive::matrix x = naive::rows({shape.queries(), dim, tokens}, 0, cls ? 1 : shape.queries());
    if (norm) x = reference.norm(x, "norm.");
    naive::matrix mean{1, dim};
    for (std::ptrdiff_t r = 0; r < x.rows; ++r)
        for (std::ptrdiff_t i = 0; i < dim; ++i) mean(0, i) += x(r, i) / static_cast<double>(x.rows);
    const naive::matrix logits =
        naive::linear(mean, reference.tensor("head.weight", {classes, dim}), reference.tensor("head.bias", {classes}));

    std::vector<float> embedding;
    const auto embed = [&](const cvt::kernels::kernel_set& set, const cvt::executor& host) {
        const packed_weights weights{c, set};
        const layer_context context{set, host, 0};
        std::vector<float> y = poisoned(tokens.size()), out = poisoned(std::ptrdiff_t{dim});
        cvt::network::embedding(context, weights->head, shape.cls, rows_of(std::as_const(tokens), dim), rows_of(y, dim), out.data());
        return out;
    };
    check_layer(mean, 2e-6, embed);
    check_layer(logits, 2e-6, [&](const cvt::kernels::kernel_set& set, const cvt::executor& host) {
        const packed_weights weights{c, set};
        std::vector<float> out = poisoned(std::ptrdiff_t{classes});
        cvt::network::head(weights->head, embed(set, host).data(), out.data());
        return out;
    });
}

}  // namespace

TEST_CASE("the embedding is the class token, or the mean of the tokens; the head is linear") {
    for (const bool cls : {false, true}) {
        for (const bool norm : {false, true}) {
            check(64, 1000, {7, 7}, cls, norm);
            check(13, 1, {100, 97}, cls, norm);
            check(9, 10, {1, 1}, cls, norm);
        }
    }
}
