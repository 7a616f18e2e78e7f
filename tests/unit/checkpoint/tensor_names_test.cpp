// tensor_names: every name and shape against the reference's list; prefixes; detection of the naming.
#include <cvt/checkpoint/tensor_names.hpp>
#include <cvt/network/tensor_list.hpp>

#include <catch2/catch.hpp>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace ck = cvt::checkpoint;
using ck::naming;

namespace {

struct listed {
    std::string official, hf;
    std::vector<std::int64_t> shape;
};

/// Reads names.txt: blocks of lines "official hf extent...", each followed by an empty line.
std::vector<std::vector<listed>> read_list() {
    std::ifstream file(CVT_TEST_DATA "/checkpoint/names.txt");
    std::vector<std::vector<listed>> blocks(1);
    for (std::string line; std::getline(file, line);) {
        if (line.empty()) {
            blocks.emplace_back();
            continue;
        }
        std::istringstream in(line);
        listed l;
        in >> l.official >> l.hf;
        for (std::int64_t extent = 0; in >> extent;) l.shape.push_back(extent);
        blocks.back().push_back(l);
    }
    REQUIRE(blocks.size() == 3);
    return blocks;
}

cvt::config tiny() {
    cvt::config c = cvt::cvt_13;
    c.num_classes = 10;
    for (std::size_t i = 0; i < 3; ++i) {
        c.stage[i].embed_dim = static_cast<int>(4 * (i + 1));
        c.stage[i].depth = 1;
    }
    return c;
}

cvt::config mixed() {  // MIXED of make_safetensors.py
    cvt::config c;
    c.num_channels = 1;
    c.num_classes = 0;
    c.num_stages = 2;
    c.stage[0] = {.embed_dim = 6,
                  .depth = 1,
                  .patch_size = 5,
                  .mlp_ratio = 2.5,
                  .qkv_bias = false,
                  .cls_token = true,
                  .qkv_projection = cvt::projection::avg};
    c.stage[1] = {.embed_dim = 10, .num_heads = 2, .depth = 11, .mlp_ratio = 3.0, .kernel_qkv = 5, .padding_q = 2, .padding_kv = 2};
    return c;
}

ck::name_style detected(const std::string& first, bool expected = true) {
    static std::set<std::string> kept;  // the prefix of a style points into the name
    ck::name_style style;
    CHECK(ck::begins_cvt(*kept.insert(first).first, style) == expected);
    return style;
}

const std::string hf_first = "encoder.stages.0.embedding.convolution_embeddings.projection.weight";

}  // namespace

TEST_CASE("names: tensors and shapes of a configuration, in the reference's order", "[names]") {
    const auto blocks = read_list();
    const cvt::config configs[]{tiny(), mixed()};
    for (std::size_t b = 0; b < 2; ++b) {
        std::vector<listed> found;
        cvt::network::for_each_tensor(configs[b], [&](const cvt::network::tensor_info& t) {
            found.push_back({t.name, "", {t.extents().begin(), t.extents().end()}});
        });
        REQUIRE(found.size() == blocks[b].size());
        for (std::size_t i = 0; i < found.size(); ++i) {
            CHECK(found[i].official == blocks[b][i].official);
            CHECK(found[i].shape == blocks[b][i].shape);
        }
    }
}

TEST_CASE("names: counts of the published models", "[names]") {
    const auto count = [](const cvt::config& c) {
        int tensors = 0, counters = 0;
        cvt::network::for_each_tensor(c, [&](const cvt::network::tensor_info& t) {
            ++tensors;
            counters += std::string_view{t.name}.ends_with("running_var") ? 1 : 0;  // there is a num_batches_tracked for each
        });
        return tensors + counters;
    };
    CHECK(count(cvt::cvt_13) == 459);
    CHECK(count(cvt::cvt_21) == 731);
    CHECK(count(cvt::cvt_w24) == 833);
}

TEST_CASE("names: head and final norm only if the configuration has them", "[names]") {
    const auto has = [](const cvt::config& c, std::string_view wanted) {
        bool found = false;
        cvt::network::for_each_tensor(c, [&](const cvt::network::tensor_info& t) { found = found || t.name == wanted; });
        return found;
    };
    cvt::config c = tiny();
    CHECK((has(c, "head.weight") && has(c, "head.bias") && has(c, "norm.weight") && has(c, "norm.bias")));
    c.num_classes = 0;
    CHECK_FALSE((has(c, "head.weight") || has(c, "head.bias")));
    CHECK(has(c, "norm.weight"));
    c.final_norm = false;
    CHECK_FALSE((has(c, "norm.weight") || has(c, "norm.bias")));
}

TEST_CASE("names: official and transformers names map one to one", "[names]") {
    for (const auto& block : read_list()) {
        for (const listed& l : block) {
            CHECK(ck::respell(l.official, naming::official, naming::hf).view() == l.hf);
            CHECK(ck::respell(l.hf, naming::hf, naming::official).view() == l.official);
            CHECK(ck::respell(l.official, naming::official, naming::official).view() == l.official);
        }
    }
    CHECK(ck::respell("stage10.blocks.123.attn.conv_proj_q.bn.num_batches_tracked", naming::official, naming::hf).view() ==
          "cvt.encoder.stages.10.layers.123.attention.attention.convolution_projection_query.convolution_projection.normalization."
          "num_batches_tracked");
}

TEST_CASE("names: other names have no counterpart in the other naming", "[names]") {
    for (const char* name : {"", "stage", "stage0", "stage.blocks.0.norm1.weight", "stageX.cls_token", "stage0.blocks.norm1.weight",
                             "stage0.blocks.0.norm3.weight", "stage0.other", "conv1.weight", "cvt.encoder.stages.0.cls_token",
                             "xnorm.weight", "module.norm.weight"}) {
        CAPTURE(name);
        CHECK(ck::respell(name, naming::official, naming::hf).empty());
    }
    CHECK(ck::respell("stage0.cls_token", naming::hf, naming::official).empty());
    CHECK(ck::respell("norm." + std::string(500, 'x'), naming::official, naming::hf).empty());
    CHECK(ck::respell("stage0.blocks." + std::string(500, '1') + ".norm1.weight", naming::official, naming::hf).empty());
}

TEST_CASE("names: the style of a file", "[names]") {
    struct expected {
        std::string first, head;
        naming name;
    };
    for (const expected& e :
         {expected{"stage0.patch_embed.proj.weight", "head.weight", naming::official},
          expected{"module.stage0.patch_embed.proj.weight", "module.head.weight", naming::official},
          expected{"cvt." + hf_first, "classifier.weight", naming::hf},
          expected{"module.cvt." + hf_first, "module.classifier.weight", naming::hf}, expected{hf_first, "classifier.weight", naming::hf},
          expected{"module." + hf_first, "module.classifier.weight", naming::hf},
          expected{"a/b/module._orig_mod.stage0.patch_embed.proj.weight", "a/b/module._orig_mod.head.weight", naming::official},
          expected{"model/cvt." + hf_first, "model/classifier.weight", naming::hf}}) {
        CAPTURE(e.first);
        const ck::name_style style = detected(e.first);
        CHECK(style.naming == e.name);
        CHECK(style.in_file("stage0.patch_embed.proj.weight").view() == e.first);
        CHECK(style.in_file("head.weight").view() == e.head);
    }
    for (const char* name : {"", "conv1.weight", "stage1.patch_embed.proj.weight", "xstage0.patch_embed.proj.weight"})
        detected(name, false);
    detected(std::string(257, '.') + "stage0.patch_embed.proj.weight", false);
    CHECK(ck::is_step_counter("stage0.blocks.0.attn.conv_proj_q.bn.num_batches_tracked"));
    CHECK_FALSE(ck::is_step_counter("stage0.blocks.0.attn.conv_proj_q.bn.running_var"));
}
