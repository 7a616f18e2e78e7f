// conv_projection: depth-wise convolution with folded batch norm, average pooling or nothing, then a linear layer.
#include <catch2/catch.hpp>
#include <cvt/network/conv_projection.hpp>

#include "support/stage_memory.hpp"

using namespace cvt_test;
using cvt::network::projection_geometry;

namespace {

void check(const cvt::stage_config& s, cvt::grid grid, bool queries) {
    INFO(to_string(s.qkv_projection) << ", dim " << s.embed_dim << ", kernel " << s.kernel_qkv << ", stride " << s.stride_kv << ", padding "
                                     << s.padding_kv << ", grid " << grid.height << "x" << grid.width << ", class token " << s.cls_token
                                     << ", queries " << queries);
    const cvt::config c = one_stage(s);
    const cvt::model_shape::stage_shape shape = shape_of_stage(s, grid);
    const cvt::grid out_size = queries ? shape.tokens : shape.keys;
    const int dim = s.embed_dim, kernel = s.kernel_qkv, cls = shape.cls;
    const int stride = queries ? s.stride_q : s.stride_kv, padding = queries ? s.padding_q : s.padding_kv;
    const std::vector<float> tokens = hash_uniform("tokens", count(shape.queries() * dim));
    const naive::matrix all{shape.queries(), dim, tokens}, x = naive::rows(all, cls, grid.tokens());
    naive::matrix y;
    const char which = queries ? 'q' : 'k';
    const naive::model reference = reference_of(c);
    const std::string prefix = "stage0.blocks.0.attn.";
    const projection_geometry geometry = queries ? cvt::network::query_geometry(s, shape) : cvt::network::key_geometry(s, shape);
    if (geometry.method == cvt::projection::linear) {
        y = x;
    } else if (s.qkv_projection == cvt::projection::dw_bn) {
        const std::string at = prefix + "conv_proj_" + which + ".";
        y = naive::depthwise(x, grid, reference.tensor(at + "conv.weight", {dim, 1, kernel, kernel}), kernel, stride, padding);
        y = naive::batch_norm(y, reference.tensor(at + "bn.weight", {dim}), reference.tensor(at + "bn.bias", {dim}),
                              reference.tensor(at + "bn.running_mean", {dim}), reference.tensor(at + "bn.running_var", {dim}));
    } else {
        y = naive::avg_pool(x, grid, kernel, stride, padding);
    }
    REQUIRE(y.rows == out_size.tokens());
    const std::string linear = prefix + "proj_" + which;
    naive::matrix expected = naive::linear(naive::stack(naive::rows(all, 0, cls), y), reference.tensor(linear + ".weight", {dim, dim}),
                                           reference.tensor(linear + ".bias", {dim}));
    if (queries)  // the softmax scale is folded in
        for (double& v : expected.values) v /= std::sqrt(static_cast<double>(dim));

    const std::vector<float> in = apart(tokens, dim);
    check_layer(expected, 1e-6, [&](const cvt::kernels::kernel_set& set, const cvt::executor& host) {
        const packed_weights weights{c, set};
        const stage_memory memory{s, shape, set, host};
        const cvt::network::attention_weights& attention = weights.block().attention;
        const cvt::network::conv_projection_weights& w = queries ? attention.query : attention.key;
        std::vector<float> out;
        // in pieces that begin and end anywhere in a grid row
        for (std::ptrdiff_t first = 0; first < expected.rows; first += 5) {
            const std::ptrdiff_t rows = std::min<std::ptrdiff_t>(5, expected.rows - first);
            std::vector<float> convolved = poisoned_rows(rows, dim), piece = poisoned_rows(rows, dim);
            cvt::network::linear(
                w.linear,
                cvt::network::convolve(memory.pass(), w, geometry, rows_apart(in, dim), {first, rows}, rows_apart(convolved, dim)),
                rows_apart(piece, dim));
            const std::vector<float> projected = dense(piece, dim, rows);
            out.insert(out.end(), projected.begin(), projected.end());
        }
        return out;
    });
}

cvt::stage_config stage(cvt::projection method, int dim, bool cls, int kernel, int stride, int padding) {
    cvt::stage_config s;
    s.qkv_projection = method;
    s.embed_dim = dim;
    s.cls_token = cls;
    s.kernel_qkv = kernel;
    s.padding_q = (kernel - 1) / 2;
    s.stride_kv = stride;
    s.padding_kv = padding;
    return s;
}

}  // namespace

TEST_CASE("dw_bn is a depth-wise convolution and a batch norm, which skip the class token") {
    using enum cvt::projection;
    for (const bool cls : {false, true}) {
        for (const cvt::grid grid : {cvt::grid{14, 14}, {7, 13}, {5, 1}, {1, 6}, {1, 1}}) {
            check(stage(dw_bn, 19, cls, 3, 2, 1), grid, false);
            check(stage(dw_bn, 19, cls, 3, 2, 1), grid, true);
            check(stage(dw_bn, 5, cls, 1, 2, 0), grid, false);
            check(stage(dw_bn, 8, cls, 5, 1, 4), grid, false);
            check(stage(dw_bn, 64, cls, 5, 3, 2), grid, true);
        }
        check(stage(dw_bn, 6, cls, 7, 4, 0), {9, 12}, false);
        check(stage(dw_bn, 256, cls, 3, 2, 1), {5, 6}, false);  // rows that are not contiguous
    }
}

TEST_CASE("avg is AvgPool2d with ceil_mode and count_include_pad") {
    for (const bool cls : {false, true})
        for (int kernel = 1; kernel <= 5; ++kernel)
            for (int stride = 1; stride <= 4; ++stride)
                for (int padding = 0; 2 * padding <= kernel; ++padding)
                    for (const cvt::grid grid : {cvt::grid{9, 14}, {6, 5}, {2, 3}}) {
                        const cvt::stage_config s = stage(cvt::projection::avg, 9, cls, kernel, stride, padding);
                        if (shape_of_stage(s, grid).keys.tokens() > 0) check(s, grid, false);
                    }
    check(stage(cvt::projection::avg, 256, true, 3, 2, 1), {6, 5}, false);
    check(stage(cvt::projection::avg, 12, true, 3, 2, 1), {6, 5}, true);
    check(stage(cvt::projection::linear, 12, true, 3, 2, 1), {6, 5}, true);
    check(stage(cvt::projection::linear, 12, false, 3, 2, 1), {6, 5}, false);
}

TEST_CASE("projections that are the identity") {
    const auto is_identity = [](cvt::projection method, bool queries) {
        cvt::stage_config s;
        s.qkv_projection = method;
        const cvt::network::stage_shape shape = shape_of_stage(s, {4, 6});
        const projection_geometry g = queries ? cvt::network::query_geometry(s, shape) : cvt::network::key_geometry(s, shape);
        return g.method == cvt::projection::linear;
    };
    using enum cvt::projection;
    CHECK_FALSE(is_identity(dw_bn, true));
    CHECK_FALSE(is_identity(dw_bn, false));
    CHECK(is_identity(avg, true));
    CHECK_FALSE(is_identity(avg, false));
    CHECK(is_identity(linear, true));
    CHECK(is_identity(linear, false));
}
