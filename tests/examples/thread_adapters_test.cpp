// The executors of the examples: each task once, at the same time, in any order, and the same bits from all of them.
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "support/executors.hpp"
#include "support/session_fixture.hpp"
#include "thread_adapters.hpp"

namespace {

/// Executors with that many workers, and the thread pools behind them.
struct hosts {
    explicit hosts(int count) : pool{std::max(count - 1, 1), false} {
        all.emplace_back("fork and join", fork_join(count));
        if (count >= 2) all.emplace_back("Eigen", eigen_pool(pool));
#if defined(_OPENMP)
        omp_set_num_threads(count);
        all.emplace_back("OpenMP", open_mp());
#endif
    }
    Eigen::ThreadPool pool;
    std::vector<std::pair<std::string, cvt::executor>> all;
};

void run(const cvt::executor& host, int count, std::function<void(int)> body) {
    host.run(
        host.context, count, [](void* argument, int i) { (*static_cast<std::function<void(int)>*>(argument))(i); }, &body);
}

}  // namespace

TEST_CASE("adapters call each task once and return after all tasks") {
    for (const int workers : {1, 2, 3, 7}) {
        hosts h{workers};
        for (const auto& [name, host] : h.all) {
            CAPTURE(name, workers);
            CHECK(host.workers == workers);
            int wrong = 0;
            for (int round = 0; round < 50; ++round)
                for (int count = 0; count <= workers; ++count) {
                    std::vector<std::atomic<int>> calls(static_cast<std::size_t>(workers));
                    run(host, count, [&](int i) { ++calls[static_cast<std::size_t>(i)]; });
                    for (int i = 0; i < workers; ++i) wrong += calls[static_cast<std::size_t>(i)] != (i < count ? 1 : 0);
                }
            CHECK(wrong == 0);
        }
    }
}

TEST_CASE("adapters run tasks at the same time, one of them on the calling thread") {
    hosts h{3};
    for (const auto& [name, host] : h.all) {
        CAPTURE(name);
        // Each task waits until all have begun, with a time limit.
        std::atomic<int> present{0}, alone{0};
        std::mutex mutex;
        std::set<std::thread::id> threads;
        run(host, 3, [&](int) {
            {
                const std::lock_guard hold{mutex};
                threads.insert(std::this_thread::get_id());
            }
            ++present;
            const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
            while (present < 3 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
            if (present < 3) ++alone;
        });
        CHECK(alone == 0);
        CHECK(threads.size() == 3);
        CHECK(threads.count(std::this_thread::get_id()) == 1);
    }
}

TEST_CASE("Eigen's pool may be larger than a session allows") {
    Eigen::ThreadPool pool{3};
    const cvt::executor host = eigen_pool(pool);
    CHECK(host.workers == 4);
    struct enormous final : Eigen::ThreadPoolInterface {
        void Schedule(std::function<void()> task) override { task(); }
        int NumThreads() const override { return 1000; }
        int CurrentThreadId() const override { return -1; }
    } many;
    CHECK(eigen_pool(many).workers == cvt::executor::max_workers);
}

TEST_CASE("all executors give the same bits, in any order, with any number of workers") {
    constexpr int batch = 2;
    for (const char* kernels : {static_cast<const char*>(nullptr), "eigen"}) {
        const cvt::model model = cvt_test::make_model(cvt_test::tiny_config(), kernels);
        std::vector<float> input;
        for (std::uint64_t seed = 0; seed < batch; ++seed)
            for (const float v : cvt_test::formula_image(97, 130, 3, seed)) input.push_back(v);
        const auto bits = [&](const cvt::executor& host) {
            cvt_test::everything all{model.config(), {97, 130}, batch};
            cvt::session session{model, {.executor = host}};
            const cvt::error e = session.run(cvt::view<const float, 4>{input.data(), batch, 3, 97, 130}, all.spans());
            REQUIRE_FALSE(e);
            std::vector<float> values = all.logits;
            values.insert(values.end(), all.cls_attention.begin(), all.cls_attention.end());
            for (const std::vector<float>& map : all.stages) values.insert(values.end(), map.begin(), map.end());
            return values;
        };
        const std::vector<float> expected = bits({});
        const auto same = [&](const cvt::executor& host) {
            const std::vector<float> found = bits(host);
            return std::memcmp(found.data(), expected.data(), expected.size() * sizeof(float)) == 0;
        };
        for (const int workers : {1, 2, 5}) {
            CAPTURE(model.kernels(), workers);
            CHECK(same(cvt_test::reversed(workers)));
            hosts h{workers};
            for (const auto& [name, host] : h.all) {
                CAPTURE(name);
                CHECK(same(host));
            }
        }
    }
}

TEST_CASE("sessions may share one of Eigen's pools") {
    Eigen::ThreadPool pool{2, false};
    const cvt::model model = cvt_test::make_model(cvt_test::tiny_config());
    const std::vector<float> input = cvt_test::formula_image(97, 130);
    const cvt::view<const float, 3> image{input.data(), 3, 97, 130};
    std::vector<float> expected(10);
    REQUIRE_FALSE(cvt::session{model}.logits(image, expected));
    std::atomic<int> wrong{0};
    std::vector<std::thread> callers;
    for (int i = 0; i < 3; ++i)
        callers.emplace_back([&] {
            cvt::session session{model, {.executor = eigen_pool(pool)}};
            for (int round = 0; round < 20; ++round) {
                std::vector<float> logits(10);
                if (session.logits(image, logits) || logits != expected) ++wrong;
            }
        });
    for (std::thread& t : callers) t.join();
    CHECK(wrong == 0);
}
