// test_pattern: the formula of the test weights against values from Python, so that a change on one side is noticed.
#include <catch2/catch.hpp>

#include "support/formula.hpp"

using namespace cvt_test;

TEST_CASE("formula tensors and images have the same bits as in Python", "[formula]") {
    CHECK(formula_image(1, 1) == std::vector<float>{0x1.88bc78p-2F, 0x1.23320cp-1F, -0x1.36cf80p-2F});
    CHECK(formula_image(1, 2, 1, 1) == std::vector<float>{0x1.23320cp-1F, -0x1.36cf80p-2F});
    const auto first = [](const char* name, std::vector<std::int64_t> shape) { return formula_tensor(name, shape, 7)[0]; };
    CHECK(first("stage0.patch_embed.proj.weight", {4, 3, 7, 7}) == 0x1.3d4cf2p-4F);
    CHECK(first("stage2.cls_token", {1, 1, 4}) == 0x1.471c88p-4F);
    CHECK(first("norm.weight", {4}) == 0x1.e160bep-1F);
    CHECK(first("norm.bias", {4}) == -0x1.ef40ccp-4F);
    CHECK(first("stage0.blocks.0.attn.conv_proj_q.bn.running_var", {4}) == 0x1.cbd55cp-1F);
    CHECK(first("stage0.blocks.0.attn.conv_proj_q.bn.running_mean", {4}) == 0x1.67946cp-4F);
    CHECK(first("head.weight", {4, 384}) == 0x1.6e318cp-6F);
}
