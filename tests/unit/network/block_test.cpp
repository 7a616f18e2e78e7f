// block: all rows, and the class token's row alone, against the naive block in float64.
#include <catch2/catch.hpp>
#include <cvt/network/block.hpp>

#include "support/stage_memory.hpp"

using namespace cvt_test;

namespace {

void check(const cvt::stage_config& s, cvt::gelu activation, cvt::grid grid) {
    INFO(to_string(s.qkv_projection) << ", dim " << s.embed_dim << ", heads " << s.num_heads << ", grid " << grid.height << "x"
                                     << grid.width << ", class token " << s.cls_token << ", gelu " << to_string(activation));
    cvt::config c = one_stage(s);
    c.gelu = activation;
    const cvt::model_shape::stage_shape shape = shape_of_stage(s, grid);
    const std::vector<float> before = hash_uniform("x", count(shape.queries() * s.embed_dim));
    const naive::matrix x{shape.queries(), s.embed_dim, before};
    naive::matrix cls_attention;
    const naive::model reference = reference_of(c);
    const naive::matrix expected = reference.block(x, s, "stage0.blocks.1.", grid, cls_attention),
                        expected_next = reference.norm(expected, "stage0.blocks.0.norm1.");

    for (const std::ptrdiff_t rows : {shape.queries(), std::ptrdiff_t{1}}) {
        if (rows == 1 && !s.cls_token) continue;
        INFO(rows << " rows");
        check_layer(naive::rows(expected, 0, rows), 2e-6, [&](const cvt::kernels::kernel_set& set, const cvt::executor& host) {
            const packed_weights weights{c, set};
            const stage_memory memory{s, shape, set, host, activation};
            std::vector<float> out = before, y = poisoned_rows(shape.queries(), s.embed_dim),
                               probabilities = poisoned(s.num_heads * shape.keys.tokens());
            const cvt::matrix<float> tokens = rows_of(out, s.embed_dim), normed = rows_apart(y, s.embed_dim);
            set.layer_norm(tokens, weights.block(1).norm1, normed);
            cvt::network::block(
                memory.pass(), weights.block(1),
                {.rows = rows, .norm_after = &weights.block(0).norm1, .cls_attention = s.cls_token ? probabilities.data() : nullptr},
                tokens, normed);
            if (s.cls_token) CHECK(difference(probabilities, cls_attention) <= 1e-6);
            CHECK(difference(dense(y, s.embed_dim, rows), naive::rows(expected_next, 0, rows)) <= 1e-5);
            const auto used = static_cast<std::ptrdiff_t>(rows * s.embed_dim);
            CHECK(std::equal(out.begin() + used, out.end(), before.begin() + used));
            return out;
        });
    }
}

}  // namespace

TEST_CASE("block adds attention(norm1(x)), then mlp(norm2(x))") {
    for (const cvt::gelu activation : {cvt::gelu::quick, cvt::gelu::erf}) {
        for (const cvt::projection method : {cvt::projection::dw_bn, cvt::projection::avg, cvt::projection::linear}) {
            for (const bool cls : {false, true}) {
                cvt::stage_config s;
                s.depth = 2;  // runs the second block, so that prefixes and offsets matter
                s.qkv_projection = method;
                s.cls_token = cls;
                s.embed_dim = 15;
                s.num_heads = 3;
                s.mlp_ratio = 1.5;
                check(s, activation, {7, 14});  // 98 or 99 rows
                s.embed_dim = 64;
                s.num_heads = 1;
                check(s, activation, {4, 5});
            }
        }
    }
}
