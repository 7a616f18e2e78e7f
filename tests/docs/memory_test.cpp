// Compares the sizes in docs/memory.md with the plan of weights and workspace.
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstring>
#include <cvt/kernels/select.hpp>
#include <cvt/model.hpp>
#include <cvt/network/pack.hpp>
#include <cvt/session.hpp>
#include <fstream>
#include <string>
#include <vector>

namespace {

constexpr double mebibyte = 1 << 20;

const cvt::config& named(const std::string& name) { return name == "CvT-13" ? cvt::cvt_13 : name == "CvT-21" ? cvt::cvt_21 : cvt::cvt_w24; }

}  // namespace

TEST_CASE("docs/memory.md: packed weights and workspaces of the published models") {
    const cvt::result<const cvt::kernels::kernel_set*> set = cvt::kernels::select("avx2");
    if (!set) {
        WARN("not checked: the table is for the avx2 kernels, and this CPU has no AVX2");
        return;
    }

    std::ifstream file{CVT_MEMORY_PAGE};
    int rows = 0;
    for (std::string line; std::getline(file, line);) {
        char name[8]{};
        int side = 0;
        double weights = 0, one = 0, more = 0;
        if (std::sscanf(line.c_str(), "| %7s at %d | %lf | %lf | %lf |", name, &side, &weights, &one, &more) != 5) continue;
        INFO(line);
        ++rows;
        const cvt::config& c = named(name);
        std::size_t depth = 0;
        for (const cvt::stage_config& s : c.stages()) depth += static_cast<std::size_t>(s.depth);
        std::vector<cvt::network::block_weights> blocks(depth);
        cvt::detail::arena measure;
        cvt::network::weight_layout{c, **set, cvt::precision::f32, measure}.run(blocks.data());
        const cvt::result<cvt::model_shape> shape = cvt::shape_of(c, side, side);
        REQUIRE(shape);
        const auto workspace = [&](int workers) {
            return static_cast<double>(cvt::network::plan_workspace(c, *shape, **set, workers, nullptr).bytes) / mebibyte;
        };
        // The page says "approximate": it need not change with every tile that grows.
        CHECK(weights == Approx(static_cast<double>(measure.peak()) / mebibyte).epsilon(0.02));
        CHECK(one == Approx(workspace(1)).epsilon(0.1));
        CHECK(more == Approx(workspace(8)).epsilon(0.1));
    }
    CHECK(rows == 5);
}
