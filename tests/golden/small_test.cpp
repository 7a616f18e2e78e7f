// Small configurations with every option, alone and combined, against the float64 reference.
#include <string>

#include "golden.hpp"
#include "support/naive_model.hpp"

using namespace cvt_test;

TEST_CASE("small configurations give the reference's outputs", "[golden]") {
    for (const cvt::kernels::kernel_set* set : cvt::kernels::available()) {
        std::printf("kernels: %s\n", set->name);
        check_golden("small", 257, 1e-5, [&](const golden_case& c, const std::vector<float>& image, all_outputs& out) {
            return run_session(c, image, out, set->name);
        });
    }
}

TEST_CASE("the naive model gives the reference's outputs", "[golden][naive]") {
    check_golden<double>("small", 257, 1e-12, [](const golden_case& c, const std::vector<float>& image, basic_outputs<double>& out) {
        formula_weights weights{c.seed};
        const naive::forward_result r = naive::model{c.config, &weights, &formula_weights::read}.forward(image, c.size);
        REQUIRE(r.logits.size() == out.logits.size());
        REQUIRE(r.cls_attention.values.size() == out.cls_attention.size());
        out.logits = r.logits;
        out.embedding = r.embedding;
        for (std::size_t i = 0; i < out.stages.size(); ++i) out.stages[i] = r.stages[i].values;
        out.cls_attention = r.cls_attention.values;
        return true;
    });
}

TEST_CASE("an input below the minimum is an error with the minimum", "[golden]") {
    for (const golden_case& c : read_cases(CVT_TEST_DATA "/golden/small.cases")) {
        const int n = minimum_input(c.config);
        if (n == 1) continue;
        INFO(c.name);
        formula_weights weights{c.seed};
        const auto model = cvt::model::from_weights(c.config, {&weights, &formula_weights::read});
        REQUIRE(model);
        cvt::session session{*model};
        const std::vector<float> image = formula_image(n, n - 1, c.config.num_channels);
        std::vector<float> embedding(static_cast<std::size_t>(c.config.last_stage().embed_dim));
        const cvt::error e = session.embedding(cvt::view<const float, 3>{image.data(), c.config.num_channels, n, n - 1}, embedding);
        CHECK(e.code() == cvt::errc::invalid_argument);
        CHECK(std::string{e.what()}.find("at least " + std::to_string(n) + " x " + std::to_string(n)) != std::string::npos);
    }
}
