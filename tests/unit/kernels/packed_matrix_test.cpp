// packed_matrix: a second weight type, bfloat16 kernels made for this test, works in every layer.
#include <bit>
#include <catch2/catch.hpp>
#include <cstring>

#include <cvt/kernels/packed_matrix.hpp>

#include "support/stage_memory.hpp"

using namespace cvt_test;

namespace {

// Columns in pairs, (k, 2) of 16 bits: element size and nr differ from all float32 sets.
constexpr std::ptrdiff_t pair = 2;

std::uint16_t rounded(float v) { return static_cast<std::uint16_t>((std::bit_cast<std::uint32_t>(v) + 0x8000U) >> 16); }
float widened(const std::byte* at) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, at, sizeof bits);
    return std::bit_cast<float>(std::uint32_t{bits} << 16);
}
std::size_t offset(std::ptrdiff_t element) { return static_cast<std::size_t>(element) * sizeof(std::uint16_t); }
/// Returns the offset of element (i, j) in a matrix packed with depth packed_k.
std::size_t place(std::ptrdiff_t i, std::ptrdiff_t j, std::ptrdiff_t packed_k) {
    return offset(i / pair * pair * packed_k + j * pair + i % pair);
}

std::uint64_t bf16_bytes(std::ptrdiff_t n, std::ptrdiff_t k) { return offset((n + 1) / pair * pair * k); }

void bf16_pack(const cvt::kernels::pack_args& a) {
    for (std::ptrdiff_t i = 0; i < a.to.n; ++i)
        for (std::ptrdiff_t j = 0; j < a.to.k; ++j) {
            const std::uint16_t bits = rounded(a.weights[i * a.stride_n + j * a.stride_k]);
            std::memcpy(a.to.data + place(i, j, a.to.packed_k), &bits, sizeof bits);
        }
}

void bf16_multiply(const cvt::kernels::gemm_args& a) {
    for (std::ptrdiff_t r = 0; r < a.in.rows; ++r)
        for (std::ptrdiff_t i = 0; i < a.w.n; ++i) {
            double sum = a.bias == nullptr ? 0.0 : static_cast<double>(a.bias[i]);
            for (std::ptrdiff_t j = 0; j < a.w.k; ++j)
                sum += static_cast<double>(a.in.row(r)[j]) * static_cast<double>(widened(a.w.data + place(i, j, a.w.packed_k)));
            if (a.row_scale != nullptr) sum *= static_cast<double>(a.row_scale[r]);
            float& out = a.out.row(r)[i];
            using cvt::kernels::epilogue;
            switch (a.epilogue) {
                case epilogue::none: out = static_cast<float>(sum); break;
                case epilogue::add: out += static_cast<float>(sum); break;
                case epilogue::quick_gelu: out = static_cast<float>(naive::gelu(sum, cvt::gelu::quick)); break;
                case epilogue::erf_gelu: out = static_cast<float>(naive::gelu(sum, cvt::gelu::erf)); break;
            }
        }
}

constexpr cvt::kernels::gemm_kernels bf16{
    .mr = 1,
    .nr = pair,
    .split_rows = 1,
    .task_rows = 16,
    .packed_bytes = bf16_bytes,
    .pack = bf16_pack,
    .multiply = bf16_multiply,
    .column_offset = [](std::ptrdiff_t first, std::ptrdiff_t packed_k) { return offset(first * packed_k); },
    .depth_offset = [](std::ptrdiff_t first) { return offset(first * pair); }};

/// Returns the x of a stage with weights packed by `gemm`; attention's own products use `set`.
std::vector<float> run(const cvt::config& c, const cvt::kernels::gemm_kernels& gemm, const cvt::kernels::kernel_set& set) {
    cvt::kernels::kernel_set packing = set;
    packing.f32 = gemm;
    const packed_weights weights{c, packing};
    CHECK(weights.block().mlp.fc1.w.kernels == &packing.f32);
    const cvt::grid input{20, 24};
    const cvt::network::stage_shape shape = shape_of(c, input.height, input.width)->stage[0];
    const std::vector<float> image = formula_image(input.height, input.width);
    const stage_memory memory{c.stage[0], shape, set, {}, cvt::gelu::erf, 3};
    std::vector<float> x = poisoned(shape.queries() * c.stage[0].embed_dim), y = poisoned_rows(shape.queries(), c.stage[0].embed_dim);
    cvt::network::stage(memory.pass(), weights->stage[0], cvt::network::image_input(image.data(), 3, input), {},
                        rows_of(x, c.stage[0].embed_dim), rows_apart(y, c.stage[0].embed_dim));
    return x;
}

}  // namespace

TEST_CASE("16-bit weights work in every layer, in half the memory") {
    cvt::stage_config s;
    s.embed_dim = 102;  // 408 hidden channels: more than a hidden block, split by columns() and depths()
    s.num_heads = 3;
    s.depth = 2;
    s.cls_token = true;
    const cvt::config c = one_stage(s);
    for (const cvt::kernels::kernel_set* set : cvt::kernels::available()) {
        INFO("kernels " << set->name);
        const std::vector<float> exact = run(c, set->f32, *set), narrow = run(c, bf16, *set);
        const std::vector<double> expected(exact.begin(), exact.end());
        const double off = difference(narrow, expected);
        CHECK(off < 2e-2);  // 8 bits of mantissa through 2 blocks
        CHECK(off > 1e-5);  // and the weights are not float32
    }
    const packed_weights whole{c, *cvt::kernels::available().back()};
    cvt::kernels::kernel_set packing = *cvt::kernels::available().back();
    packing.f32 = bf16;
    const packed_weights half{c, packing};
    CHECK(static_cast<double>(half.filled()) < 0.55 * static_cast<double>(whole.filled()));
}
