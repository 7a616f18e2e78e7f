// The number of multiply-adds that the benchmarks report.
#include <catch2/catch.hpp>

#include <cvt/cost.hpp>

#include "work.hpp"

using namespace cvt_bench;

TEST_CASE("a pass over all rows of all blocks counts multiply_adds") {
    cvt::config ablation = cvt::cvt_13;
    ablation.stage[1].qkv_projection = cvt::projection::avg;
    ablation.stage[0].qkv_projection = cvt::projection::linear;
    ablation.stage[2].cls_token = false;
    for (const cvt::config& c : {cvt::cvt_13, cvt::cvt_w24, ablation}) {
        const cvt::model_shape shape = *cvt::shape_of(c, 224, 200);
        std::int64_t total = shape.num_stages == 0 ? -1 : 0;
        int channels = c.num_channels;
        for (std::size_t i = 0; i < c.stages().size(); ++i) {
            total += cvt::network::embedding_multiply_adds(c.stage[i], channels, shape.stage[i]) +
                     blocks_work(c.stage[i], shape.stage[i], false);
            channels = c.stage[i].embed_dim;
        }
        CHECK(total + std::int64_t{channels} * c.num_classes == *cvt::multiply_adds(c, 224, 200));
    }
    CHECK(forward_work(ablation, *cvt::shape_of(ablation, 224, 200)) == *cvt::multiply_adds(ablation, 224, 200));  // no shortcut
}

TEST_CASE("the last block computes only the class token") {
    // CvT-13 at 224: not counted are 196 rows of queries, output projection, MLP, scores and weighted sum, and the queries' convolution.
    constexpr std::int64_t rows = 196, dim = 384, hidden = 1536, keys = 50;
    constexpr std::int64_t saved = rows * (2 * dim * dim + 2 * dim * hidden + 2 * keys * dim + 9 * dim);
    const cvt::model_shape shape = *cvt::shape_of(cvt::cvt_13, 224, 224);
    const std::int64_t all = *cvt::multiply_adds(cvt::cvt_13, 224, 224);
    CHECK(all - forward_work(cvt::cvt_13, shape) == saved);
    CHECK(static_cast<double>(saved) / static_cast<double>(all) == Approx(0.065).margin(0.001));
}
