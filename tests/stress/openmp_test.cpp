// A host compiled with -fopenmp: kernel sets use only the threads of the session.
#include <omp.h>
#include <catch2/catch.hpp>
#include <cvt/cvt.hpp>
#include <cvt/kernels/select.hpp>
#include <filesystem>
#include <vector>

#include "support/formula.hpp"

namespace {

std::ptrdiff_t threads_of_this_process() {
    return std::distance(std::filesystem::directory_iterator{"/proc/self/task"}, std::filesystem::directory_iterator{});
}

}  // namespace

TEST_CASE("a forward pass runs only on the calling thread") {
    const std::ptrdiff_t before = threads_of_this_process();  // an emulator has an extra thread
    omp_set_num_threads(4);
    cvt::config c = cvt::cvt_13;  // wide enough for Eigen to use OpenMP's threads
    for (int i = 0; i < c.num_stages; ++i) c.stage[static_cast<std::size_t>(i)].depth = 1;
    cvt_test::formula_weights formula;
    const std::vector<float> image = cvt_test::formula_image(96, 96);
    for (const cvt::kernels::kernel_set* set : cvt::kernels::available()) {
        INFO(set->name);
        const auto model = cvt::model::from_weights(c, {&formula, &cvt_test::formula_weights::read}, {.kernels = set->name});
        REQUIRE(model);
        cvt::session session{*model};
        std::vector<float> logits(static_cast<std::size_t>(c.num_classes));
        REQUIRE_FALSE(session.logits(cvt::view<const float, 3>{image.data(), 3, 96, 96}, logits));
        CHECK(threads_of_this_process() == before);
    }
    int working = 0;
#pragma omp parallel reduction(+ : working)
    working += 1;
    CHECK(working == 4);
    CHECK(threads_of_this_process() == before + 3);  // otherwise this test could not fail
}
