// pipeline.hpp: what each thread does, from the reader to the writer.
#include "pipeline/pipeline.hpp"

#include <chrono>
#include <system_error>

#include "common/failure.hpp"
#include "platform/platform.hpp"

namespace app {
namespace {

std::size_t bytes_of(const task& t) { return (t.image.data ? t.image.data->size() : 0) + t.samples.size() * sizeof(float); }

}  // namespace

// The window bounds the tasks between reader and writer: enough that neither a slow worker nor the writer stalls the others.
pipeline::pipeline(std::vector<std::unique_ptr<task_runner>> runners, std::size_t batch, read_control& control)
    : runners_{std::move(runners)}, batch_{batch}, window_{2 * batch * runners_.size()}, control_{control} {}

void pipeline::run(task_source& source, outcome_sink& sink, std::optional<std::size_t> total) {
    total_ = total;
    try {
        start(source);
        write(sink);
    } catch (...) {
        join();  // the reader uses `source`, which the caller may destroy before this object
        throw;
    }
    join();
}

void pipeline::start(task_source& source) {
    const without_interrupts main_thread_only;
    try {
        threads_.emplace_back([this, &source] { read(source); });
        if (runners_.size() == 1) return;
        for (const auto& runner : runners_) threads_.emplace_back([this, &runner = *runner] { serve(runner); });
    } catch (const std::system_error& e) {
        throw failure{some_failed, "cannot start " + std::to_string(runners_.size()) + " workers: " + e.what()};
    }
}

// ---- the reader thread

void pipeline::read(task_source& source) noexcept {
    try {
        while (std::optional<task> next = source.next()) {
            lock hold{mutex_};
            room_.wait(hold, [&] {
                return control_.cancelled || left_out_ || (read_ - written_ < window_ && queued_bytes_ < max_bytes_in_flight);
            });
            if (control_.cancelled || left_out_ || interrupt_requested()) break;
            const std::size_t bytes = bytes_of(*next);
            queue_.push_back(*std::move(next));
            queued_bytes_ += bytes;
            ++read_;
            ++control_.in_flight;
            tasks_.notify_one();
        }
    } catch (...) {
        note_exception(read_, std::current_exception());
    }
    const std::lock_guard hold{mutex_};
    at_end_ = true;
    if (!total_) total_ = read_;
    tasks_.notify_all();
    done_.notify_one();
}

// ---- the worker threads

void pipeline::serve(task_runner& runner) noexcept {
    try {
        for (numbered_tasks batch; take_batch(batch);)
            while (!batch.tasks.empty()) run_batch(runner, batch);
    } catch (...) {
        note_exception(0, std::current_exception());  // out of memory: ends the run at once
    }
    const std::lock_guard hold{mutex_};
    done_.notify_one();
}

// Waits for a full batch, or for fewer tasks if no more of them come soon. Returns false at the end.
bool pipeline::take_batch(numbered_tasks& batch) {
    constexpr std::chrono::milliseconds soon{2};
    lock hold{mutex_};
    for (;;) {
        if (control_.cancelled || (at_end_ && queue_.empty())) return false;
        if (queue_.size() >= batch_ || at_end_ || queued_bytes_ >= max_bytes_in_flight || (control_.starved && !queue_.empty())) break;
        if (queue_.empty())
            tasks_.wait(hold);
        else
            tasks_.wait_for(hold, soon);
    }
    batch.first = taken_;
    while (batch.tasks.size() < batch_ && !queue_.empty()) {
        queued_bytes_ -= bytes_of(queue_.front());
        batch.tasks.push_back(std::move(queue_.front()));
        queue_.pop_front();
    }
    taken_ += batch.tasks.size();
    in_hands_ += batch.tasks.size();
    room_.notify_all();
    return true;
}

// Runs some tasks of the batch and removes them; after an exception, an interrupt or a cancellation it removes the others undone.
void pipeline::run_batch(task_runner& runner, numbered_tasks& batch) noexcept {
    const std::size_t first = batch.first, count = batch.tasks.size();
    try {
        deliver(batch, runner.run(batch.tasks, control_.cancelled));
        if (batch.tasks.empty() || !(control_.cancelled || interrupt_requested())) return;
    } catch (...) {
        note_exception(first, std::current_exception());
    }
    const std::lock_guard hold{mutex_};
    in_hands_ -= count - (batch.first - first);
    batch.tasks.clear();
    left_out_ = true;
    room_.notify_all();
    done_.notify_one();
}

// Hands the outcomes to the writer. Waits first if its pictures take too much memory, unless these outcomes are the next to write.
void pipeline::deliver(numbered_tasks& batch, std::vector<outcome>&& outcomes) {
    lock hold{mutex_};
    room_.wait(hold, [&] { return control_.cancelled || left_out_ || finished_bytes_ < max_bytes_in_flight || batch.first == written_; });
    for (outcome& o : outcomes) {
        const std::size_t bytes = o.picture.size();
        finished_.emplace(batch.first, std::move(o));
        finished_bytes_ += bytes;
        ++batch.first;
        --in_hands_;
    }
    done_.notify_one();
}

void pipeline::note_exception(std::size_t at, std::exception_ptr exception) {
    const std::lock_guard hold{mutex_};
    if (exception_ && exception_at_ <= at) return;
    exception_ = std::move(exception);
    exception_at_ = at;
}

// ---- the writer, on the calling thread

void pipeline::write(outcome_sink& sink) {
    if (runners_.size() == 1) {
        for (numbered_tasks batch; take_batch(batch);) {
            while (!batch.tasks.empty()) {
                run_batch(*runners_.front(), batch);
                lock hold{mutex_};
                if (!write_finished(sink, hold)) return;
            }
        }
    }
    lock hold{mutex_};
    while (write_finished(sink, hold)) {
        if (at_end_ && queue_.empty() && in_hands_ == 0) return;
        done_.wait(hold);
    }
}

// Hands the outcomes whose turn has come to the sink. Returns false if the sink ends the run.
bool pipeline::write_finished(outcome_sink& sink, lock& hold) {
    for (;;) {
        if (exception_ && exception_at_ <= written_ && !interrupt_requested()) std::rethrow_exception(exception_);
        const auto next = finished_.find(written_);
        if (next == finished_.end()) return true;
        outcome o = std::move(next->second);
        finished_.erase(next);
        finished_bytes_ -= o.picture.size();
        const std::optional<std::size_t> total = total_;
        hold.unlock();
        const bool more = sink.take(o, total);
        hold.lock();
        ++written_;
        --control_.in_flight;
        room_.notify_all();
        if (!more) return false;
    }
}

void pipeline::join() noexcept {
    {
        const std::lock_guard hold{mutex_};
        control_.cancelled = true;
    }
    room_.notify_all();
    tasks_.notify_all();
    for (std::thread& t : threads_) t.join();
    threads_.clear();
}

}  // namespace app
