// The cost model: stages and head add up to the published numbers and to a count by hand; huge sizes saturate.
#include <catch2/catch.hpp>

#include <cvt/cost.hpp>

using Catch::Contains;

TEST_CASE("multiply_adds agrees with the papers") {
    const auto giga = [](const cvt::config& c, int size) { return static_cast<double>(*multiply_adds(c, size, size)) / 1e9; };
    CHECK(giga(cvt::cvt_13, 224) == Approx(4.57).epsilon(0.002));
    CHECK(giga(cvt::cvt_13, 384) == Approx(16.3).epsilon(0.01));
    CHECK(giga(cvt::cvt_21, 224) == Approx(7.2).epsilon(0.02));
    CHECK(giga(cvt::cvt_21, 384) == Approx(24.9).epsilon(0.02));
    CHECK(giga(cvt::cvt_w24, 384) == Approx(193.2).epsilon(0.01));
    CHECK_THAT(multiply_adds(cvt::cvt_13, 0, 224).error().what(), Contains("too small"));
    // By hand: 4 x 4 pixels of 1 channel become 2 x 2 tokens of 6, with the class token 5 queries and 1 + 1 keys.
    cvt::config c;
    c.num_channels = 1;
    c.num_classes = 3;
    c.num_stages = 1;
    c.stage[0].embed_dim = 6;
    c.stage[0].depth = 2;
    c.stage[0].mlp_ratio = 2;
    c.stage[0].cls_token = true;
    const std::int64_t embedding = 4 * 6 * 9, depthwise = (4 + 1 + 1) * 6 * 9, linear = (5 + 2 + 2 + 5) * 6 * 6, attention = 2 * 5 * 2 * 6,
                       mlp = 2 * 5 * 6 * 12;
    CHECK(*multiply_adds(c, 4, 4) == embedding + 2 * (depthwise + linear + attention + mlp) + 6 * 3);
}

TEST_CASE("stages and head add up to the total, with the published number of parameters") {
    for (const cvt::config& c : {cvt::cvt_13, cvt::cvt_w24}) {
        const cvt::model_shape shape = *shape_of(c, 224, 256);
        const cvt::model_cost cost = cost_of(c, shape);
        cvt::stage_cost sum = cost.head;
        for (std::size_t i = 0; i < 3; ++i) {
            sum.parameters += cost.stage[i].parameters;
            sum.multiply_adds += cost.stage[i].multiply_adds;
            CHECK(cost.stage[i].token_floats == shape.stage[i].queries() * c.stage[i].embed_dim);
        }
        CHECK(sum.parameters == cost.total.parameters);
        CHECK(sum.multiply_adds == cost.total.multiply_adds);
        CHECK(cost.total.multiply_adds == *multiply_adds(c, 224, 256));
        CHECK(cost.total.parameters == (c.stage[0].embed_dim == 64 ? 19'997'480 : 277'196'392));
        CHECK(cost.head.parameters == 1001 * c.last_stage().embed_dim + 1000 + c.last_stage().embed_dim);
        CHECK(cost.head.multiply_adds == 1000 * c.last_stage().embed_dim);
    }
    CHECK(cost_of(cvt::cvt_w24, *shape_of(cvt::cvt_w24, 64, 64)).largest_tensor == 1024 * 768 * 9);  // the last embedding
}

TEST_CASE("layers counted by hand: average pooling, no convolution, no class token, only the class token") {
    cvt::stage_config s;
    s.embed_dim = 6;
    s.num_heads = 2;
    s.mlp_ratio = 2;
    s.kernel_qkv = 3;
    const cvt::model_shape::stage_shape plain{{4, 5}, {2, 3}, 0}, with_token{{4, 5}, {2, 3}, 1};
    using namespace cvt::network;
    CHECK(embedding_multiply_adds(s, 7, plain) == 20 * 6 * 7 * 9);
    CHECK(mlp_multiply_adds(s, 20) == 2 * 20 * 6 * 12);
    CHECK(projection_multiply_adds(s, plain, 20) == (20 + 2 * 6) * 36 + (20 + 2 * 6) * 6 * 9);
    CHECK(attention_multiply_adds(s, plain, 20) == (20 + 2 * 6) * 36 + (20 + 2 * 6) * 6 * 9 + 2 * 20 * 6 * 6 + 20 * 36);
    for (const cvt::projection method : {cvt::projection::avg, cvt::projection::linear}) {  // neither has multiplications
        s.qkv_projection = method;
        CHECK(projection_multiply_adds(s, plain, 20) == (20 + 2 * 6) * 36);
    }
    s.qkv_projection = cvt::projection::dw_bn;
    // the class token alone: q is one row without convolution, k and v have all rows
    CHECK(block_multiply_adds(s, with_token, 1) == (1 + 2 * 7) * 36 + 2 * 6 * 6 * 9 + 2 * 1 * 7 * 6 + 36 + 2 * 6 * 12);
}
