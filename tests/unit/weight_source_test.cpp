// overlay_source: a model with a new head, and which source each tensor comes from.
#include <cvt/weight_source.hpp>

#include <catch2/catch.hpp>
#include <cstring>
#include <string>
#include <vector>

#include <cvt/session.hpp>
#include <support/session_fixture.hpp>

#include "support/formula.hpp"

namespace {

/// Generated weights of a seed, and the names that were read.
struct formula_source {
    std::uint64_t seed;
    std::vector<std::string> asked = {};

    cvt::weight_source source() {
        return {this, [](void* context, const char* name, std::span<const std::int64_t> shape, float* out) {
                    auto& self = *static_cast<formula_source*>(context);
                    self.asked.emplace_back(name);
                    const std::vector<float> values = cvt_test::formula_tensor(name, shape, self.seed);
                    std::memcpy(out, values.data(), values.size() * sizeof(float));
                    return cvt::error{};
                }};
    }
};

std::vector<float> logits_of(const cvt::model& m) {
    cvt::session session{m};
    std::vector<float> image = cvt_test::formula_image(32, 32), out(static_cast<std::size_t>(m.config().num_classes));
    REQUIRE_FALSE(session.logits(cvt::view<const float, 3>{image.data(), 3, 32, 32}, out));
    return out;
}

}  // namespace

TEST_CASE("overlay_source: listed tensors come from the overlay, all others from the base", "[weights]") {
    const char* const names[]{"head.weight", "head.bias"};
    formula_source encoder{1}, head{2};
    cvt::overlay_source both{.names = names, .over = head.source(), .under = encoder.source()};
    const cvt::config c = cvt_test::tiny_config();
    const auto mixed = cvt::model::from_weights(c, both.source());
    REQUIRE(mixed);
    CHECK(head.asked == std::vector<std::string>{"head.weight", "head.bias"});
    CHECK(encoder.asked.size() > 100);
    for (const std::string& name : encoder.asked) CHECK_FALSE(name.starts_with("head."));

    // The same as one source with the encoder of one seed and the head of the other.
    const cvt::weight_source by_hand{nullptr, [](void*, const char* name, std::span<const std::int64_t> shape, float* out) {
                                         const std::vector<float> v =
                                             cvt_test::formula_tensor(name, shape, std::strncmp(name, "head.", 5) == 0 ? 2 : 1);
                                         std::memcpy(out, v.data(), v.size() * sizeof(float));
                                         return cvt::error{};
                                     }};
    const auto expected = cvt::model::from_weights(c, by_hand), plain = cvt::model::from_weights(c, encoder.source());
    REQUIRE(expected);
    REQUIRE(plain);
    CHECK(logits_of(*mixed) == logits_of(*expected));
    CHECK(logits_of(*mixed) != logits_of(*plain));
}

TEST_CASE("overlay_source: errors are returned, a missing function is an error", "[weights]") {
    const char* const names[]{"head.bias"};
    formula_source encoder{1};
    cvt::overlay_source both{.names = names, .over = {}, .under = encoder.source()};
    CHECK(cvt::model::from_weights(cvt_test::tiny_config(), both.source()).error().what() ==
          std::string{"head.bias: its weight_source has no read function"});
    both.over = {nullptr, [](void*, const char* name, std::span<const std::int64_t>, float*) {
                     return cvt::error::format(cvt::errc::io, "%s: gone", name);
                 }};
    const cvt::error e = cvt::model::from_weights(cvt_test::tiny_config(), both.source()).error();
    CHECK(e.code() == cvt::errc::io);
    CHECK(e.what() == std::string{"head.bias: gone"});
}
