// workspace: measuring and placing agree, buffers do not overlap and fit each layer, and every worker has scratch memory.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdint>
#include <vector>

#include <cvt/kernels/select.hpp>
#include <cvt/network/workspace.hpp>
#include <cvt/runtime/buffer.hpp>

namespace {

struct piece {
    const std::byte* begin;
    std::uint64_t bytes;
};

std::size_t size(std::ptrdiff_t n) { return static_cast<std::size_t>(n); }

/// Returns all buffers that stage `i` uses at the same time, with their required sizes.
std::vector<piece> pieces_of_stage(const cvt::config& c, const cvt::model_shape& shape, const cvt::network::workspace& p, std::size_t i,
                                   int workers, const cvt::kernels::kernel_set& set) {
    const cvt::stage_config& s = c.stage[i];
    const cvt::model_shape::stage_shape& at = shape.stage[i];
    const std::size_t queries = size(at.queries() * s.embed_dim), rows = size(at.queries() * cvt::network::row_stride(s.embed_dim)),
                      heads = size(s.num_heads);
    const cvt::network::attention_buffers& a = p.attention[i];
    const std::size_t before = i == 0 ? 0 : size(shape.stage[i - 1].queries() * c.stage[i - 1].embed_dim);
    const auto floats = [](const float* begin, std::size_t count) {
        return piece{reinterpret_cast<const std::byte*>(begin), count * sizeof(float)};
    };
    return {floats(p.x[i % 2], queries),
            floats(p.x[1 - i % 2], before),
            floats(p.y, rows),
            floats(p.embedding, size(c.last_stage().embed_dim)),
            floats(a.heads.data, rows),
            {a.keys, heads * set.f32.packed_bytes(at.key_count(), s.head_dim())},
            {a.values, heads * set.f32.packed_bytes(s.head_dim(), at.key_count())},
            {p.scratch, p.scratch_size * size(workers)}};
}

void check(const cvt::config& c, int height, int width) {
    const cvt::model_shape shape = *shape_of(c, height, width);
    for (const cvt::kernels::kernel_set* set : cvt::kernels::available()) {
        std::uint64_t alone = 0;
        for (const int workers : {1, 2, 7}) {
            INFO(set->name << ", " << height << "x" << width << ", " << workers << " workers");
            const cvt::network::workspace measured = cvt::network::plan_workspace(c, shape, *set, workers, nullptr);
            cvt::detail::buffer<std::byte> block;
            REQUIRE(block.resize(measured.bytes));
            const cvt::network::workspace placed = cvt::network::plan_workspace(c, shape, *set, workers, block.data());
            CHECK(placed.bytes == measured.bytes);
            CHECK(placed.scratch_size == measured.scratch_size);
            CHECK(placed.scratch_size % 64 == 0);  // so that each worker's part is aligned
            if (workers == 1) alone = measured.bytes;
            CHECK(measured.bytes == alone + size(workers - 1) * measured.scratch_size);

            for (std::size_t i = 0; i < c.stages().size(); ++i) {
                std::vector<piece> pieces = pieces_of_stage(c, shape, placed, i, workers, *set);
                std::sort(pieces.begin(), pieces.end(), [](const piece& a, const piece& b) { return a.begin < b.begin; });
                const std::byte* end = block.data();
                for (const piece& one : pieces) {
                    CHECK(reinterpret_cast<std::uintptr_t>(one.begin) % 64 == 0);
                    CHECK(one.begin >= end);
                    end = one.begin + one.bytes;
                }
                CHECK(end <= block.data() + block.size());
                const int channels = i == 0 ? c.num_channels : c.stage[i - 1].embed_dim;
                cvt::detail::arena embed, attend, feed;
                cvt::network::plan_patches(embed, set->f32.task_rows, channels * c.stage[i].patch_size * c.stage[i].patch_size);
                cvt::network::plan_attention_scratch(attend, c.stage[i], shape.stage[i], set->f32);
                cvt::network::plan_mlp(feed, c.stage[i], set->f32.task_rows);
                CHECK(placed.scratch_size >= std::max({embed.peak(), attend.peak(), feed.peak()}));
            }
        }
    }
}

}  // namespace

TEST_CASE("buffers of the workspace do not overlap and are large enough") {
    check(cvt::cvt_13, 224, 224);
    check(cvt::cvt_13, 200, 333);
    check(cvt::cvt_13, 32, 32);
    cvt::config c;
    c.num_stages = cvt::config::max_stages;
    c.num_channels = 5;
    for (std::size_t i = 0; i < cvt::config::max_stages; ++i) {
        c.stage[i].embed_dim = 7 + static_cast<int>(i) * 6 % 17;  // stages become wider and narrower on the same grid
        c.stage[i].patch_stride = 1;
        c.stage[i].cls_token = i % 3 == 2;
        c.stage[i].qkv_projection = static_cast<cvt::projection>(i % 3);
    }
    check(c, 19, 23);
    c.num_stages = 1;
    check(c, 1, 1);
}

TEST_CASE("the largest input needs a size that cannot be allocated, without wrap-around") {
    cvt::config c = cvt::cvt_w24;
    c.stage[0].patch_stride = 1;
    c.stage[0].qkv_projection = cvt::projection::linear;
    const cvt::model_shape shape = *shape_of(c, cvt::maximum_input, cvt::maximum_input);
    const std::size_t keys = size(shape.stage[0].key_count());
    for (const cvt::kernels::kernel_set* set : cvt::kernels::available())
        CHECK(cvt::network::plan_workspace(c, shape, *set, cvt::executor::max_workers, nullptr).bytes >
              4 * (size(cvt::executor::max_workers * set->f32.mr) * keys + 2 * keys * 192));
}
