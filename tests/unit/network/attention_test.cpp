// Attention over convolutional projections against its definition in float64.
#include <catch2/catch.hpp>
#include <cvt/network/attention.hpp>

#include "support/layer_fixture.hpp"
#include "support/stage_memory.hpp"

using namespace cvt_test;

namespace {

/// Checks x += attention(y) for all rows, and for the class token alone if there is one.
void check(const cvt::stage_config& s, cvt::grid grid) {
    INFO(to_string(s.qkv_projection) << ", dim " << s.embed_dim << ", heads " << s.num_heads << ", grid " << grid.height << "x"
                                     << grid.width << ", class token " << s.cls_token << ", bias " << s.qkv_bias << ", stride "
                                     << s.stride_kv);
    const cvt::config c = one_stage(s);
    const cvt::model_shape::stage_shape shape = shape_of_stage(s, grid);
    const int dim = s.embed_dim;
    const std::vector<float> residual = hash_uniform("x", count(shape.queries() * dim)),
                             normed = hash_uniform("y", count(shape.queries() * dim)), normed_apart = apart(normed, dim);
    const naive::matrix x{shape.queries(), dim, residual}, y{shape.queries(), dim, normed};
    const naive::model reference = reference_of(c);
    const std::string at = "stage0.blocks.0.attn.";
    naive::matrix cls_attention;
    const naive::matrix a =
        naive::attention(reference.project(y, s, at, 'q', grid), reference.project(y, s, at, 'k', grid),
                         reference.project(y, s, at, 'v', grid), s.num_heads, 1 / std::sqrt(static_cast<double>(dim)), &cls_attention);
    const naive::matrix expected =
        naive::add(x, naive::linear(a, reference.tensor(at + "proj.weight", {dim, dim}), reference.tensor(at + "proj.bias", {dim})));

    for (const std::ptrdiff_t rows : {shape.queries(), std::ptrdiff_t{1}}) {
        if (rows == 1 && !s.cls_token) continue;
        INFO(rows << " rows");
        check_layer(naive::rows(expected, 0, rows), 2e-6, [&](const cvt::kernels::kernel_set& set, const cvt::executor& host) {
            const packed_weights weights{c, set};
            cvt::detail::arena scratch;
            cvt::network::plan_attention_scratch(scratch, s, shape, set.f32);
            const stage_memory memory{s, shape, set, host, cvt::gelu::quick, scratch.peak()};
            const cvt::network::stage_pass pass = memory.pass();
            std::vector<float> out = residual, probabilities = poisoned(s.cls_token ? s.num_heads * shape.keys.tokens() : 0);
            const cvt::network::attention_weights& w = weights.block().attention;
            const cvt::network::block_request want{.rows = rows, .cls_attention = s.cls_token ? probabilities.data() : nullptr};
            cvt::network::attention(pass, w, want, rows_apart(normed_apart, dim));
            cvt::network::linear(w.output, pass.buffers.heads.rows_at(0, rows), rows_of(out, dim).rows_at(0, rows),
                                 cvt::kernels::epilogue::add);
            if (s.cls_token) CHECK(difference(probabilities, cls_attention) <= 1e-6);
            const std::size_t used = count(rows * dim);
            CHECK(std::equal(out.begin() + static_cast<std::ptrdiff_t>(used), out.end(),
                             residual.begin() + static_cast<std::ptrdiff_t>(used)));
            return out;
        });
    }
}

cvt::stage_config stage(int dim, int heads, bool cls) {
    cvt::stage_config s;
    s.embed_dim = dim;
    s.num_heads = heads;
    s.cls_token = cls;
    return s;
}

}  // namespace

TEST_CASE("attention: widths, heads and grids") {
    for (const bool cls : {false, true}) {
        check(stage(64, 1, cls), {14, 15});  // 210 queries: a tile of 204 and a remainder
        check(stage(21, 3, cls), {7, 7});
        check(stage(7, 7, cls), {6, 8});     // heads of a single channel
        check(stage(26, 2, cls), {12, 17});  // exactly a tile of 204, without a class token
        check(stage(256, 4, cls), {5, 6});   // rows that are not contiguous
        check(stage(35, 5, cls), {1, 11});
        check(stage(12, 1, cls), {1, 1});  // one token: without a class token there is one key, with probability 1
        check(stage(192, 3, cls), {3, 5});
    }
}

TEST_CASE("attention: every projection, with and without biases") {
    for (const cvt::projection method : {cvt::projection::dw_bn, cvt::projection::avg, cvt::projection::linear}) {
        for (const bool bias : {false, true}) {
            for (const bool cls : {false, true}) {
                cvt::stage_config s = stage(20, 4, cls);
                s.qkv_projection = method;
                s.qkv_bias = bias;
                check(s, {9, 6});
                s.stride_kv = 3;
                s.padding_kv = 0;
                check(s, {8, 7});
                s.stride_kv = 1;
                s.kernel_qkv = 5;
                s.padding_q = 2;
                s.padding_kv = 2;
                check(s, {5, 11});
            }
        }
    }
}

TEST_CASE("attention: more keys than the depth of a block of products") {
    cvt::stage_config s = stage(6, 2, true);
    s.qkv_projection = cvt::projection::linear;
    check(s, {33, 32});  // 1057 keys, beyond 256 and 1024
}
