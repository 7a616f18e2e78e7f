// model: kernel sets by name and environment, options, counts, handles, and models that cannot be made.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <string>
#include <thread>
#include <utility>

#include "support/session_fixture.hpp"

using namespace cvt_test;
using Catch::Matchers::Contains;

namespace {

cvt::result<cvt::model> try_model(const cvt::config& c, const cvt::load_options& options = {}) {
    formula_weights weights;
    return cvt::model::from_weights(c, {&weights, &formula_weights::read}, options);
}

/// Sets an environment variable until the end of the scope.
class environment {
public:
    environment(const char* name, const char* value) : name_{name} {
        if (const char* before = std::getenv(name)) before_ = before, was_set_ = true;
        ::setenv(name, value, 1);
    }
    ~environment() { was_set_ ? ::setenv(name_, before_.c_str(), 1) : ::unsetenv(name_); }
    environment(const environment&) = delete;
    environment& operator=(const environment&) = delete;

private:
    const char* name_;
    std::string before_;
    bool was_set_ = false;
};

}  // namespace

TEST_CASE("the kernel set comes from the options, else from the environment, else it is the best one") {
    const auto sets = cvt::kernels::available();
    for (const cvt::kernels::kernel_set* set : sets) {
        CHECK(std::string{make_model(tiny_config(), set->name).kernels()} == set->name);
        const environment forced{"CVT_FORCE_KERNELS", set->name};
        CHECK(std::string{make_model(tiny_config()).kernels()} == set->name);
        CHECK(std::string{make_model(tiny_config(), sets.back()->name).kernels()} == sets.back()->name);
    }
    const environment none{"CVT_FORCE_KERNELS", ""};
    CHECK(std::string{make_model(tiny_config()).kernels()} == sets.front()->name);
    const auto unknown = try_model(tiny_config(), {.kernels = "mmx"});
    CHECK(unknown.error().code() == cvt::errc::invalid_argument);
    CHECK_THAT(unknown.error().what(), Contains("kernels: expected one of") && Contains(sets.back()->name) && Contains("found \"mmx\""));
    const environment wrong{"CVT_FORCE_KERNELS", "neon9"};
    CHECK_THAT(try_model(tiny_config()).error().what(), Contains("CVT_FORCE_KERNELS: expected one of") && Contains("found \"neon9\""));
}

TEST_CASE("the caller's activation has precedence; a configuration in the options is ignored") {
    cvt::load_options options;
    options.gelu = cvt::gelu::erf;
    options.config = cvt::cvt_13;
    const auto m = try_model(tiny_config(), options);
    REQUIRE(m);
    cvt::config expected = tiny_config();
    expected.gelu = cvt::gelu::erf;
    CHECK(m->config() == expected);
    cvt::session quick{make_model(tiny_config())}, erf{*m}, configured{make_model(expected)};
    const cvt::grid size{32, 32};
    CHECK(same_bits(run_everything(erf, size), run_everything(configured, size)));
    CHECK_FALSE(same_bits(run_everything(erf, size), run_everything(quick, size)));
}

TEST_CASE("a model that cannot be made returns the reason") {
    cvt::config c = tiny_config();
    c.stage[1].num_heads = 5;
    const auto bad = try_model(c);
    CHECK(bad.error().code() == cvt::errc::bad_config);
    CHECK_THAT(bad.error().what(), Contains("stage 1: num_heads"));

    const auto failing =
        cvt::model::from_weights(tiny_config(), {nullptr, [](void*, const char* name, std::span<const std::int64_t>, float*) {
                                                     return cvt::error::format(cvt::errc::mismatch, "%s: not today", name);
                                                 }});
    CHECK(failing.error().code() == cvt::errc::mismatch);
    CHECK_THAT(failing.error().what(), Contains("stage0.") && Contains(": not today"));

    const auto silent = cvt::model::from_weights(tiny_config(), {});
    CHECK(silent.error().code() == cvt::errc::invalid_argument);
    CHECK_THAT(silent.error().what(), Contains("weight_source"));

    const auto missing = cvt::model::load("/no/such/folder");
    CHECK(missing.error().code() == cvt::errc::io);
    CHECK_THAT(missing.error().what(), Contains("/no/such/folder"));
    const std::vector<std::byte> garbage(100, std::byte{0x7B});
    CHECK_FALSE(cvt::model::from_memory(garbage));
    CHECK_FALSE(cvt::model::from_memory(std::span<const std::byte>{}));
}

TEST_CASE("warnings reach the model") {
    const auto m =
        cvt::model::from_weights(tiny_config(), {nullptr, [](void*, const char* name, std::span<const std::int64_t> shape, float* out) {
                                                     fill_formula_tensor(name, shape, out);
                                                     if (std::string_view{name} == "head.weight")
                                                         out[7] = std::numeric_limits<float>::infinity();
                                                     return cvt::error{};
                                                 }});
    REQUIRE(m);
    REQUIRE(m->warnings().count == 1);
    CHECK(std::string{m->warnings().text[0]} == "head.weight: 1 of 450 values are NaN or infinite");
    CHECK(make_model(tiny_config()).warnings().count == 0);
}

TEST_CASE("copies share the model, and the last handle frees it") {
    const cvt::model first = make_model(tiny_config());
    cvt::model second = first;
    CHECK(&second.config() == &first.config());
    const cvt::model other = make_model(tiny_config());
    CHECK(&other.config() != &first.config());
    second = other;
    CHECK(&second.config() == &other.config());
    cvt::model third = std::move(second);
    CHECK(&third.config() == &other.config());
    second = first;  // assigns to a moved-from handle
    CHECK(&second.config() == &first.config());
    const cvt::model& itself = third;
    third = itself;
    CHECK(&third.config() == &other.config());
    // Two threads copy and destroy handles at the same time.
    std::thread thread{[&] {
        for (int i = 0; i < 1000; ++i) cvt::model{first};
    }};
    for (int i = 0; i < 1000; ++i) cvt::model{first};
    thread.join();
    CHECK(first.config() == tiny_config());
}

TEST_CASE("a model made from weights describes itself") {
    const cvt::model m = make_model(tiny_config());
    CHECK(m.config() == tiny_config());
    CHECK(m.preprocessing().crop_width == 224);
    CHECK(std::string{m.info().container} == "weights given by the caller");
    CHECK(m.label_count() == 0);
    for (const int i : {-1, 0, 9, 1'000'000}) CHECK(std::string{m.label(i)}.empty());
    CHECK(m.parameters() > 0);
    CHECK(m.memory_bytes() >= static_cast<std::size_t>(m.parameters()) * sizeof(float));
    CHECK(*m.workspace_bytes(64, 64, 4) > *m.workspace_bytes(64, 64));
    CHECK(*m.workspace_bytes(96, 96) > *m.workspace_bytes(64, 64));
    CHECK_THAT(m.workspace_bytes(1, 64).error().what(), Contains("at least 3 x 3"));
    for (const int workers : {-1, 0, 257}) CHECK_THAT(m.workspace_bytes(64, 64, workers).error().what(), Contains("expected 1 to 256"));
}
