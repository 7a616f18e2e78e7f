// Checkpoints as training scripts write them (tests/golden/make_field_checkpoints.py): each gives the reference's logits or the
// error that cases.txt expects.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include <cvt/extra/npy.hpp>
#include <cvt/model.hpp>
#include <cvt/session.hpp>

#include "support/worse.hpp"

namespace {

const std::string folder = CVT_TEST_DATA "/field/";

std::vector<float> npy(const std::string& name) {
    const auto array = cvt::read_npy((folder + name).c_str());
    REQUIRE(array);
    return {array->values.begin(), array->values.end()};
}

/// Returns the largest difference between a model's logits and the reference's.
float distance(const cvt::model& model, const std::string& expected_in) {
    const std::vector<float> image = npy("input.npy"), expected = npy(expected_in);
    std::vector<float> logits(static_cast<std::size_t>(model.config().num_classes));
    REQUIRE(logits.size() == expected.size());
    cvt::session session{model};
    REQUIRE_FALSE(session.logits({image.data(), {3, 16, 16}}, logits));
    float worst = 0;
    for (std::size_t i = 0; i < logits.size(); ++i) worst = cvt_test::worse(worst, std::fabs(logits[i] - expected[i]));
    return worst;
}

std::string warnings_of(const cvt::model& model) {
    std::string all;
    for (int i = 0; i < model.warnings().count; ++i) all += std::string{model.warnings().text[i]} + "\n";
    return all;
}

}  // namespace

TEST_CASE("every checkpoint of a training script loads or returns the expected error") {
    std::ifstream cases{folder + "cases.txt"};
    int count = 0;
    for (std::string line; std::getline(cases, line); ++count) {
        const std::string file = line.substr(0, line.find(' ')), part = line.substr(line.find(' ') + 1);
        INFO(file);
        const auto model = cvt::model::load((folder + file).c_str());
        INFO(model.error().what());
        if (file.starts_with("refused-")) {
            REQUIRE_FALSE(model);
            CHECK_THAT(model.error().what(), Catch::Contains(part));
            continue;
        }
        REQUIRE(model);
        const std::string warnings = warnings_of(*model);
        INFO(warnings);
        if (file.starts_with("encoder-")) {
            CHECK(model->config().num_classes == 0);
            continue;
        }
        const bool hf = std::string{model->info().naming} == "transformers";
        CHECK(distance(*model, hf ? "logits-erf.npy" : "logits-quick.npy") < 1e-5F);
        const bool guessed = file.starts_with("head-"), beside = file.find("criterion") != std::string::npos;
        CHECK((warnings.find("is used as the head") != std::string::npos) == guessed);
        CHECK((warnings.find("not used: criterion.weight") != std::string::npos) == beside);
        CHECK(warnings.empty() == !(guessed || beside));
    }
    CHECK(count >= 40);
    CHECK_FALSE(std::ifstream("cvt-pickle-was-executed").good());
}

TEST_CASE("load_options::weights_key selects one of several sets of weights") {
    const std::string file = folder + "refused-two-sets.pth";
    const auto model = cvt::model::load(file.c_str(), {.weights_key = "model"}),
               ema = cvt::model::load(file.c_str(), {.weights_key = "model_ema"});
    REQUIRE(model);
    REQUIRE(ema);
    CHECK(distance(*model, "logits-quick.npy") < 1e-5F);
    CHECK(distance(*ema, "logits-quick.npy") > 1e-3F);
    CHECK(std::string{ema->info().weights_path} == "model_ema");
    CHECK(std::string{ema->info().stripped} == "module.");
}

TEST_CASE("one line summarises the other contents of a file") {
    for (const char* file : {"loads-beside-protocol2.pth", "loads-beside-protocol4.pth", "loads-beside-legacy.pth"}) {
        const auto model = cvt::model::load((folder + file).c_str());
        REQUIRE(model);
        const std::string beside = model->info().beside;
        INFO(beside);
        CHECK_THAT(beside, Catch::StartsWith("args (argparse.Namespace: lr 0.001, data \"/data/imagenet\", model \"cvt_13\"), "
                                             "best_acc 81.6, acc 0.5"));
        CHECK_THAT(beside, Catch::Contains("epoch 7"));
        CHECK(beside.size() < 400);
        CHECK_THAT(beside, Catch::EndsWith(", ..."));  // the summary is cut
    }
    const auto bare = cvt::model::load((folder + "loads-prefix-model.pth").c_str());
    REQUIRE(bare);
    CHECK(std::string{bare->info().beside} == "epoch 1");
}
