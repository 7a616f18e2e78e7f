// pack: the tensors that it reads, the sizes that it counts, and folding of difficult values.
#include <catch2/catch.hpp>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "support/stage_memory.hpp"

using namespace cvt_test;

namespace {

/// Returns the bytes of a model's packed weights, measured without packing.
std::uint64_t packed_bytes(const cvt::config& c, const cvt::kernels::kernel_set& set) {
    std::size_t depth = 0;
    for (const cvt::stage_config& s : c.stages()) depth += count(s.depth);
    std::vector<cvt::network::block_weights> blocks(depth);
    cvt::detail::arena memory;
    cvt::network::weight_layout{c, set, cvt::precision::f32, memory}.run(blocks.data());
    return memory.peak();
}

/// A source that records the names it is asked for.
struct recorder {
    std::multiset<std::string> asked;

    static std::string text(const char* name, std::span<const std::int64_t> shape) {
        std::string t = name;
        for (const std::int64_t extent : shape) t += " " + std::to_string(extent);
        return t;
    }
    static cvt::error read(void* context, const char* name, std::span<const std::int64_t> shape, float* out) noexcept {
        static_cast<recorder*>(context)->asked.insert(text(name, shape));
        fill_formula_tensor(name, shape, out);
        return {};
    }
};

cvt::config with_everything() {
    cvt::config c;
    c.num_channels = 2;
    c.num_classes = 5;
    c.num_stages = 4;
    for (std::size_t i = 0; i < 4; ++i) {
        c.stage[i].embed_dim = 6 + 3 * static_cast<int>(i);
        c.stage[i].num_heads = 3;
        c.stage[i].depth = 1 + static_cast<int>(i) % 2;
        c.stage[i].mlp_ratio = 1.3;
        c.stage[i].qkv_bias = i != 1;
        c.stage[i].cls_token = i != 2;
        c.stage[i].qkv_projection = static_cast<cvt::projection>(i % 3);
    }
    return c;
}

}  // namespace

TEST_CASE("packed weights take little more memory than the parameters") {
    for (const cvt::kernels::kernel_set* set : cvt::kernels::available()) {
        INFO("kernels " << set->name);
        CHECK(static_cast<double>(packed_bytes(cvt::cvt_w24, *set)) < 1.01 * 4 * 277'196'392);
    }
}

TEST_CASE("every tensor of the official state dict is read once, and nothing else") {
    cvt::config without_head = with_everything(), bare = with_everything();
    without_head.num_classes = 0;
    bare.num_classes = 0;
    bare.final_norm = false;
    for (const cvt::config& c : {with_everything(), without_head, bare}) {
        REQUIRE_FALSE(validate(c));
        std::multiset<std::string> expected;
        cvt::network::for_each_tensor(c, [&](const cvt::network::tensor_info& t) { expected.insert(recorder::text(t.name, t.extents())); });
        for (const cvt::kernels::kernel_set* set : cvt::kernels::available()) {
            recorder source;
            const packed_weights weights{c, *set, {&source, &recorder::read}};
            CHECK(source.asked == expected);
            CHECK(weights.filled() == packed_bytes(c, *set));
        }
    }
}

TEST_CASE("warnings name weights that are not finite") {
    constexpr float bad[]{std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()};
    for (const float value : bad) {
        altered_source one{"stage2.blocks.0.attn.conv_proj_k.bn.running_var", value, 2};
        const packed_weights weights{with_everything(), *cvt::kernels::available().front(), {&one, &altered_source::read}};
        CHECK(weights.warnings().count == 0);  // that stage has no convolution and does not read it
        one.name = "stage3.blocks.1.attn.conv_proj_k.bn.running_var";
        const packed_weights again{with_everything(), *cvt::kernels::available().front(), {&one, &altered_source::read}};
        REQUIRE(again.warnings().count == 1);
        CHECK(std::string{again.warnings().text[0]} ==
              "stage3.blocks.1.attn.conv_proj_k.bn.running_var: 2 of 15 values are NaN or infinite");
    }
    altered_source huge{"", std::numeric_limits<float>::max(), 2};
    const packed_weights finite{with_everything(), *cvt::kernels::available().front(), {&huge, &altered_source::read}};
    CHECK(finite.warnings().count == 0);
    altered_source many{".", bad[0], 2};  // all tensors: more warnings than are kept
    const packed_weights all{with_everything(), *cvt::kernels::available().front(), {&many, &altered_source::read}};
    CHECK(all.warnings().count > cvt::warning_list::capacity);
    CHECK(std::string{all.warnings().text[cvt::warning_list::capacity - 1]}.find("2 of ") != std::string::npos);
}

TEST_CASE("an error of the source ends the reading and is returned") {
    struct source {
        int left;
        int calls = 0;
        static cvt::error read(void* context, const char* name, std::span<const std::int64_t> shape, float* out) noexcept {
            auto& self = *static_cast<source*>(context);
            ++self.calls;
            if (self.left-- == 0) return cvt::error::format(cvt::errc::io, "cannot read %s", name);
            fill_formula_tensor(name, shape, out);
            return {};
        }
    };
    source whole{-1};
    const packed_weights good{with_everything(), *cvt::kernels::available().front(), {&whole, &source::read}};
    CHECK_FALSE(good.error());
    for (int i = 0; i < whole.calls; ++i) {
        source failing{i};
        const packed_weights weights{with_everything(), *cvt::kernels::available().front(), {&failing, &source::read}};
        CHECK(weights.error().code() == cvt::errc::io);
        CHECK(std::string{weights.error().what()}.starts_with("cannot read "));
        CHECK(failing.calls == i + 1);
    }
}

TEST_CASE("folding of difficult values: zero or large statistics, gains of either sign") {
    struct source {
        static cvt::error read(void*, const char* name, std::span<const std::int64_t> shape, float* out) noexcept {
            fill_formula_tensor(name, shape, out);
            const std::string_view n = name;
            for (std::int64_t i = 0; i < shape[0]; ++i) {
                if (n.ends_with("running_var")) out[i] = i % 3 == 0 ? 0.F : i % 3 == 1 ? 1e-4F : 100.F;
                if (n.ends_with("running_mean")) out[i] *= 8.F;
                if (n.ends_with("bn.weight")) out[i] *= i % 3 == 0 ? -0.004F : i % 3 == 1 ? 0.01F : -9.F;
                if (n.ends_with("norm2.weight")) out[i] = i % 3 == 0 ? 0.F : i % 3 == 1 ? -2.F : 3.F;
                if (n.ends_with("norm2.bias")) out[i] *= 16.F;
            }
            return {};
        }
    };
    cvt::stage_config s;
    s.embed_dim = 18;
    s.num_heads = 3;
    s.cls_token = true;
    const cvt::config c = one_stage(s);
    const cvt::grid grid{6, 9};
    const cvt::model_shape::stage_shape shape = shape_of_stage(s, grid);
    const std::vector<float> before = hash_uniform("x", count(shape.queries() * s.embed_dim));
    naive::matrix ignored;
    const naive::matrix expected = naive::model{c, nullptr, &source::read}.block(naive::matrix{shape.queries(), s.embed_dim, before}, s,
                                                                                 "stage0.blocks.0.", grid, ignored);
    check_layer(expected, 2e-6, [&](const cvt::kernels::kernel_set& set, const cvt::executor& host) {
        const packed_weights weights{c, set, {nullptr, &source::read}};
        const stage_memory memory{s, shape, set, host, c.gelu};
        std::vector<float> x = before, y = poisoned_rows(shape.queries(), s.embed_dim);
        const cvt::matrix<float> tokens = rows_of(x, s.embed_dim), normed = rows_apart(y, s.embed_dim);
        set.layer_norm(tokens, weights.block().norm1, normed);
        cvt::network::block(memory.pass(), weights.block(), {.rows = shape.queries()}, tokens, normed);
        return x;
    });
}
