// crew: hands jobs to the workers of --workers, each on a thread of its own, and has what they did reported in order.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "job.hpp"
#include "options.hpp"
#include "setup.hpp"
#include "worker.hpp"

namespace app {

/// Belongs to the main thread, which alone calls it and is called back by it. A single worker has no thread: it works while
/// give() is called.
class crew {
public:
    /// `report` gets the outcome of every task, in the order of the tasks; false: nothing more is to be done.
    /// Throws failure (some_failed) when the system gives no more threads.
    crew(const options& o, const setup& s, std::function<bool(outcome&)> report);
    ~crew() { dismiss(); }
    crew(const crew&) = delete;
    crew& operator=(const crew&) = delete;

    /// Takes a job on, when there is room for it, and reports what is done by then. Dropped where nothing more is to be done. An
    /// exception of a worker is thrown in the place of its job's report, as those of `report` are: then the crew is to be given up.
    void give(job&& j);
    /// Waits until the next job in turn is done, for so long at most, and reports it. Throws as give() does.
    void report_within(std::chrono::milliseconds patience);
    /// Reports all that was given. Throws as give() does.
    void finish();
    /// Whether jobs are still to be reported.
    [[nodiscard]] bool busy() const { return !jobs_.empty(); }

private:
    void serve(worker& w) noexcept;
    bool settle(job& j);
    void leave();
    void dismiss() noexcept;

    std::function<bool(outcome&)> report_;
    std::vector<std::unique_ptr<worker>> workers_;
    std::deque<job> jobs_;  // in the order of their tasks; a worker has the address of what is in its hands

    std::mutex mutex_;  // of what follows, and of job::finished
    std::condition_variable wake_, done_;
    std::deque<job*> waiting_;  // for a worker
    std::size_t at_work_ = 0;
    bool dismissed_ = false;
    std::atomic<bool> leaving_ = false;  // read between two tasks, too
    std::vector<std::thread> threads_;
};

}  // namespace app
