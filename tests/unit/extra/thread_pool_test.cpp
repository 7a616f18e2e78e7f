// thread_pool: each index exactly once, on several threads, in repeated calls; sleep in between; wrong arguments.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <cvt/extra/thread_pool.hpp>
#include <set>
#include <thread>
#include <utility>
#include <vector>

namespace {

struct tally {
    std::vector<std::atomic<int>> calls;
    explicit tally(int n) : calls(static_cast<std::size_t>(n)) {}
    static void mark(void* self, int index) { ++static_cast<tally*>(self)->calls[static_cast<std::size_t>(index)]; }
};

double processor_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](timeval t) { return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec); };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

TEST_CASE("a pool calls every index exactly once", "[thread_pool]") {
    for (int workers : {1, 2, 3, 7}) {
        auto pool = cvt::thread_pool::create(workers);
        REQUIRE(pool);
        const cvt::executor executor = pool->as_executor();
        CHECK(executor.workers == workers);
        for (int round = 0; round < 200; ++round)
            for (int count = 0; count <= workers; ++count) {
                tally t{workers};
                executor.run(executor.context, count, &tally::mark, &t);
                int wrong = 0;  // one assertion per call keeps the log short
                for (int i = 0; i < workers; ++i) wrong += t.calls[static_cast<std::size_t>(i)] != (i < count ? 1 : 0);
                REQUIRE(wrong == 0);
            }
    }
}

TEST_CASE("a pool runs tasks at the same time", "[thread_pool]") {
    // Each task waits until all have begun. With fewer threads than tasks this would never end, so there is a time limit.
    struct meeting {
        std::atomic<int> present{0}, alone{0};
        std::mutex mutex;
        std::set<std::thread::id> threads;
    } m;
    auto pool = cvt::thread_pool::create(4);
    REQUIRE(pool);
    const cvt::executor executor = pool->as_executor();
    executor.run(
        executor.context, 4,
        [](void* argument, int) {
            auto& all = *static_cast<meeting*>(argument);
            {
                const std::lock_guard hold{all.mutex};
                all.threads.insert(std::this_thread::get_id());
            }
            ++all.present;
            const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
            while (all.present < 4 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
            if (all.present < 4) ++all.alone;
        },
        &m);
    CHECK(m.alone == 0);
    CHECK(m.threads.size() == 4);
    CHECK(m.threads.count(std::this_thread::get_id()) == 1);
}

TEST_CASE("idle workers do not spin", "[thread_pool]") {
    auto pool = cvt::thread_pool::create(4);
    REQUIRE(pool);
    tally t{4};
    const cvt::executor executor = pool->as_executor();
    executor.run(executor.context, 4, &tally::mark, &t);
    const double before = processor_seconds();
    std::this_thread::sleep_for(std::chrono::milliseconds{200});
    CHECK(processor_seconds() - before < 0.1);
}

TEST_CASE("a moved pool keeps its executor", "[thread_pool]") {
    auto made = cvt::thread_pool::create(2);
    REQUIRE(made);
    const cvt::executor executor = made->as_executor();
    const cvt::thread_pool pool = *std::move(made);
    CHECK(pool.as_executor().context == executor.context);
    tally t{2};
    executor.run(executor.context, 2, &tally::mark, &t);
    CHECK(t.calls[1] == 1);
}

TEST_CASE("a pool refuses worker counts out of range", "[thread_pool]") {
    for (int workers : {-1, 0, 257}) {
        const auto pool = cvt::thread_pool::create(workers);
        REQUIRE_FALSE(pool);
        CHECK(pool.error().code() == cvt::errc::invalid_argument);
        CHECK(std::string{pool.error().what()}.find(std::to_string(workers)) != std::string::npos);
    }
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // sanitizers reserve terabytes of addresses
TEST_CASE("a pool that cannot start its threads is an error (not under QEMU, which ignores limits of addresses)", "[thread_pool]") {
    if (*CVT_TEST_EMULATOR != '\0') return;
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {  // 255 stacks of the default 8 MiB do not fit
        const rlimit addresses{std::size_t{1} << 29, std::size_t{1} << 29};
        setrlimit(RLIMIT_AS, &addresses);
        const auto pool = cvt::thread_pool::create(256);
        _exit(!pool && pool.error().code() == cvt::errc::out_of_memory ? 0 : 1);
    }
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}
#endif
