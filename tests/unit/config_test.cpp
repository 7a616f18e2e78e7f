// config: which values validate() refuses and with which message, and all sizes against a count of windows.
#include <limits>
#include <string>

#include <catch2/catch.hpp>
#include <cvt/config.hpp>

#include "support/naive.hpp"

using cvt::config;
using cvt::stage_config;

namespace {

/// Three valid stages of every kind of projection.
config mixed() {
    config c;
    c.num_stages = 3;
    c.stage[1].qkv_projection = cvt::projection::avg;
    c.stage[2].qkv_projection = cvt::projection::linear;
    return c;
}

void check_refused(const config& c, const std::string& message) {
    const cvt::error e = validate(c);
    CHECK(e.code() == cvt::errc::bad_config);
    CHECK(std::string{e.what()} == message);
    CHECK(shape_of(c, 224, 224).error().code() == cvt::errc::bad_config);
}

/// Checks the message after `field` of stage 0 (dw_bn) is set to `value`.
template <class Field, class Value>
void check_field(Field field, Value value, const std::string& message) {
    config c = mixed();
    c.stage[0].*field = value;
    INFO(message);
    check_refused(c, "stage 0: " + message);
}

}  // namespace

TEST_CASE("the published variants are valid and differ from each other", "[config]") {
    for (const config& c : {cvt::cvt_13, cvt::cvt_21, cvt::cvt_w24}) {
        CHECK_FALSE(validate(c));
        CHECK(c.uses_cls_token());
        CHECK(c.stages().size() == 3);
        for (const stage_config& s : c.stages()) CHECK(s.head_dim() == 64);
        CHECK(minimum_input(c) == 3);
    }
    CHECK_FALSE(cvt::cvt_13 == cvt::cvt_21);
    CHECK(cvt::cvt_w24.stage[1].hidden_dim() == 3072);
}

TEST_CASE("validate names the field, what was expected and what was found", "[config]") {
    using s = stage_config;
    CHECK_FALSE(validate(mixed()));
    check_field(&s::embed_dim, 0, "embed_dim: expected 1 to 65536, found 0");
    check_field(&s::embed_dim, 65537, "embed_dim: expected 1 to 65536, found 65537");
    check_field(&s::num_heads, 0, "num_heads: expected a divisor of embed_dim 64, found 0");
    check_field(&s::num_heads, -1, "num_heads: expected a divisor of embed_dim 64, found -1");
    check_field(&s::num_heads, 3, "num_heads: expected a divisor of embed_dim 64, found 3");
    check_field(&s::num_heads, 128, "num_heads: expected a divisor of embed_dim 64, found 128");
    check_field(&s::depth, 0, "depth: expected 1 to 1024, found 0");
    check_field(&s::depth, 1025, "depth: expected 1 to 1024, found 1025");
    check_field(&s::patch_size, 0, "patch_size: expected 1 to 256, found 0");
    check_field(&s::patch_size, 257, "patch_size: expected 1 to 256, found 257");
    check_field(&s::patch_stride, 0, "patch_stride: expected 1 to 256, found 0");
    check_field(&s::patch_stride, 257, "patch_stride: expected 1 to 256, found 257");
    check_field(&s::patch_padding, -1, "patch_padding: expected 0 to patch_size - 1, found -1");
    check_field(&s::patch_padding, 3, "patch_padding: expected 0 to patch_size - 1, found 3");
    check_field(&s::mlp_ratio, 0.0, "mlp_ratio: expected above 0 and at most 64, found 0");
    check_field(&s::mlp_ratio, 64.5, "mlp_ratio: expected above 0 and at most 64, found 64.5");
    check_field(&s::mlp_ratio, std::numeric_limits<double>::quiet_NaN(), "mlp_ratio: expected above 0 and at most 64, found nan");
    check_field(&s::mlp_ratio, 0.01, "mlp_ratio: expected at least 1 hidden unit, found 0.01");
    check_field(&s::qkv_projection, static_cast<cvt::projection>(3), "qkv_projection: expected dw_bn, avg or linear, found 3");
    check_field(&s::kernel_qkv, 0, "kernel_qkv: expected 1 to 63, found 0");
    check_field(&s::kernel_qkv, 65, "kernel_qkv: expected 1 to 63, found 65");
    check_field(&s::stride_kv, 0, "stride_kv: expected 1 to 256, found 0");
    check_field(&s::stride_kv, 257, "stride_kv: expected 1 to 256, found 257");
    check_field(&s::padding_kv, -1, "padding_kv: expected 0 to kernel_qkv - 1, found -1");
    check_field(&s::padding_kv, 3, "padding_kv: expected 0 to kernel_qkv - 1, found 3");
    check_field(&s::stride_q, 2, "stride_q: expected 1 (queries must keep the grid), found 2");
    check_field(&s::padding_q, 0, "padding_q: expected (kernel_qkv - 1) / 2 with an odd kernel_qkv (queries must keep the grid), found 0");
    check_field(&s::kernel_qkv, 2, "padding_q: expected (kernel_qkv - 1) / 2 with an odd kernel_qkv (queries must keep the grid), found 1");
}

TEST_CASE("average pooling has rules of its own, linear projections have none", "[config]") {
    config c = mixed();
    c.stage[1].padding_kv = 2;
    check_refused(c, "stage 1: padding_kv: expected at most half of kernel_qkv (average pooling), found 2");
    c = mixed();
    c.stage[1].kernel_qkv = 2;  // an even window; queries are not pooled
    c.stage[1].padding_q = c.stage[1].stride_q = 9;
    CHECK_FALSE(validate(c));
    c.stage[2].kernel_qkv = c.stage[2].stride_kv = c.stage[2].padding_q = -5;
    CHECK_FALSE(validate(c));
    c.stage[7].embed_dim = -1;  // beyond num_stages
    CHECK_FALSE(validate(c));
}

TEST_CASE("validate checks the whole model", "[config]") {
    config c = mixed();
    c.num_stages = 0;
    check_refused(c, "num_stages: expected 1 to 8, found 0");
    c.num_stages = 9;
    check_refused(c, "num_stages: expected 1 to 8, found 9");
    CHECK(c.stages().size() == 8);
    c = mixed();
    c.num_channels = 0;
    check_refused(c, "num_channels: expected 1 to 4096, found 0");
    c = mixed();
    c.gelu = static_cast<cvt::gelu>(7);
    check_refused(c, "gelu: expected quick or erf, found value 7");
    c.gelu = cvt::gelu::quick;
    c.num_classes = -1;
    check_refused(c, "num_classes: expected 0 to 10000000, found -1");
    c.num_classes = 0;
    CHECK_FALSE(validate(c));
    c.num_stages = 8;
    for (stage_config& s : c.stage) {
        s = {};
        s.patch_size = s.patch_stride = 256;
        s.patch_padding = 0;
    }
    check_refused(c, "patch sizes and strides: no input up to 65536 pixels leaves a token in every stage");
}

TEST_CASE("extents equal the number of windows", "[config]") {
    for (int n = 1; n <= 20; ++n)
        for (int kernel = 1; kernel <= 7; ++kernel)
            for (int stride = 1; stride <= 5; ++stride)
                for (int padding = 0; padding < kernel; ++padding) {
                    int windows = 0;
                    while (windows * stride + kernel <= n + 2 * padding) ++windows;
                    INFO(n << " " << kernel << " " << stride << " " << padding);
                    CHECK(cvt::detail::conv_extent(n, kernel, stride, padding) == windows);
                    if (2 * padding <= kernel)
                        CHECK(cvt::detail::pool_extent(n, kernel, stride, padding) ==
                              cvt_test::naive::pool_grid({n, n}, kernel, stride, padding).height);
                }
}

TEST_CASE("pooled extents are equal to torch's", "[config]") {
    // n, kernel, stride, padding, and the size from torch.nn.AvgPool2d(ceil_mode=True); 0 if it raised an error
    const int measured[][5]{{3, 5, 3, 0, 1}, {3, 5, 2, 0, 0}, {7, 3, 2, 1, 4}, {8, 3, 2, 1, 5}, {8, 2, 3, 1, 3}, {6, 2, 3, 1, 3},
                            {5, 2, 2, 1, 3}, {7, 4, 3, 2, 3}, {1, 6, 5, 3, 1}, {2, 6, 4, 0, 0}, {1, 5, 4, 0, 0}, {4, 5, 2, 0, 1}};
    for (const auto& m : measured) CHECK(cvt::detail::pool_extent(m[0], m[1], m[2], m[3]) == m[4]);
}

TEST_CASE("the shape of CvT-13", "[config]") {
    const auto shape = shape_of(cvt::cvt_13, 200, 333);
    REQUIRE(shape);
    CHECK(shape->input == cvt::grid{200, 333});
    CHECK(shape->stage[0].tokens == cvt::grid{50, 83});
    CHECK(shape->stage[0].keys == cvt::grid{25, 42});
    CHECK(shape->stage[1].tokens == cvt::grid{25, 42});
    CHECK(shape->last_stage().tokens == cvt::grid{13, 21});
    CHECK(shape->last_stage().keys == cvt::grid{7, 11});
    CHECK(shape->last_stage().queries() == 13 * 21 + 1);
    CHECK(shape->last_stage().key_count() == 7 * 11 + 1);
    CHECK(shape->stage[0].queries() == 50 * 83);
}

TEST_CASE("inputs below the minimum are refused with the minimum", "[config]") {
    config c = mixed();
    for (stage_config& s : c.stage) s.patch_padding = s.padding_kv = 0;
    const int n = minimum_input(c);
    CHECK(shape_of(c, n, n));
    CHECK(shape_of(c, n, 1000));
    const std::string smallest = std::to_string(n) + " x " + std::to_string(n);
    for (const cvt::grid size : {cvt::grid{n - 1, n}, {n, n - 1}, {0, n}, {n, -1}, {std::numeric_limits<int>::min(), 1}}) {
        const cvt::error e = shape_of(c, size.height, size.width).error();
        CHECK(e.code() == cvt::errc::invalid_argument);
        CHECK(std::string{e.what()}.find("this configuration needs at least " + smallest) != std::string::npos);
        CHECK(std::string{e.what()}.find(std::to_string(size.height) + " x " + std::to_string(size.width)) != std::string::npos);
    }
    CHECK(shape_of(c, n, cvt::maximum_input));
    const std::string large = shape_of(c, n, cvt::maximum_input + 1).error().what();
    CHECK(large.find("too large: at most 65536 per side") != std::string::npos);
    CHECK_FALSE(shape_of(c, std::numeric_limits<int>::max(), n));
}

TEST_CASE("sizes are computed at compile time", "[config]") {
    STATIC_REQUIRE(minimum_input(cvt::cvt_13) == 3);
    STATIC_REQUIRE(cvt::cvt_21.stage[2].depth == 16);
}
