// mlp: with folded norm2, against its definition in float64.
#include <catch2/catch.hpp>
#include <cvt/network/mlp.hpp>

#include "support/stage_memory.hpp"

using namespace cvt_test;

namespace {

void check(int dim, double ratio, cvt::gelu activation, std::ptrdiff_t rows) {
    INFO("dim " << dim << ", ratio " << ratio << ", gelu " << to_string(activation) << ", rows " << rows);
    cvt::stage_config s;
    s.embed_dim = dim;
    s.mlp_ratio = ratio;
    const cvt::config c = one_stage(s);
    constexpr std::ptrdiff_t beyond = 2;  // rows that must not change
    const std::vector<float> before = hash_uniform("tokens", count((rows + beyond) * dim));
    const naive::matrix x{rows + beyond, dim, before};
    const naive::model reference = reference_of(c);
    const std::string at = "stage0.blocks.0.";
    const int hidden = s.hidden_dim();
    const naive::matrix normed = naive::layer_norm(naive::rows(x, 0, rows), reference.tensor(at + "norm2.weight", {dim}),
                                                   reference.tensor(at + "norm2.bias", {dim}));
    const naive::matrix inner = naive::gelu(
        naive::linear(normed, reference.tensor(at + "mlp.fc1.weight", {hidden, dim}), reference.tensor(at + "mlp.fc1.bias", {hidden})),
        activation);
    const naive::matrix expected = naive::add(
        naive::rows(x, 0, rows),
        naive::linear(inner, reference.tensor(at + "mlp.fc2.weight", {dim, hidden}), reference.tensor(at + "mlp.fc2.bias", {dim})));

    check_layer(expected, 2e-6, [&](const cvt::kernels::kernel_set& set, const cvt::executor& host) {
        const packed_weights weights{c, set};
        cvt::detail::arena scratch;
        cvt::network::plan_mlp(scratch, s, set.f32.task_rows);
        const stage_memory memory{s, shape_of_stage(s, {1, 1}), set, host, activation, scratch.peak()};
        const cvt::network::stage_pass pass = memory.pass();
        std::vector<float> after = before;
        pass.ctx.for_each_tile(rows, [&](cvt::network::row_range r, int worker) noexcept {
            cvt::network::mlp(pass, weights.block().mlp, rows_of(after, dim).rows_at(r.first, r.count), pass.ctx.scratch_of(worker));
        });
        CHECK(std::memcmp(&after[count(rows * dim)], &before[count(rows * dim)], count(beyond * dim) * sizeof(float)) == 0);
        return after;
    });
}

}  // namespace

TEST_CASE("mlp adds fc2(gelu(fc1(norm2(x))))") {
    for (const cvt::gelu activation : {cvt::gelu::quick, cvt::gelu::erf}) {
        for (const std::ptrdiff_t rows : {1, 47, 48, 49, 95, 96, 97, 193}) check(13, 4, activation, rows);
        check(64, 4, activation, 50);
        check(10, 0.5, activation, 7);
        check(7, 2.72, activation, 100);  // 19.04 hidden units: 19
        check(33, 0.04, activation, 5);   // a single one
        check(300, 4, activation, 3);     // a depth of 1200, more than one block of the products
    }
}

TEST_CASE("hidden blocks begin at panels of packed weights") {
    for (const cvt::kernels::kernel_set* set : cvt::kernels::available()) CHECK(cvt::network::hidden_block % set->f32.nr == 0);
}
