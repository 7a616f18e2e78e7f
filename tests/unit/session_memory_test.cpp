// A session allocates only in its first call at a size, and returns errors when memory runs out.
#include <optional>
#include <stdexcept>
#include <string>

#include "support/counted_new.hpp"

// Eigen allocates what does not fit on the stack with malloc: this turns such an allocation into an exception.
#define EIGEN_RUNTIME_NO_MALLOC
#define eigen_assert(condition) ((condition) ? void() : throw std::logic_error{"Eigen: " #condition})

#include <catch2/catch.hpp>

#include "support/executors.hpp"
#include "support/session_fixture.hpp"

using namespace cvt_test;

namespace {

/// Returns the number of allocations in `work`, including those of Eigen.
template <class Work>
long allocations_of(Work work) {
#if defined(CVT_HAS_EIGEN_KERNELS)
    Eigen::internal::set_is_malloc_allowed(false);
#endif
    const long before = allocations::count;
    work();
    const long after = allocations::count;
#if defined(CVT_HAS_EIGEN_KERNELS)
    Eigen::internal::set_is_malloc_allowed(true);
#endif
    return after - before;
}

/// Wide enough that products have several blocks in every dimension.
cvt::config wide_config() {
    cvt::config c = tiny_config();
    for (cvt::stage_config& s : c.stage) {
        s.embed_dim = 98;  // beyond 96 columns, and 392 hidden units beyond a depth of 256
        s.num_heads = 2;
        s.mlp_ratio = 4;
    }
    return c;
}

}  // namespace

TEST_CASE("the allocation counter works") {
    CHECK(allocations_of([] { ::operator delete(::operator new(4)); }) == 1);
    CHECK(allocations_of([] { ::operator delete[](::operator new[](28, std::nothrow)); }) == 1);
    CHECK(allocations_of([] {
              cvt::detail::buffer<float> b;
              (void)b.resize(10);
          }) == 1);
#if defined(CVT_HAS_EIGEN_KERNELS)
    CHECK_THROWS(allocations_of([] { (void)Eigen::MatrixXf{10, 10}; }));
    Eigen::internal::set_is_malloc_allowed(true);
#endif
}

TEST_CASE("only the first call at a size allocates") {
    for (const cvt::kernels::kernel_set* set : cvt::kernels::available()) {
        for (const auto& [c, precision] : {std::pair{tiny_config(), cvt::precision::f32},
                                           {wide_config(), cvt::precision::f32},
                                           {tiny_config(), cvt::precision::int8},
                                           {wide_config(), cvt::precision::int8}}) {
            INFO("kernels " << set->name << ", width " << c.stage[0].embed_dim << ", " << to_string(precision));
            const cvt::model m = make_model(c, set->name, precision);
            constexpr cvt::grid sizes[]{{64, 96}, {33, 47}, {96, 96}};
            std::vector<std::vector<float>> images;
            std::vector<everything> out;
            for (const cvt::grid size : sizes) {
                images.push_back(formula_image(size.height, size.width));
                out.emplace_back(c, size);
            }
            std::optional<cvt::session> s;
            CHECK(allocations_of([&] { s.emplace(m, cvt::session_options{.executor = reversed(3)}); }) == 0);
            const auto run = [&](std::size_t i, bool maps) {
                return allocations_of([&] { (void)s->run(batch(images[i], 1, 3, sizes[i]), out[i].spans(maps)); });
            };
            CHECK(run(0, false) == 1);  // the workspace, one allocation
            CHECK(run(0, true) == 0);
            CHECK(run(1, true) == 0);  // smaller: fits
            CHECK(run(2, true) == 1);  // larger
            for (const std::size_t i : {0U, 1U, 2U, 0U, 2U, 1U})
                for (const bool maps : {false, true}) CHECK(run(i, maps) == 0);
            CHECK(allocations_of([&] { cvt::session moved{std::move(*s)}; }) == 0);
        }
    }
}

TEST_CASE("images of a previous size allocate nothing") {
    const cvt::model m = make_model(tiny_config());
    cvt::session s{m, {.preprocessing = cvt::preprocessing::for_size(64)}};
    const photo big{200, 150}, small{90, 120};
    const cvt::image_view both[]{big.view(), small.view()};
    std::vector<float> logits(20), embedding(45);
    CHECK(allocations_of([&] { (void)s.classify(both, logits); }) > 0);
    CHECK(allocations_of([&] {
              (void)s.classify(both, logits);
              (void)s.classify(small.view(), std::span{logits}.first(10));
              (void)s.embedding(big.view(), embedding);
          }) == 0);
}

TEST_CASE("batches of different input sizes allocate nothing after the first call") {
    const cvt::model m = make_model(tiny_config());
    cvt::preprocessing uncropped;
    uncropped.short_side = 40;
    uncropped.center_crop = false;
    cvt::session s{m, {.preprocessing = uncropped}};
    const photo wide{200, 150}, tall{90, 120}, grey{90, 120, 1};
    const cvt::image_view all[]{wide.view(), tall.view(), wide.view(), grey.view()};
    std::vector<float> logits(40);
    CHECK(allocations_of([&] { (void)s.classify(all, logits); }) > 0);
    CHECK(allocations_of([&] { (void)s.classify(all, logits); }) == 0);
}

TEST_CASE("a session without memory returns an error and works once there is memory") {
    const cvt::model m = make_model(tiny_config());
    cvt::session fresh{m}, s{m};
    constexpr cvt::grid small{33, 47}, large{64, 96};
    const everything expected = run_everything(fresh, small);
    const std::vector<float> image = formula_image(small.height, small.width), more = formula_image(large.height, large.width);
    std::vector<float> logits(10);
    const auto without_memory = [&](const std::vector<float>& from, cvt::grid size) {
        allocations::left = 0;
        const cvt::error e = s.logits(cvt::view<const float, 3>{from.data(), 3, size.height, size.width}, logits);
        allocations::left = -1;
        return e;
    };
    const cvt::error e = without_memory(image, small);
    CHECK(e.code() == cvt::errc::out_of_memory);
    CHECK(std::string{e.what()} ==
          "out of memory: session workspace needs " + std::to_string(*m.workspace_bytes(small.height, small.width)) + " bytes");
    CHECK(same_bits(run_everything(s, small), expected));
    CHECK(without_memory(more, large).code() == cvt::errc::out_of_memory);
    CHECK(s.logits(cvt::view<const float, 3>{image.data(), 3, 0, 0}, logits).code() == cvt::errc::invalid_argument);
    CHECK(same_bits(run_everything(s, small), expected));
    CHECK_FALSE(without_memory(image, small));  // needs none
    CHECK(same_bits(run_everything(s, large), run_everything(fresh, large)));
}

TEST_CASE("images: every allocation may fail") {
    const cvt::model m = make_model(tiny_config());
    const photo p{100, 80};
    std::vector<float> logits(10), expected(10);
    cvt::session fresh{m, {.preprocessing = cvt::preprocessing::for_size(64)}};
    REQUIRE_FALSE(fresh.classify(p.view(), expected));
    cvt::error e;
    int failures = 0;
    do {
        cvt::session s{m, {.preprocessing = cvt::preprocessing::for_size(64)}};
        allocations::left = failures;
        e = s.classify(p.view(), logits);
        allocations::left = -1;
        if (e) {
            CHECK(e.code() == cvt::errc::out_of_memory);
            ++failures;
            REQUIRE_FALSE(s.classify(p.view(), logits));
        }
        CHECK(same_bits(logits, expected));
    } while (e && failures < 100);
    CHECK(failures >= 3);  // workspace, input, preprocessing
    CHECK_FALSE(e);
}

TEST_CASE("a model: every allocation may fail") {
    formula_weights weights;
    int failures = 0;
    for (; failures < 100; ++failures) {
        allocations::left = failures;
        const auto m = cvt::model::from_weights(tiny_config(), {&weights, &formula_weights::read});
        allocations::left = -1;
        if (m) break;
        CHECK(m.error().code() == cvt::errc::out_of_memory);
    }
    CHECK(failures == 5);  // the model, its weights, its blocks, a tensor, and the vectors that loading needs
}
