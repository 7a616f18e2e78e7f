// int8 models: the accuracy against float32 on every kernel set, and the same guarantees of bits, memory and errors.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>

#include "support/executors.hpp"
#include "support/naive_model.hpp"
#include "support/session_fixture.hpp"

using namespace cvt_test;
using Catch::Matchers::Contains;

namespace {

cvt::model make(const cvt::config& c, cvt::precision p, const char* kernels = nullptr) { return make_model(c, kernels, p); }

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
    double ab = 0, aa = 0, bb = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    return ab / std::sqrt(aa * bb);
}

/// Every way to project queries, keys and values; a head; no class token; GELUs.
std::vector<cvt::config> configurations() {
    std::vector<cvt::config> all(3, tiny_config());
    all[1].gelu = cvt::gelu::erf;
    all[1].stage[0].qkv_projection = cvt::projection::avg;
    all[1].stage[1].qkv_projection = cvt::projection::linear;
    all[1].stage[1].qkv_bias = false;
    all[2].stage[2].cls_token = false;
    all[2].final_norm = false;
    all[2].num_classes = 0;
    all[2].stage[1].mlp_ratio = 20;  // 440 hidden channels, more than one hidden block of an MLP
    return all;
}

}  // namespace

TEST_CASE("int8 outputs are within a few hundredths of float32, on every kernel set") {
    for (const cvt::config& c : configurations())
        for (const cvt::kernels::kernel_set* set : cvt::kernels::available()) {
            cvt::session exact{make(c, cvt::precision::f32, set->name)}, bytes{make(c, cvt::precision::int8, set->name)};
            const std::string name = set->name;
            const double least = name == "avx2" || name == "avx512" ? 0.998 : 0.999;  // 7-bit inputs, 8-bit inputs
            INFO(name << ", " << c.num_classes << " classes");
            for (const cvt::grid size : {cvt::grid{33, 47}, cvt::grid{64, 64}}) {
                const everything a = run_everything(exact, size), b = run_everything(bytes, size);
                CHECK(cosine(a.embedding, b.embedding) > least);
                CHECK_FALSE(same_bits(a.embedding, b.embedding));
                if (c.num_classes > 0) CHECK(cosine(a.logits, b.logits) > least);
                for (std::size_t i = 0; i < a.stages.size(); ++i) CHECK(cosine(a.stages[i], b.stages[i]) > least);
            }
        }
}

TEST_CASE("int8 gives the same bits for any number of workers, and from run to run") {
    for (const cvt::kernels::kernel_set* set : cvt::kernels::available()) {
        const cvt::model m = make(tiny_config(), cvt::precision::int8, set->name);
        cvt::session alone{m};
        const everything first = run_everything(alone, {65, 49});
        CHECK(same_bits(run_everything(alone, {65, 49}).logits, first.logits));
        for (int workers = 2; workers <= 7; ++workers) {
            INFO(set->name << ", " << workers << " workers");
            cvt::session many{m, {.executor = reversed(workers)}};
            const everything again = run_everything(many, {65, 49});
            CHECK(same_bits(again.logits, first.logits));
            for (std::size_t i = 0; i < first.stages.size(); ++i) CHECK(same_bits(again.stages[i], first.stages[i]));
        }
    }
}

TEST_CASE("all linear layers and embeddings are quantised, except the first embedding and the head") {
    cvt::config c = tiny_config();
    for (cvt::stage_config& s : c.stage) {
        s.embed_dim = 64;
        s.num_heads = 1;
    }
    const cvt::model exact = make(c, cvt::precision::f32), bytes = make(c, cvt::precision::int8);
    CHECK(exact.precision() == cvt::precision::f32);
    CHECK(bytes.precision() == cvt::precision::int8);
    CHECK(exact.parameters() == bytes.parameters());
    const double ratio = static_cast<double>(bytes.memory_bytes()) / static_cast<double>(exact.memory_bytes());
    CHECK(ratio > 0.25);
    CHECK(ratio < 0.4);  // includes the first embedding and the scales
}

TEST_CASE("int8 refuses weights that are NaN or infinite, by name; float32 warns") {
    for (const float value : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()})
        for (const char* name :
             {"stage2.blocks.1.mlp.fc2.weight", "stage1.patch_embed.proj.weight", "stage0.blocks.0.attn.proj_q.weight"}) {
            altered_source one{name, value};
            const cvt::weight_source from{&one, &altered_source::read};
            const auto refused = cvt::model::from_weights(tiny_config(), from, {.precision = cvt::precision::int8});
            REQUIRE_FALSE(refused);
            CHECK(refused.error().code() == cvt::errc::unsupported);
            CHECK_THAT(refused.error().what(), Contains(name) && Contains("int8") && Contains("1 of "));
            const auto warned = cvt::model::from_weights(tiny_config(), from);
            REQUIRE(warned);
            CHECK(warned->warnings().count == 1);
        }
    // the gain of a norm is folded into the next layer, but has its own name in the error
    for (const float value : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        altered_source gain{"stage1.blocks.0.norm2.weight", value};
        const auto folded = cvt::model::from_weights(tiny_config(), {&gain, &altered_source::read}, {.precision = cvt::precision::int8});
        REQUIRE_FALSE(folded);
        CHECK_THAT(folded.error().what(), Contains("stage1.blocks.0.norm2.weight: int8: expected finite weights, found 1 of "));
        CHECK(cvt::model::from_weights(tiny_config(), {&gain, &altered_source::read}));
    }
    // sums of products with such weights and their scales can overflow to a finite, wrong value
    altered_source large{"stage2.blocks.1.mlp.fc2.weight", -1e31F};
    const auto refused = cvt::model::from_weights(tiny_config(), {&large, &altered_source::read}, {.precision = cvt::precision::int8});
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().what(), Contains(large.name) && Contains("expected weights from -1e30 to 1e30, found -1e+31"));
    // weights that are not quantised may have any value, as in float32
    altered_source head{"head.weight", std::numeric_limits<float>::infinity()};
    CHECK(cvt::model::from_weights(tiny_config(), {&head, &altered_source::read}, {.precision = cvt::precision::int8}));
}

TEST_CASE("an image with a NaN gives NaN outputs, without effect on the other images of the batch") {
    const cvt::grid size{33, 47};
    std::vector<float> images = formula_image(size.height, size.width), second = images;
    images[100] = std::numeric_limits<float>::quiet_NaN();
    images.insert(images.end(), second.begin(), second.end());
    for (const cvt::kernels::kernel_set* set : cvt::kernels::available()) {
        INFO(set->name);
        cvt::session s{make(tiny_config(), cvt::precision::int8, set->name)};
        everything out{tiny_config(), size, 2};
        REQUIRE_FALSE(s.run(batch(images, 2, 3, size), out.spans(false)));
        for (std::size_t i = 0; i < 10; ++i) CHECK(std::isnan(out.logits[i]));
        for (std::size_t i = 10; i < 20; ++i) CHECK(std::isfinite(out.logits[i]));
    }
}
