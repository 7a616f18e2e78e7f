// Many threads: one model with many sessions, short-lived sessions, all kinds of executors, and misuse.
#include <atomic>
#include <catch2/catch.hpp>
#include <cvt/extra/thread_pool.hpp>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "support/executors.hpp"
#include "support/session_fixture.hpp"

using namespace cvt_test;

namespace {

constexpr cvt::grid tiny{16, 20}, other_size{24, 16};

std::vector<float> logits_of(cvt::session& s, cvt::grid size, std::uint64_t seed) {
    std::vector<float> logits(static_cast<std::size_t>(s.model().config().num_classes));
    const std::vector<float> image = formula_image(size.height, size.width, 3, seed);
    if (s.logits(cvt::view<const float, 3>{image.data(), 3, size.height, size.width}, logits)) logits.clear();
    return logits;
}

template <class Work>
void on_threads(std::size_t count, Work work) {
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < count; ++i) threads.emplace_back(work, i);
    for (std::thread& t : threads) t.join();
}

/// Runs tasks on the calling thread, in an order that changes from call to call.
struct shuffling_executor {
    unsigned state = 1;

    cvt::executor as_executor(int workers) {
        return {this, workers, [](void* context, int count, void (*task)(void*, int), void* argument) {
                    unsigned& random = static_cast<shuffling_executor*>(context)->state;
                    std::vector<int> order;
                    for (int i = 0; i < count; ++i) {
                        random = random * 1664525U + 1013904223U;
                        order.insert(order.begin() + static_cast<std::ptrdiff_t>((random >> 16) % (order.size() + 1)), i);
                    }
                    for (const int i : order) task(argument, i);
                }};
    }
};

/// Runs all tasks on one other thread.
cvt::executor elsewhere(int workers) {
    return {nullptr, workers, [](void*, int count, void (*task)(void*, int), void* argument) {
                std::thread{[&] {
                    for (int i = 0; i < count; ++i) task(argument, i);
                }}.join();
            }};
}

}  // namespace

TEST_CASE("one model, 16 sessions on 16 threads, 1000 images: the same bits as on one thread") {
    constexpr std::size_t images = 1000;
    const cvt::model m = make_model(tiny_config());
    std::vector<std::vector<float>> expected(images), found(images);
    cvt::session alone{m};
    for (std::size_t i = 0; i < images; ++i) expected[i] = logits_of(alone, i % 7 == 0 ? other_size : tiny, i);
    std::atomic<std::size_t> next{0};
    on_threads(16, [&](std::size_t) {
        cvt::session s{m};
        for (std::size_t i = next++; i < images; i = next++) found[i] = logits_of(s, i % 7 == 0 ? other_size : tiny, i);
    });
    int same = 0;
    for (std::size_t i = 0; i < images; ++i) same += same_bits(found[i], expected[i]) ? 1 : 0;
    CHECK(same == static_cast<int>(images));
    CHECK_FALSE(same_bits(expected[1], expected[2]));
    std::printf("stress: images on 16 threads with the bits of one thread: %d of %zu\n", same, images);
}

TEST_CASE("sessions and handles are made and destroyed while others run") {
    std::optional<cvt::model> owner = make_model(tiny_config());
    cvt::session alone{*owner};
    const std::vector<float> expected = logits_of(alone, tiny, 1);
    std::atomic<int> wrong{0}, running{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
        threads.emplace_back([&, t, m = *owner] {
            cvt::session kept{m};
            ++running;
            for (int round = 0; round < 30; ++round) {
                cvt::session brief{m};
                cvt::model copy = kept.model();
                cvt::session moved{std::move(brief)};
                brief = cvt::session{copy};
                cvt::session& used = t % 2 == 0 ? kept : round % 2 == 0 ? moved : brief;
                if (!same_bits(logits_of(used, tiny, 1), expected)) ++wrong;
            }
        });
    }
    while (running < 8) std::this_thread::yield();
    owner.reset();  // the sessions keep the weights
    for (std::thread& t : threads) t.join();
    CHECK(wrong == 0);
}

TEST_CASE("models are loaded on many threads at the same time") {
    const std::string folder = std::string{CVT_TEST_DATA} + "/torch/tiny-hf";
    const cvt::result<cvt::model> first = cvt::model::load(folder.c_str());
    REQUIRE(first);
    cvt::session alone{*first};
    const std::vector<float> expected = logits_of(alone, {64, 64}, 1);
    std::atomic<int> wrong{0};
    on_threads(8, [&](std::size_t) {
        const cvt::result<cvt::model> m = cvt::model::load(folder.c_str());
        if (!m) {
            ++wrong;
            return;
        }
        cvt::session s{*m};
        if (!same_bits(logits_of(s, {64, 64}, 1), expected)) ++wrong;
    });
    CHECK(wrong == 0);
}

TEST_CASE("executors that run tasks in any order, on one thread or on many") {
    const auto precision = GENERATE(cvt::precision::f32, cvt::precision::int8);
    for (const cvt::kernels::kernel_set* set : cvt::kernels::available()) {
        const cvt::model m = make_model(tiny_config(), set->name, precision);
        cvt::session alone{m};
        const std::vector<float> expected = logits_of(alone, {64, 72}, 1);
        shuffling_executor shuffled;
        auto pool = cvt::thread_pool::create(3);
        REQUIRE(pool);
        for (const int workers : {2, 3, 7, 64}) {
            for (const cvt::executor& e : {reversed(workers), threaded(workers), elsewhere(workers), shuffled.as_executor(workers)}) {
                cvt::session s{m, {.executor = e}};
                INFO(set->name << ", " << workers << " workers");
                for (int round = 0; round < 3; ++round) CHECK(same_bits(logits_of(s, {64, 72}, 1), expected));
            }
        }
        cvt::session pooled{m, {.executor = pool->as_executor()}};
        for (int round = 0; round < 20; ++round) CHECK(same_bits(logits_of(pooled, {64, 72}, 1), expected));
    }
}

TEST_CASE("sessions on several threads may share a pool") {
    const cvt::model m = make_model(tiny_config());
    cvt::session alone{m};
    const std::vector<float> expected = logits_of(alone, {64, 72}, 1);
    auto pool = cvt::thread_pool::create(3);
    REQUIRE(pool);
    std::atomic<int> wrong{0};
    on_threads(4, [&](std::size_t) {
        cvt::session s{m, {.executor = pool->as_executor()}};
        for (int round = 0; round < 25; ++round)
            if (!same_bits(logits_of(s, {64, 72}, 1), expected)) ++wrong;
    });
    CHECK(wrong == 0);
}

TEST_CASE("a second call on a running session is an error and does not disturb the first") {
    struct again {
        cvt::session* session = nullptr;
        std::string message;
        cvt::errc code = cvt::errc::ok;
    } nested;
    const cvt::executor executor{
        &nested, 2, [](void* context, int count, void (*task)(void*, int), void* argument) {
            auto& n = *static_cast<again*>(context);
            float one[10];
            const std::vector<float> image(3 * 16 * 16);
            const std::uint8_t pixel[3]{};
            const cvt::error as_tensor = n.session->logits(cvt::view<const float, 3>{image.data(), 3, 16, 16}, one);
            const cvt::error as_image = n.session->classify(cvt::image_view{pixel, 1, 1}, one);
            n.message = as_tensor.what();
            n.code = as_image.code();
            for (int i = 0; i < count; ++i) task(argument, i);
        }};
    const cvt::model m = make_model(tiny_config());
    cvt::session alone{m}, s{m, {.executor = executor}};
    nested.session = &s;
    CHECK(same_bits(logits_of(s, tiny, 3), logits_of(alone, tiny, 3)));
    CHECK(nested.message == "session: another call is running: expected one session per thread");
    CHECK(nested.code == cvt::errc::invalid_argument);
    CHECK(same_bits(logits_of(s, tiny, 4), logits_of(alone, tiny, 4)));
}

TEST_CASE("a session on two threads at the same time gives correct results or errors") {
    const cvt::model m = make_model(tiny_config());
    cvt::session alone{m}, s{m};
    const std::vector<float> expected = logits_of(alone, {64, 72}, 1);
    std::atomic<int> right{0}, refused{0}, wrong{0};
    on_threads(4, [&](std::size_t) {
        for (int round = 0; round < 50; ++round) {
            const std::vector<float> found = logits_of(s, {64, 72}, 1);
            ++(found.empty() ? refused : same_bits(found, expected) ? right : wrong);
        }
    });
    CHECK(wrong == 0);
    CHECK(right > 0);
    CHECK(right + refused == 200);
}
