// torch: every PyTorch container of a model gives the reference's logits.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <vector>

#include <cvt/extra/npy.hpp>
#include <cvt/model.hpp>
#include <cvt/session.hpp>

#include "support/worse.hpp"

namespace {

const std::string folder = CVT_TEST_DATA "/torch/";

/// TINY of tests/golden/make_checkpoints.py.
cvt::load_options tiny(cvt::gelu gelu) {
    cvt::config c;
    c.num_classes = 10;
    c.stage[0] = {.embed_dim = 4, .num_heads = 1, .depth = 1, .patch_size = 7, .patch_stride = 4, .patch_padding = 2};
    c.stage[1] = {.embed_dim = 8, .num_heads = 2, .depth = 1};
    c.stage[2] = {.embed_dim = 12, .num_heads = 3, .depth = 1, .cls_token = true};
    return {.config = c, .gelu = gelu};
}

std::vector<float> npy(const std::string& name) {
    const auto array = cvt::read_npy((folder + name).c_str());
    REQUIRE(array);
    return {array->values.begin(), array->values.end()};
}

}  // namespace

TEST_CASE("every PyTorch container gives the reference's logits") {
    const std::vector<float> image = npy("tiny-input.npy");
    REQUIRE(image.size() == 3 * 32 * 48);
    for (const std::string file :
         {"tiny-official.pth", "tiny-official-legacy.pth", "tiny-official-nested.pth", "tiny-official-ddp.pth", "tiny-official-views.pth",
          "tiny-official-f16.pth", "tiny-official-bf16.pth", "tiny-hf/pytorch_model.bin", "tiny-hf", "tiny-hf-sharded"}) {
        const std::string rounding = file.ends_with("-bf16.pth") ? "-bf16" : file.ends_with("-f16.pth") ? "-f16" : "";
        for (const cvt::gelu gelu : {cvt::gelu::quick, cvt::gelu::erf}) {
            INFO(file << " " << to_string(gelu));
            const auto model = cvt::model::load((folder + file).c_str(), tiny(gelu));
            INFO(model.error().what());
            REQUIRE(model);
            cvt::session session{*model};
            const std::vector<float> expected = npy("tiny-logits-" + std::string{to_string(gelu)} + rounding + ".npy");
            std::vector<float> logits(10);
            REQUIRE(expected.size() == logits.size());
            REQUIRE_FALSE(session.logits({image.data(), {3, 32, 48}}, logits));
            float worst = 0;
            for (std::size_t i = 0; i < logits.size(); ++i) worst = cvt_test::worse(worst, std::fabs(logits[i] - expected[i]));
            CHECK(worst < 1e-5F);
        }
    }
}

TEST_CASE("every container can be read from memory") {
    const std::vector<float> image = npy("tiny-input.npy");
    for (const std::string file : {"tiny-official.pth", "tiny-official-legacy.pth", "tiny-official-nested.pth", "tiny-official-views.pth",
                                   "tiny-official-bf16.pth", "tiny-hf/pytorch_model.bin", "../checkpoint/tiny-hf/model.safetensors"}) {
        INFO(file);
        std::ifstream stream{folder + file, std::ios::binary};
        std::vector<char> bytes{std::istreambuf_iterator<char>{stream}, {}};
        auto from_memory = cvt::model::from_memory(std::as_bytes(std::span{bytes}), tiny(cvt::gelu::quick));
        const auto from_file = cvt::model::load((folder + file).c_str(), tiny(cvt::gelu::quick));
        INFO(from_memory.error().what());
        REQUIRE(from_memory);
        REQUIRE(from_file);
        CHECK(std::string{from_memory->info().container} == from_file->info().container);
        bytes.assign(bytes.size(), '\xFF');  // the model has its own copy
        cvt::session a{*from_memory}, b{*from_file};
        std::vector<float> found(10), expected(10);
        REQUIRE_FALSE(a.logits({image.data(), {3, 32, 48}}, found));
        REQUIRE_FALSE(b.logits({image.data(), {3, 32, 48}}, expected));
        CHECK(found == expected);
        CHECK_FALSE(cvt::model::from_memory(std::as_bytes(std::span{bytes}), tiny(cvt::gelu::quick)));
    }
}

TEST_CASE("an encoder from a PyTorch file gives an embedding but no logits") {
    const auto model = cvt::model::load((folder + "tiny-encoder.pth").c_str(), tiny(cvt::gelu::quick));
    REQUIRE(model);
    CHECK(model->config().num_classes == 0);
    const std::vector<float> image = npy("tiny-input.npy");
    const auto whole = cvt::model::load((folder + "tiny-official.pth").c_str(), tiny(cvt::gelu::quick));
    REQUIRE(whole);
    cvt::session encoder{*model}, classifier{*whole};
    std::vector<float> found(12), expected(12);
    REQUIRE_FALSE(encoder.embedding({image.data(), {3, 32, 48}}, found));
    REQUIRE_FALSE(classifier.embedding({image.data(), {3, 32, 48}}, expected));
    CHECK(found == expected);
}
