// executor: parallel_for on every kind of host executor, each index once, workers in range, one body at a time per worker.
#include <atomic>
#include <catch2/catch.hpp>
#include <vector>

#include "support/executors.hpp"

using cvt::detail::parallel_for;

namespace {

struct tally {
    std::vector<std::atomic<int>> calls;
    std::vector<std::atomic<int>> inside;  // number of running bodies per worker, which share its scratch memory
    std::atomic<int> wrong{0};

    tally(std::ptrdiff_t n, int workers) : calls(static_cast<std::size_t>(n)), inside(static_cast<std::size_t>(workers)) {}

    void operator()(std::ptrdiff_t i, int worker) {
        if (i < 0 || i >= static_cast<std::ptrdiff_t>(calls.size()) || worker < 0 || worker >= static_cast<int>(inside.size())) {
            ++wrong;
            return;
        }
        if (inside[static_cast<std::size_t>(worker)]++ != 0) ++wrong;
        ++calls[static_cast<std::size_t>(i)];
        --inside[static_cast<std::size_t>(worker)];
    }
    bool each_once() const {
        for (const std::atomic<int>& n : calls)
            if (n != 1) return false;
        return wrong == 0;
    }
};

void check(const cvt::executor& host) {
    for (const std::ptrdiff_t n : {0, 1, 2, 3, 6, 7, 8, 100}) {
        INFO(n << " indices, " << host.workers << " workers");
        tally t{n, host.workers};
        parallel_for(host, n, [&](std::ptrdiff_t i, int worker) { t(i, worker); });
        CHECK(t.each_once());
    }
}

}  // namespace

TEST_CASE("each index once, with any executor") {
    check({});
    for (const int workers : {1, 2, 3, 7, cvt::executor::max_workers}) {
        check({nullptr, workers, nullptr});  // workers without a function: the calling thread
        check(cvt_test::reversed(workers));
    }
    for (const int workers : {1, 2, 7}) check(cvt_test::threaded(workers));
}

TEST_CASE("the host gets at most as many tasks as it has workers, and no call for one index") {
    cvt_test::counting_executor host;
    const auto ask = [&](int workers, std::ptrdiff_t n) {
        host = {};
        parallel_for(host.as_executor(workers), n, [](std::ptrdiff_t, int) {});
        return host.largest;
    };
    CHECK(ask(4, 100) == 4);
    CHECK(ask(4, 4) == 4);
    CHECK(ask(4, 3) == 3);
    CHECK(host.calls == 1);
    CHECK(ask(4, 1) == 0);
    CHECK(ask(4, 0) == 0);
    CHECK(ask(1, 100) == 0);
    CHECK(host.calls == 0);
}

TEST_CASE("workers share the indices without waiting for each other") {
    // A host that begins task 1 only after task 0 has returned: task 0 must do all the work.
    std::vector<int> by(10, -1);
    const cvt::executor one_after_the_other{nullptr, 2, [](void*, int count, void (*task)(void*, int), void* argument) {
                                                for (int i = 0; i < count; ++i) task(argument, i);
                                            }};
    parallel_for(one_after_the_other, 10, [&](std::ptrdiff_t i, int worker) { by[static_cast<std::size_t>(i)] = worker; });
    CHECK(by == std::vector<int>(10, 0));
    // In reverse the last task does it, and each body gets the number of its worker.
    parallel_for(cvt_test::reversed(3), 10, [&](std::ptrdiff_t i, int worker) { by[static_cast<std::size_t>(i)] = worker; });
    CHECK(by == std::vector<int>(10, 2));
}
