// tensor_list: names, shapes, roles and order against a state dict written by hand, and the published counts.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include <cvt/network/tensor_list.hpp>

using cvt::network::tensor_info;
using cvt::network::tensor_role;

namespace {

std::vector<std::string> lines(const cvt::config& c) {
    std::vector<std::string> out;
    cvt::network::for_each_tensor(c, [&](const tensor_info& t) {
        std::string line = t.name;
        for (const std::int64_t e : t.extents()) line += " " + std::to_string(e);
        out.push_back(line);
    });
    return out;
}

cvt::config small() {
    cvt::config c;
    c.num_channels = 2;
    c.num_classes = 5;
    c.num_stages = 2;
    c.stage[0].embed_dim = 6;
    c.stage[0].qkv_projection = cvt::projection::linear;
    c.stage[0].qkv_bias = false;
    c.stage[1].embed_dim = 8;
    c.stage[1].mlp_ratio = 1.3;
    c.stage[1].patch_size = 4;
    c.stage[1].cls_token = true;
    return c;
}

}  // namespace

TEST_CASE("tensors are found by their names") {
    cvt::network::for_each_tensor(small(), [&](const tensor_info& t) {
        CAPTURE(t.name);
        const cvt::network::tensor_key found = cvt::network::find_tensor(t.name);
        CHECK(found.id == t.id);
        if (t.id >= cvt::network::tensor_id::norm_weight) return;
        CHECK(found.at.stage == t.at.stage);
        CHECK(found.at.block == t.at.block);
    });
    CHECK(cvt::network::find_tensor("stage2.blocks.13.mlp.fc1.bias").at.block == 13);
    for (const char* name : {"", "stage", "stage1", "stage1.blocks.0.", "stage1.blocks.0.attn.proj_q", "head.weights"})
        CHECK(cvt::network::find_tensor(name).id == cvt::network::tensor_id::count);
}

TEST_CASE("a model of two stages, tensor by tensor") {
    CHECK(lines(small()) == std::vector<std::string>{"stage0.patch_embed.proj.weight 6 2 3 3",
                                                     "stage0.patch_embed.proj.bias 6",
                                                     "stage0.patch_embed.norm.weight 6",
                                                     "stage0.patch_embed.norm.bias 6",
                                                     "stage0.blocks.0.norm1.weight 6",
                                                     "stage0.blocks.0.norm1.bias 6",
                                                     "stage0.blocks.0.attn.proj_q.weight 6 6",
                                                     "stage0.blocks.0.attn.proj_k.weight 6 6",
                                                     "stage0.blocks.0.attn.proj_v.weight 6 6",
                                                     "stage0.blocks.0.attn.proj.weight 6 6",
                                                     "stage0.blocks.0.attn.proj.bias 6",
                                                     "stage0.blocks.0.norm2.weight 6",
                                                     "stage0.blocks.0.norm2.bias 6",
                                                     "stage0.blocks.0.mlp.fc1.weight 24 6",
                                                     "stage0.blocks.0.mlp.fc1.bias 24",
                                                     "stage0.blocks.0.mlp.fc2.weight 6 24",
                                                     "stage0.blocks.0.mlp.fc2.bias 6",
                                                     "stage1.cls_token 1 1 8",
                                                     "stage1.patch_embed.proj.weight 8 6 4 4",
                                                     "stage1.patch_embed.proj.bias 8",
                                                     "stage1.patch_embed.norm.weight 8",
                                                     "stage1.patch_embed.norm.bias 8",
                                                     "stage1.blocks.0.norm1.weight 8",
                                                     "stage1.blocks.0.norm1.bias 8",
                                                     "stage1.blocks.0.attn.conv_proj_q.conv.weight 8 1 3 3",
                                                     "stage1.blocks.0.attn.conv_proj_q.bn.weight 8",
                                                     "stage1.blocks.0.attn.conv_proj_q.bn.bias 8",
                                                     "stage1.blocks.0.attn.conv_proj_q.bn.running_mean 8",
                                                     "stage1.blocks.0.attn.conv_proj_q.bn.running_var 8",
                                                     "stage1.blocks.0.attn.conv_proj_k.conv.weight 8 1 3 3",
                                                     "stage1.blocks.0.attn.conv_proj_k.bn.weight 8",
                                                     "stage1.blocks.0.attn.conv_proj_k.bn.bias 8",
                                                     "stage1.blocks.0.attn.conv_proj_k.bn.running_mean 8",
                                                     "stage1.blocks.0.attn.conv_proj_k.bn.running_var 8",
                                                     "stage1.blocks.0.attn.conv_proj_v.conv.weight 8 1 3 3",
                                                     "stage1.blocks.0.attn.conv_proj_v.bn.weight 8",
                                                     "stage1.blocks.0.attn.conv_proj_v.bn.bias 8",
                                                     "stage1.blocks.0.attn.conv_proj_v.bn.running_mean 8",
                                                     "stage1.blocks.0.attn.conv_proj_v.bn.running_var 8",
                                                     "stage1.blocks.0.attn.proj_q.weight 8 8",
                                                     "stage1.blocks.0.attn.proj_q.bias 8",
                                                     "stage1.blocks.0.attn.proj_k.weight 8 8",
                                                     "stage1.blocks.0.attn.proj_k.bias 8",
                                                     "stage1.blocks.0.attn.proj_v.weight 8 8",
                                                     "stage1.blocks.0.attn.proj_v.bias 8",
                                                     "stage1.blocks.0.attn.proj.weight 8 8",
                                                     "stage1.blocks.0.attn.proj.bias 8",
                                                     "stage1.blocks.0.norm2.weight 8",
                                                     "stage1.blocks.0.norm2.bias 8",
                                                     "stage1.blocks.0.mlp.fc1.weight 10 8",
                                                     "stage1.blocks.0.mlp.fc1.bias 10",
                                                     "stage1.blocks.0.mlp.fc2.weight 8 10",
                                                     "stage1.blocks.0.mlp.fc2.bias 8",
                                                     "norm.weight 8",
                                                     "norm.bias 8",
                                                     "head.weight 5 8",
                                                     "head.bias 5"});
    cvt::config bare = small();
    bare.final_norm = false;
    bare.num_classes = 0;
    CHECK(lines(bare).back() == "stage1.blocks.0.mlp.fc2.bias 8");
}

TEST_CASE("average pooling adds no tensors: the list of a stage without convolutions") {
    cvt::config pooled = small(), plain = small();
    pooled.stage[1].qkv_projection = cvt::projection::avg;
    plain.stage[1].qkv_projection = cvt::projection::linear;
    CHECK(lines(pooled) == lines(plain));
    CHECK(lines(pooled).size() == lines(small()).size() - 3 * 5);
}

TEST_CASE("roles: the measurements of batch norm are statistics, the rest are weights or biases") {
    int statistics = 0, biases = 0;
    cvt::network::for_each_tensor(cvt::cvt_13, [&](const tensor_info& t) {
        const std::string_view name = t.name;
        CHECK((t.role == tensor_role::statistic) == (name.find("running_") != name.npos));
        CHECK((t.role == tensor_role::bias) == name.ends_with("bias"));
        statistics += t.role == tensor_role::statistic ? 1 : 0;
        biases += t.role == tensor_role::bias ? 1 : 0;
    });
    CHECK(statistics == 13 * 3 * 2);
    CHECK(biases == 3 * 2 + 13 * (2 + 3 + 3 + 1 + 2) + 2);
}

TEST_CASE("parameters and tensors of the published variants") {
    using cvt::network::parameters_of;
    CHECK(parameters_of(cvt::cvt_13) == 19'997'480);
    CHECK(parameters_of(cvt::cvt_21) == 31'622'696);
    CHECK(parameters_of(cvt::cvt_w24) == 277'196'392);
    cvt::config c = cvt::cvt_w24;
    c.num_classes = 21'841;
    CHECK(parameters_of(c) == 298'558'417);
    c.num_classes = 0;
    CHECK(parameters_of(c) == 277'196'392 - 1000 * 1025);
    c.final_norm = false;
    CHECK(parameters_of(c) == 277'196'392 - 1000 * 1025 - 2 * 1024);

    const auto without_counters = [](int tensors, int blocks) { return static_cast<std::size_t>(tensors - 3 * blocks); };
    CHECK(lines(cvt::cvt_13).size() == without_counters(459, 13));
    CHECK(lines(cvt::cvt_21).size() == without_counters(731, 21));
    CHECK(lines(cvt::cvt_w24).size() == without_counters(833, 24));
}
