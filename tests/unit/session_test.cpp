// session: outputs against the naive model, and equal bits for any call, move, number of threads or batch.
#include <catch2/catch.hpp>
#include <cmath>
#include <optional>
#include <thread>

#include "support/executors.hpp"
#include "support/naive_model.hpp"
#include "support/session_fixture.hpp"
#include "support/worse.hpp"

using namespace cvt_test;

namespace {

constexpr cvt::grid small{33, 47}, large{64, 96};

double difference(const std::vector<float>& actual, const std::vector<double>& expected) {
    if (actual.size() != expected.size()) return INFINITY;
    double worst = 0, scale = 1;
    for (std::size_t i = 0; i < actual.size(); ++i) {
        const double d = std::abs(static_cast<double>(actual[i]) - expected[i]);
        worst = cvt_test::worse(worst, d);
        scale = std::max(scale, std::abs(expected[i]));
    }
    return worst / scale;
}
double difference(const std::vector<float>& a, const std::vector<float>& b) {
    return difference(a, std::vector<double>(b.begin(), b.end()));
}

/// Configurations with different paths through the last stage and the head.
std::vector<cvt::config> configurations() {
    std::vector<cvt::config> all;
    for (const bool cls : {false, true}) {
        for (const bool norm : {false, true}) {
            for (const int classes : {0, 10}) {
                cvt::config c = tiny_config();
                c.stage[2].cls_token = cls;
                c.final_norm = norm;
                c.num_classes = classes;
                all.push_back(c);
            }
        }
    }
    return all;
}

}  // namespace

TEST_CASE("every output agrees with the naive model, on every kernel set") {
    formula_weights weights;
    for (const cvt::config& c : configurations()) {
        INFO("class token " << c.uses_cls_token() << ", final norm " << c.final_norm << ", classes " << c.num_classes);
        const std::vector<float> image = formula_image(small.height, small.width);
        const naive::forward_result expected = naive::model{c, &weights, &formula_weights::read}.forward(image, small);
        for (const cvt::kernels::kernel_set* set : cvt::kernels::available()) {
            const cvt::model m = make_model(c, set->name);
            CHECK(std::string{m.kernels()} == set->name);
            cvt::session s{m};
            const everything out = run_everything(s, small);
            INFO("kernels " << set->name);
            CHECK(difference(out.logits, expected.logits) <= 2e-6);
            CHECK(difference(out.embedding, expected.embedding) <= 2e-6);
            CHECK(difference(out.cls_attention, expected.cls_attention.values) <= 1e-6);
            for (std::size_t i = 0; i < out.stages.size(); ++i) CHECK(difference(out.stages[i], expected.stages[i].values) <= 2e-6);
        }
    }
}

TEST_CASE("the last block's shortcut for the class token changes nothing") {
    for (const cvt::kernels::kernel_set* set : cvt::kernels::available()) {
        INFO("kernels " << set->name);
        for (const int depth : {1, 2}) {
            cvt::config c = tiny_config();
            c.stage[2].depth = depth;
            cvt::session s{make_model(c, set->name)};
            const everything full = run_everything(s, small);
            const std::vector<float> image = formula_image(small.height, small.width);
            everything brief{c, small};
            REQUIRE_FALSE(s.run(batch(image, 1, 3, small), brief.spans(false)));
            CHECK(difference(brief.logits, full.logits) <= 1e-6);
            CHECK(difference(brief.embedding, full.embedding) <= 1e-6);
            CHECK(difference(brief.cls_attention, full.cls_attention) <= 1e-6);
            // The other maps do not depend on the other rows of the last block.
            everything first{c, small};
            REQUIRE_FALSE(s.run(batch(image, 1, 3, small), {.logits = first.logits, .stages = {first.stages[0], first.stages[1]}}));
            CHECK(same_bits(first.logits, brief.logits));
            CHECK(same_bits(first.stages[1], full.stages[1]));
        }
    }
}

TEST_CASE("each output alone has the same bits as with others") {
    const cvt::config c = tiny_config();
    cvt::session s{make_model(c)};
    const std::vector<float> image = formula_image(small.height, small.width);
    const cvt::view<const float, 3> one{image.data(), 3, small.height, small.width};
    everything together{c, small}, alone{c, small};
    REQUIRE_FALSE(s.run(batch(image, 1, 3, small), together.spans(false)));
    REQUIRE_FALSE(s.logits(one, alone.logits));
    REQUIRE_FALSE(s.embedding(one, alone.embedding));
    REQUIRE_FALSE(s.run(batch(image, 1, 3, small), {.cls_attention = alone.cls_attention}));
    CHECK(same_bits(alone.logits, together.logits));
    CHECK(same_bits(alone.embedding, together.embedding));
    CHECK(same_bits(alone.cls_attention, together.cls_attention));
    CHECK_FALSE(s.run(batch(image, 1, 3, small), {}));  // nothing requested, nothing written
    REQUIRE_FALSE(s.run(batch(image, 1, 3, small), together.spans()));
    for (std::size_t i = 0; i < c.stages().size(); ++i) {
        cvt::outputs map;
        map.stages[i] = alone.stages[i];
        REQUIRE_FALSE(s.run(batch(image, 1, 3, small), map));
        CHECK(same_bits(alone.stages[i], together.stages[i]));
    }
}

TEST_CASE("stages after the last requested one are not computed") {
    const cvt::config c = tiny_config();
    int layers = 0;
    const cvt::executor counting{&layers, 2, [](void* context, int count, void (*task)(void*, int), void* argument) {
                                     ++*static_cast<int*>(context);
                                     for (int i = 0; i < count; ++i) task(argument, i);
                                 }};
    cvt::session s{make_model(c), {.executor = counting}};
    const std::vector<float> image = formula_image(small.height, small.width);
    everything out{c, small};
    const auto layers_of = [&](const cvt::outputs& wanted) {
        layers = 0;
        REQUIRE_FALSE(s.run(batch(image, 1, 3, small), wanted));
        return layers;
    };
    CHECK(layers_of({}) == 0);
    const int first = layers_of({.stages = {out.stages[0]}}), second = layers_of({.stages = {out.stages[0], out.stages[1]}});
    CHECK(first > 0);
    CHECK(second > first);
    CHECK(layers_of({.logits = out.logits, .stages = {out.stages[0]}}) > second);
    CHECK(layers_of({.cls_attention = out.cls_attention}) > second);
}

TEST_CASE("same bits for any executor") {
    for (const cvt::kernels::kernel_set* set : cvt::kernels::available()) {
        for (const cvt::config& c : {configurations().front(), tiny_config()}) {
            const cvt::model m = make_model(c, set->name);
            cvt::session alone{m};
            const everything expected = run_everything(alone, large);
            for (const int workers : {1, 2, 3, 7}) {
                INFO(set->name << ", " << workers << " workers");
                cvt::session backwards{m, {.executor = reversed(workers)}}, threads{m, {.executor = threaded(workers)}};
                CHECK(same_bits(run_everything(backwards, large), expected));
                CHECK(same_bits(run_everything(threads, large), expected));
            }
        }
    }
}

TEST_CASE("a batch has the same bits as its images one by one") {
    for (const cvt::config& c : {configurations().front(), tiny_config()}) {
        constexpr std::ptrdiff_t n = 3;
        cvt::session s{make_model(c)};
        std::vector<float> images;
        std::vector<everything> single;
        for (std::uint64_t i = 0; i < n; ++i) {
            const std::vector<float> image = formula_image(small.height, small.width, 3, i);
            images.insert(images.end(), image.begin(), image.end());
            single.push_back(run_everything(s, small, i));
        }
        everything all{c, small, n};
        REQUIRE_FALSE(s.run(batch(images, n, 3, small), all.spans()));
        everything joined{c, small, 0};
        const auto append = [](std::vector<float>& to, const std::vector<float>& from) { to.insert(to.end(), from.begin(), from.end()); };
        for (const everything& one : single) {
            append(joined.logits, one.logits);
            append(joined.embedding, one.embedding);
            append(joined.cls_attention, one.cls_attention);
            for (std::size_t i = 0; i < one.stages.size(); ++i) append(joined.stages[i], one.stages[i]);
        }
        CHECK(same_bits(all, joined));
        CHECK_FALSE(same_bits(single[0], single[1]));
    }
}

TEST_CASE("sizes may change from call to call") {
    for (const cvt::kernels::kernel_set* set : cvt::kernels::available()) {
        const cvt::model m = make_model(tiny_config(), set->name);
        cvt::session fresh_small{m}, fresh_large{m}, s{m, {.executor = reversed(3)}};
        const everything of_small = run_everything(fresh_small, small), of_large = run_everything(fresh_large, large);
        for (int round = 0; round < 2; ++round) {
            CHECK(same_bits(run_everything(s, small), of_small));
            CHECK(same_bits(run_everything(s, large), of_large));
            CHECK(same_bits(run_everything(s, {large.width, large.height}).logits, of_large.logits) == false);
        }
    }
}

TEST_CASE("an image gives the same results as its preprocessed tensor") {
    const cvt::model m = make_model(tiny_config());
    cvt::session s{m, {.preprocessing = cvt::preprocessing::for_size(48)}};
    CHECK(s.preprocessing().crop_width == 48);
    CHECK(cvt::session{m}.preprocessing().crop_width == 224);
    const photo photos[]{{80, 60}, {50, 90, 4, 1}, {48, 49, 1, 2}};
    std::vector<cvt::image_view> views;
    std::vector<float> expected, embeddings;
    for (const photo& p : photos) {
        views.push_back(p.view());
        std::vector<float> input(3 * 48 * 48), logits(10), embedding(45);
        REQUIRE_FALSE(preprocess(p.view(), s.preprocessing(), cvt::view<float, 3>{input.data(), 3, 48, 48}));
        const cvt::view<const float, 3> tensor{input.data(), 3, 48, 48};
        REQUIRE_FALSE(s.logits(tensor, logits));
        REQUIRE_FALSE(s.embedding(tensor, embedding));
        std::vector<float> classified(10), embedded(45);
        REQUIRE_FALSE(s.classify(p.view(), classified));
        REQUIRE_FALSE(s.embedding(p.view(), embedded));
        CHECK(same_bits(classified, logits));
        CHECK(same_bits(embedded, embedding));
        expected.insert(expected.end(), logits.begin(), logits.end());
        embeddings.insert(embeddings.end(), embedding.begin(), embedding.end());
    }
    std::vector<float> all(30), all_embeddings(3 * 45);
    REQUIRE_FALSE(s.classify(views, all));
    CHECK(same_bits(all, expected));
    REQUIRE_FALSE(s.run(views, {.embedding = all_embeddings}));
    CHECK(same_bits(all_embeddings, embeddings));
}

TEST_CASE("a batch of images of different input sizes has the same bits as its images one by one") {
    const cvt::model m = make_model(tiny_config());
    cvt::preprocessing as_is, short_side;
    as_is.resize = cvt::preprocessing::resize_rule::none;
    short_side.short_side = 40;
    as_is.center_crop = short_side.center_crop = false;
    const photo photos[]{{50, 40}, {50, 40, 3, 1}, {80, 64, 4, 2}, {33, 90, 3, 3}, {50, 40, 1, 4}};
    std::vector<cvt::image_view> views;
    for (const photo& p : photos) views.push_back(p.view());
    for (const cvt::preprocessing& p : {as_is, short_side}) {
        std::vector<float> logits, embeddings, all(5 * 10), all_embeddings(5 * 45);
        for (const cvt::image_view& view : views) {
            cvt::session alone{m, {.preprocessing = p}};
            std::vector<float> one(10), embedding(45);
            REQUIRE_FALSE(alone.run({&view, 1}, {.logits = one, .embedding = embedding}));
            logits.insert(logits.end(), one.begin(), one.end());
            embeddings.insert(embeddings.end(), embedding.begin(), embedding.end());
        }
        cvt::session s{m, {.preprocessing = p}};
        for (int round = 0; round < 2; ++round) {
            REQUIRE_FALSE(s.run(views, {.logits = all, .embedding = all_embeddings}));
            CHECK(same_bits(all, logits));
            CHECK(same_bits(all_embeddings, embeddings));
        }
        std::vector<float> classified(5 * 10);
        REQUIRE_FALSE(s.classify(views, classified));
        CHECK(same_bits(classified, logits));
    }
}

TEST_CASE("sessions move and keep their model") {
    std::optional<cvt::model> m = make_model(tiny_config());
    cvt::session first{*m};
    const everything expected = run_everything(first, small);
    m.reset();  // the session has its own handle
    CHECK(same_bits(run_everything(first, small), expected));
    cvt::session second{std::move(first)};
    CHECK(same_bits(run_everything(second, small), expected));
    first = std::move(second);
    CHECK(same_bits(run_everything(first, small), expected));
    first = cvt::session{make_model(tiny_config())};
    CHECK(same_bits(run_everything(first, small), expected));
    const cvt::model kept = first.model();
    { const cvt::session gone = std::move(first); }
    CHECK(kept.config() == tiny_config());
}

TEST_CASE("sessions of one model on two threads") {
    const cvt::model m = make_model(tiny_config());
    const cvt::grid sizes[]{small, large};
    std::vector<everything> expected;
    for (const cvt::grid size : sizes) {
        cvt::session s{m};
        expected.push_back(run_everything(s, size));
    }
    bool same[2]{};
    const auto work = [&](std::size_t i) {
        cvt::session s{m};
        same[i] = true;
        for (int round = 0; round < 5; ++round) same[i] = same_bits(run_everything(s, sizes[i]), expected[i]) && same[i];
    };
    std::thread other{work, 1};
    work(0);
    other.join();
    CHECK(same[0]);
    CHECK(same[1]);
}
