// pipeline: a reader thread, a bounded queue of tasks, workers, and one writer that takes outcomes in the order of their tasks.
//
//     task_source --reader thread--> queue --worker threads--> finished --calling thread--> outcome_sink
//
// No other file of classify has a mutex.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "pipeline/task.hpp"
#include "platform/platform.hpp"

namespace app {

/// Yields tasks. Called on the reader thread only.
class task_source {
public:
    virtual ~task_source() = default;
    /// Null at the end. The result is ignored after an interrupt or a cancellation of the read_control.
    virtual std::optional<task> next() = 0;
};

/// Runs tasks. Each runner is called on one thread.
class task_runner {
public:
    virtual ~task_runner() = default;
    /// Removes the first tasks, at least one unless an interrupt comes first, and returns one outcome for each of them. Leaves the
    /// rest after an interrupt, if `cancelled` becomes true, and if the outcomes need too much memory.
    virtual std::vector<outcome> run(std::deque<task>& tasks, const std::atomic<bool>& cancelled) = 0;
};

/// Takes outcomes. Called on the thread that calls pipeline::run.
class outcome_sink {
public:
    virtual ~outcome_sink() = default;
    /// `total`: the number of inputs in the run, null while that is unknown. Returns false to end the run.
    virtual bool take(outcome& o, std::optional<std::size_t> total) = 0;
};

class pipeline {
public:
    /// Each runner takes up to `batch` tasks at a time. It takes fewer at the end of the input and while a read waits for more, so
    /// that a path that is sent alone is answered at once. With one runner, the calling thread runs it and writes.
    pipeline(std::vector<std::unique_ptr<task_runner>> runners, std::size_t batch, read_control& control);
    pipeline(const pipeline&) = delete;
    pipeline& operator=(const pipeline&) = delete;

    /// Runs all tasks of `source`. May be called once for each object. `total`: the number of tasks, null if it is unknown.
    /// Returns early after an interrupt and when `sink` ends the run; the outcomes that were taken are then the first ones, without a
    /// gap. If `source` or a runner throws, takes the outcomes of the tasks before and throws the same. Throws failure (some_failed)
    /// if the system refuses a thread. No thread uses `source` after run() has returned or thrown.
    void run(task_source& source, outcome_sink& sink, std::optional<std::size_t> total);

private:
    struct numbered_tasks {
        std::size_t first = 0;  // position of tasks.front() among all tasks
        std::deque<task> tasks;
    };
    using lock = std::unique_lock<std::mutex>;

    void start(task_source& source);
    void read(task_source& source) noexcept;
    void serve(task_runner& runner) noexcept;
    bool take_batch(numbered_tasks& batch);
    void run_batch(task_runner& runner, numbered_tasks& batch) noexcept;
    void deliver(numbered_tasks& batch, std::vector<outcome>&& outcomes);
    void note_exception(std::size_t at, std::exception_ptr exception);
    void write(outcome_sink& sink);
    bool write_finished(outcome_sink& sink, lock& hold);
    void join() noexcept;

    std::vector<std::unique_ptr<task_runner>> runners_;
    const std::size_t batch_, window_;
    read_control& control_;

    std::mutex mutex_;  // guards everything below
    std::condition_variable room_, tasks_, done_;
    std::deque<task> queue_;
    std::size_t queued_bytes_ = 0;
    std::size_t read_ = 0, taken_ = 0, written_ = 0;  // tasks that the reader, the runners and the sink are done with
    std::size_t in_hands_ = 0;                        // tasks that runners have taken and not finished
    std::map<std::size_t, outcome> finished_;         // by position; their turn has not come
    std::size_t finished_bytes_ = 0;                  // of their pictures
    std::exception_ptr exception_;                    // the first one, and its position
    std::size_t exception_at_ = 0;
    bool at_end_ = false;    // the reader has ended
    bool left_out_ = false;  // an interrupt left tasks undone
    std::optional<std::size_t> total_;
    std::vector<std::thread> threads_;
};

}  // namespace app
