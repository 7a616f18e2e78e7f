// Extreme numbers in inputs, weights and logits: no faults, and no effect on other images or later calls. Compiled twice, once
// with -ffast-math, which also makes the processor flush subnormal numbers.
#include <algorithm>
#include <bit>
#include <catch2/catch.hpp>
#include <cfloat>
#include <cstdint>
#include <cvt/kernels/select.hpp>
#include <cvt/load.hpp>
#include <cvt/model.hpp>
#include <cvt/session.hpp>
#include <cvt/top_k.hpp>
#include <limits>
#include <numeric>
#include <string>

#include "support/executors.hpp"
#include "support/session_fixture.hpp"

using namespace cvt_test;
using cvt::detail::is_finite;

namespace {

constexpr cvt::grid size{33, 47};

/// Made from their bits, because -ffast-math may optimise arithmetic that produces them.
const float not_a_number = std::bit_cast<float>(0x7FC00000U), signalling = std::bit_cast<float>(0x7F800001U);
const float infinity = std::bit_cast<float>(0x7F800000U), subnormal = std::bit_cast<float>(0x00000FFFU);

bool all_finite(const std::vector<float>& values) {
    return std::all_of(values.begin(), values.end(), [](const float& v) { return is_finite(v); });
}
bool none_finite(const std::vector<float>& values) {
    return std::none_of(values.begin(), values.end(), [](const float& v) { return is_finite(v); });
}
bool all_finite(const everything& e) {
    return all_finite(e.logits) && all_finite(e.embedding) && all_finite(e.cls_attention) &&
           std::all_of(e.stages.begin(), e.stages.end(), [](const std::vector<float>& map) { return all_finite(map); });
}

/// Generated weights with changes to all tensors whose name contains a text.
struct changed_weights {
    std::string text;
    float factor = 1, value = 0;
    bool replace = false, one = false;

    static cvt::error read(void* context, const char* name, std::span<const std::int64_t> shape, float* out) noexcept {
        const auto& self = *static_cast<const changed_weights*>(context);
        fill_formula_tensor(name, shape, out, 0);
        if (std::string_view{name}.find(self.text) == std::string_view::npos) return {};
        std::size_t count = 1;
        for (const std::int64_t extent : shape) count *= static_cast<std::size_t>(extent);
        for (std::size_t i = 0; i < (self.one ? 1 : count); ++i) out[i] = self.replace ? self.value : out[i] * self.factor;
        return {};
    }
    cvt::model make(const char* kernels) {
        auto m = cvt::model::from_weights(tiny_config(), {this, &read}, {.kernels = kernels});
        if (!m) throw std::runtime_error{m.error().what()};
        return *m;
    }
};

}  // namespace

TEST_CASE("a bad value in one image affects neither the rest of the batch nor the next call") {
    for (const cvt::kernels::kernel_set* set : cvt::kernels::available()) {
        const cvt::model m = make_model(tiny_config(), set->name);
        cvt::session alone{m};
        const everything clean[]{run_everything(alone, size, 0), run_everything(alone, size, 2)};
        for (const int workers : {1, 3}) {
            cvt::session s{m, {.executor = reversed(workers)}};
            for (const float& bad :
                 {not_a_number, signalling, infinity, -infinity, FLT_MAX, -FLT_MAX, 1e30F, 1e15F, -1e15F, subnormal, FLT_MIN}) {
                for (const bool everywhere : {false, true}) {
                    INFO(set->name << ", " << workers << " workers, bits " << std::hex << std::bit_cast<std::uint32_t>(bad)
                                   << (everywhere ? " in every pixel" : " in one pixel"));
                    std::vector<float> images;
                    for (std::uint64_t i = 0; i < 3; ++i) {
                        const std::vector<float> one = formula_image(size.height, size.width, 3, i);
                        images.insert(images.end(), one.begin(), one.end());
                    }
                    const std::size_t each = images.size() / 3;
                    if (everywhere)
                        std::fill(images.begin() + static_cast<std::ptrdiff_t>(each), images.end() - static_cast<std::ptrdiff_t>(each),
                                  bad);
                    else
                        images[each + each / 2] = bad;
                    everything out{m.config(), size, 3};
                    REQUIRE_FALSE(s.run(batch(images, 3, 3, size), out.spans()));
                    for (const std::size_t i : {0U, 2U}) {
                        const auto begin = out.logits.begin() + static_cast<std::ptrdiff_t>(10 * i);
                        CHECK(same_bits({begin, begin + 10}, clean[i / 2].logits));
                        const auto map = out.stages[0].begin() + static_cast<std::ptrdiff_t>(out.stages[0].size() / 3 * i);
                        CHECK(same_bits({map, map + static_cast<std::ptrdiff_t>(out.stages[0].size() / 3)}, clean[i / 2].stages[0]));
                    }
                    const std::vector<float> logits{out.logits.begin() + 10, out.logits.begin() + 20};
                    if (!is_finite(bad)) CHECK(none_finite(logits));
                    if (cvt::detail::magnitude_bits(bad) <= cvt::detail::magnitude_bits(1e15F)) CHECK(all_finite(out));
                    CHECK(same_bits(run_everything(s, size, 2), clean[1]));
                }
            }
        }
    }
}

TEST_CASE("softmax of attention does not overflow") {
    for (const cvt::kernels::kernel_set* set : cvt::kernels::available()) {
        for (const float factor : {1e-30F, 1e3F, 1e10F, 1e15F}) {
            INFO(set->name << ", queries and keys times " << factor);
            changed_weights queries{"proj_q.weight", factor}, keys{"proj_k.weight", factor};
            for (changed_weights* w : {&queries, &keys}) {
                cvt::session s{w->make(set->name)};
                const everything out = run_everything(s, size);
                CHECK(all_finite(out));
                const std::size_t heads = 3, each = out.cls_attention.size() / heads;
                for (std::size_t h = 0; h < heads; ++h) {
                    const auto* row = out.cls_attention.data() + h * each;
                    const double sum = std::accumulate(row, row + each, 0.0);
                    CHECK(sum <= 1.0001);
                    CHECK(sum >= 0);
                    CHECK(std::all_of(row, row + each, [](float p) { return p >= 0 && p <= 1.0001F; }));
                }
            }
        }
    }
}

TEST_CASE("weights that are not finite, huge or subnormal load and run") {
    for (const cvt::kernels::kernel_set* set : cvt::kernels::available()) {
        const cvt::model good = make_model(tiny_config(), set->name);
        cvt::session untouched{good};
        const everything expected = run_everything(untouched, size);
        for (const char* tensor :
             {"stage0.patch_embed.proj.weight", "stage0.blocks.0.attn.conv_proj_q.conv.weight",
              "stage1.blocks.0.attn.conv_proj_k.bn.running_var", "stage1.blocks.0.mlp.fc1.weight", "stage1.blocks.0.norm2.weight",
              "stage2.blocks.1.attn.proj_v.weight", "stage2.cls_token", "head.weight"}) {
            for (const float& value : {not_a_number, infinity, 1e30F, FLT_MAX, subnormal, -1.F}) {
                for (const bool one : {true, false}) {
                    INFO(set->name << ", " << tensor << ", bits " << std::hex << std::bit_cast<std::uint32_t>(value));
                    changed_weights w{tensor, 1, value, true, one};
                    const cvt::model m = w.make(set->name);
                    CHECK(m.warnings().count == (is_finite(value) ? 0 : 1));
                    cvt::session s{m};
                    const everything out = run_everything(s, size);
                    const bool silent = cvt::detail::is_infinite(value) && w.text.ends_with("running_var");  // divides its channel to zero
                    if (!is_finite(value) && !silent) CHECK_FALSE(all_finite(out.logits));
                    if (cvt::detail::magnitude_bits(value) == cvt::detail::magnitude_bits(subnormal)) CHECK(all_finite(out));
                    CHECK(same_bits(run_everything(s, size), out));
                }
            }
        }
        CHECK(same_bits(run_everything(untouched, size), expected));
    }
}

TEST_CASE("subnormal inputs and weights act like zero") {
    for (const cvt::kernels::kernel_set* set : cvt::kernels::available()) {
        cvt::session s{make_model(tiny_config(), set->name)};
        const std::vector<float> zeros(3 * 33 * 47), tiny(3 * 33 * 47, subnormal);
        everything of_zeros{s.model().config(), size}, of_tiny{s.model().config(), size};
        REQUIRE_FALSE(s.run(batch(zeros, 1, 3, size), of_zeros.spans()));
        REQUIRE_FALSE(s.run(batch(tiny, 1, 3, size), of_tiny.spans()));
        for (std::size_t i = 0; i < 10; ++i) CHECK(of_tiny.logits[i] == Approx(of_zeros.logits[i]).margin(1e-6));
    }
}

TEST_CASE("probabilities of extreme logits are numbers from 0 to 1 that add up to 1 or to 0") {
    const float values[]{not_a_number, signalling, infinity, -infinity, FLT_MAX, -FLT_MAX, 1e30F, 0.F, subnormal, 89.F};
    for (const float& a : values)
        for (const float& b : values)
            for (const float& c : values) {
                const float logits[]{a, b, c};
                float probabilities[3];
                cvt::softmax(logits, probabilities);
                double sum = 0;
                for (const float& p : probabilities) {
                    REQUIRE(is_finite(p));
                    REQUIRE((p >= 0 && p <= 1));
                    sum += static_cast<double>(p);
                }
                const bool any = std::any_of(logits, logits + 3, [](const float& v) {
                    return !cvt::detail::is_nan(v) && std::bit_cast<std::uint32_t>(v) != 0xFF800000U;
                });
                CHECK(sum == Approx(any ? 1 : 0).margin(1e-6));
                float last = 1;
                for (const cvt::ranked r : cvt::top_k<3>(logits)) {
                    REQUIRE(is_finite(r.probability));
                    CHECK(r.probability <= last);
                    last = r.probability;
                }
            }
}

TEST_CASE("preprocessing refuses values that are not finite and accepts all others") {
    cvt::session s{make_model(tiny_config())};
    const photo p{40, 40};
    for (const float& bad : {not_a_number, infinity, -infinity}) {
        for (const bool mean : {false, true}) {
            cvt::preprocessing how = cvt::preprocessing::for_size(32);
            (mean ? how.mean : how.std)[1] = bad;
            cvt::session refuses{s.model(), {.preprocessing = how}};
            std::vector<float> logits(10);
            CHECK(refuses.classify(p.view(), logits).code() == cvt::errc::invalid_argument);
        }
    }
    cvt::preprocessing huge = cvt::preprocessing::for_size(32);
    huge.mean[0] = FLT_MAX;
    huge.std[1] = FLT_MIN;
    cvt::session takes{s.model(), {.preprocessing = huge}};
    std::vector<float> logits(10);
    CHECK_FALSE(takes.classify(p.view(), logits));
}

TEST_CASE("a configuration with an invalid mlp_ratio is refused") {
    for (const std::uint64_t bits :
         {0x7FF8000000000000U, 0x7FF0000000000000U, 0xFFF0000000000000U, 0x7FEFFFFFFFFFFFFFU, std::uint64_t{1}}) {
        cvt::config c = tiny_config();
        c.stage[1].mlp_ratio = std::bit_cast<double>(bits);
        INFO(std::hex << bits);
        CHECK(validate(c).code() == cvt::errc::bad_config);
        CHECK(cvt::shape_of(c, 64, 64).error().code() == cvt::errc::bad_config);
    }
}
