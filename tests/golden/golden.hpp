// Runs a session on a list of golden cases and compares every output with the float64 reference.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <type_traits>
#include <vector>

#include <catch2/catch.hpp>
#include <cvt/extra/npy.hpp>
#include <cvt/kernels/select.hpp>
#include <cvt/model.hpp>
#include <cvt/session.hpp>

#include "support/cases.hpp"
#include "support/formula.hpp"
#include "support/worse.hpp"

namespace cvt_test {

/// Buffers for all outputs of a model: floats for a session, doubles for the naive model.
template <class T>
struct basic_outputs {
    std::vector<T> logits, embedding, cls_attention;
    std::vector<std::vector<T>> stages;

    basic_outputs(const cvt::config& c, const cvt::model_shape& shape) : stages(c.stages().size()) {
        const auto count = [](std::ptrdiff_t n) { return static_cast<std::size_t>(n); };
        const cvt::stage_config& last = c.last_stage();
        logits.resize(count(c.num_classes));
        embedding.resize(count(last.embed_dim));
        for (std::size_t i = 0; i < stages.size(); ++i) stages[i].resize(count(shape.stage[i].tokens.tokens() * c.stage[i].embed_dim));
        if (last.cls_token) cls_attention.resize(count(last.num_heads * (shape.last_stage().key_count() - 1)));
    }

    cvt::outputs spans() requires std::is_same_v<T, float> {
        cvt::outputs out;
        out.logits = logits;
        out.embedding = embedding;
        out.cls_attention = cls_attention;
        for (std::size_t i = 0; i < stages.size(); ++i) out.stages[i] = stages[i];
        return out;
    }
};
using all_outputs = basic_outputs<float>;

/// Reads a golden file, which has the outputs of its cases in sequence. Of each output of n elements in row-major order it keeps
/// elements i * n / m, i < m = min(n, limit).
class golden_reader {
public:
    golden_reader(const cvt::basic_npy<double>& file, std::size_t limit) : file_{file}, limit_{limit} {}

    /// max |a - reference|; for maps and vectors that grow with depth, divided by max(1, max |reference|).
    template <class T>
    double difference(const std::vector<T>& a, bool relative) {
        const std::size_t m = std::min(a.size(), limit_);
        if (m > file_.values.size() - at_) return INFINITY;
        double worst = 0, scale = 1;
        for (std::size_t i = 0; i < m; ++i) {
            const double expected = file_.values[at_ + i], d = std::abs(static_cast<double>(a[i * a.size() / m]) - expected);
            worst = cvt_test::worse(worst, d);
            scale = std::max(scale, std::abs(expected));
        }
        at_ += m;
        return relative ? worst / scale : worst;
    }
    [[nodiscard]] bool finished() const { return at_ == file_.values.size(); }

private:
    const cvt::basic_npy<double>& file_;
    std::size_t limit_, at_ = 0;
};

/// Checks every case of tests/data/golden/<list>.cases to within `bound` and prints a line for each. Calls
/// run(case, image, outputs to fill), which returns whether it succeeded.
template <class T = float, class Run>
void check_golden(const std::string& list, std::size_t limit, double bound, Run run) {
    const std::string path = CVT_TEST_DATA "/golden/" + list;
    const auto file = cvt::read_npy<double>((path + ".npy").c_str());
    INFO(file.error().what());
    REQUIRE(file);
    golden_reader golden{*file, limit};
    std::printf("%-22s %9s %9s %9s %9s %9s   max |difference|, beyond logits over max(1, max |value|); bound %g\n", list.c_str(), "size",
                "logits", "embedding", "maps", "attention", bound);
    double worst = 0;
    for (const golden_case& c : read_cases(path + ".cases")) {
        INFO(c.name);
        const auto shape = shape_of(c.config, c.size.height, c.size.width);
        INFO(shape.error().what());
        REQUIRE(shape);
        basic_outputs<T> out{c.config, *shape};
        const std::vector<float> image = formula_image(c.size.height, c.size.width, c.config.num_channels, c.seed);
        REQUIRE(run(c, image, out));
        const double logits = golden.difference(out.logits, false), embedding = golden.difference(out.embedding, true);
        double maps = 0;
        for (const std::vector<T>& stage : out.stages) {
            const double d = golden.difference(stage, true);
            maps = d <= maps ? maps : d;
        }
        const double attention = golden.difference(out.cls_attention, true);
        std::printf("%-22s %4dx%-4d %9.1e %9.1e %9.1e %9.1e\n", c.name.c_str(), c.size.height, c.size.width, logits, embedding, maps,
                    attention);
        CHECK(logits <= bound);
        CHECK(embedding <= bound);
        CHECK(maps <= bound);
        CHECK(attention <= bound);
        for (const double d : {logits, embedding, maps, attention}) worst = cvt_test::worse(worst, d);
    }
    std::printf("%-22s worst %.1e\n", list.c_str(), worst);
    CHECK(golden.finished());
}

inline double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
    double worst = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double d = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
        worst = cvt_test::worse(worst, d);
    }
    return worst;
}

/// Makes a model with generated weights and runs it on the image, with the named kernel set or the best one.
inline bool run_session(const golden_case& c, const std::vector<float>& image, all_outputs& out, const char* kernels = nullptr) {
    formula_weights weights{c.seed};
    const auto model = cvt::model::from_weights(c.config, {&weights, &formula_weights::read}, {.kernels = kernels});
    INFO(model.error().what());
    REQUIRE(model);
    cvt::session session{*model};
    const cvt::view<const float, 4> input{image.data(), 1, c.config.num_channels, c.size.height, c.size.width};
    const cvt::error e = session.run(input, out.spans());
    INFO(e.what());
    CHECK_FALSE(e);
    // Without maps the last block runs only for the class token, which must give the same.
    all_outputs short_way{c.config, *shape_of(c.config, c.size.height, c.size.width)};
    cvt::outputs spans = short_way.spans();
    spans.stages = {};
    const cvt::error again = session.run(input, spans);
    INFO(again.what());
    CHECK_FALSE(again);
    CHECK(largest_difference(short_way.logits, out.logits) <= 2e-6);
    CHECK(largest_difference(short_way.embedding, out.embedding) <= 2e-6);
    CHECK(largest_difference(short_way.cls_attention, out.cls_attention) <= 2e-6);
    return !e;
}

}  // namespace cvt_test
