// thread_pool: an executor of std::threads, for hosts without threads of their own.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "../runtime/executor.hpp"

CVT_NAMESPACE_BEGIN

/// A fixed number of workers, one of which is the calling thread: create(4) starts three threads. Idle threads yield for
/// up to a millisecond, because the next layer follows soon, and then sleep on a condition variable. The destructor joins
/// them. Sessions on several threads may share a pool: their layers take turns. A task must not run tasks on the same
/// pool. The pool must outlive the sessions that hold its executor. A child of fork() has none of the threads: it must
/// make a pool of its own, and leave by _exit() without destroying this one.
/// @code{.cpp}
/// cvt::result<cvt::thread_pool> pool = cvt::thread_pool::create(4);
/// if (!pool) return report(pool.error());
/// cvt::session session{model, {.executor = pool->as_executor()}};
/// @endcode
class thread_pool {
public:
    static constexpr int max_workers = 256;

    /// Errors: invalid_argument (not 1 to 256 workers), out_of_memory (the system cannot start more threads). In a unit
    /// without exceptions std::thread ends the program instead.
    static result<thread_pool> create(int workers) noexcept {
        if (workers < 1 || workers > max_workers)
            return error::format(errc::invalid_argument, "thread_pool: expected 1 to %d workers, found %d", max_workers, workers);
#if defined(__cpp_exceptions)
        try {
            return thread_pool{workers};
        } catch (const std::exception& e) {
            return error::format(errc::out_of_memory, "thread_pool: cannot start %d threads: %s", workers - 1, e.what());
        }
#else
        return thread_pool{workers};
#endif
    }

    /// Valid as long as this pool, or the pool that it is moved to.
    [[nodiscard]] executor as_executor() const noexcept { return {state_.get(), state_->workers, &state::run}; }

private:
    struct state {
        explicit state(int worker_count) : workers{worker_count} {}

        ~state() {
            {
                const std::lock_guard hold{mutex};
                stop = true;
            }
            wake.notify_all();
            for (std::thread& t : threads) t.join();
        }

        // Implements executor::run: the caller works too, then waits for the other workers.
        static void run(void* context, int task_count, void (*task_function)(void*, int), void* task_argument) noexcept {
            state& s = *static_cast<state*>(context);
            const std::lock_guard alone{s.caller};
            {
                const std::lock_guard hold{s.mutex};
                s.task = task_function;
                s.argument = task_argument;
                s.count = task_count;
                s.next = 0;
                s.unfinished = task_count;
            }
            if (task_count > 1) s.wake.notify_all();
            std::unique_lock hold{s.mutex};
            s.take_tasks(hold);
            if (s.unfinished != 0) s.yield_while(hold, [&s] { return s.unfinished != 0; });
            s.finished.wait(hold, [&s] { return s.unfinished == 0; });
        }

        void serve() noexcept {
            std::unique_lock hold{mutex};
            for (;;) {
                yield_while(hold, [this] { return !stop && next >= count; });
                wake.wait(hold, [this] { return stop || next < count; });
                if (stop) return;
                take_tasks(hold);
            }
        }

        // Sleeping and waking take longer than the gap between two layers, especially on a virtual machine, which gives
        // its idle processor away.
        template <class Condition>
        static void yield_while(std::unique_lock<std::mutex>& hold, Condition waiting) noexcept {
            constexpr std::chrono::milliseconds patience{1};
            hold.unlock();
            const auto begin = std::chrono::steady_clock::now();
            while (waiting() && std::chrono::steady_clock::now() - begin < patience) std::this_thread::yield();
            hold.lock();
        }

        // Holds the lock only between tasks: an index is a row range or a head, which takes long compared with a lock. run() sets the
        // members task and argument only when no task is unfinished.
        void take_tasks(std::unique_lock<std::mutex>& hold) noexcept {
            while (next < count) {
                const int index = next++;
                hold.unlock();
                task(argument, index);
                hold.lock();
                if (--unfinished == 0) finished.notify_one();
            }
        }

        const int workers;
        std::mutex caller, mutex;  // caller: held by the thread whose tasks these are
        std::condition_variable wake, finished;
        void (*task)(void* argument, int index) = nullptr;
        void* argument = nullptr;
        std::atomic<int> count = 0, next = 0, unfinished = 0;  // written with the lock held, read without it
        std::atomic<bool> stop = false;
        std::vector<std::thread> threads;  // last, so that the threads start when all other members exist
    };

    explicit thread_pool(int workers) : state_{std::make_unique<state>(workers)} {
        state* const s = state_.get();  // ~state joins the started threads if one fails to start
        s->threads.reserve(static_cast<std::size_t>(workers - 1));
        for (int i = 1; i < workers; ++i) s->threads.emplace_back([s] { s->serve(); });
    }

    std::unique_ptr<state> state_;
};

CVT_NAMESPACE_END
