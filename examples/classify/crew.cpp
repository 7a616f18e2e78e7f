// Jobs out, outcomes back in order.
#include "crew.hpp"

#include <system_error>

#include "failure.hpp"
#include "interrupt.hpp"

namespace app {

crew::crew(const options& o, const setup& s, std::function<bool(outcome&)> report) : report_{std::move(report)} {
    for (int i = 0; i < o.workers; ++i) workers_.push_back(std::make_unique<worker>(o, s));
    if (workers_.size() == 1) return;
    const without_interrupts main_thread_only;
    threads_.reserve(workers_.size());
    try {
        for (const auto& w : workers_) threads_.emplace_back([this, &w = *w] { serve(w); });
    } catch (const std::system_error& e) {
        dismiss();
        throw failure{some_failed, "cannot start " + std::to_string(workers_.size()) + " workers: " + e.what()};
    }
}

void crew::give(job&& j) {
    if (threads_.empty()) {
        do workers_.front()->run(j, leaving_);
        while (settle(j));
        return;
    }
    while (jobs_.size() >= jobs_in_flight(static_cast<int>(workers_.size()))) report_within(std::chrono::seconds{1});
    if (leaving_) return;
    jobs_.push_back(std::move(j));
    {
        const std::lock_guard hold{mutex_};
        waiting_.push_back(&jobs_.back());
    }
    wake_.notify_one();
    report_within(std::chrono::milliseconds{0});
}

void crew::report_within(std::chrono::milliseconds patience) {
    if (jobs_.empty()) return;
    job& first = jobs_.front();
    {
        std::unique_lock hold{mutex_};
        if (!done_.wait_for(hold, patience, [&] { return first.finished; })) return;
    }
    if (first.problem) std::rethrow_exception(first.problem);
    if (settle(first)) {
        {
            const std::lock_guard hold{mutex_};
            first.finished = false;
            waiting_.push_front(&first);
        }
        wake_.notify_one();
    } else if (leaving_) {
        leave();
    } else {
        jobs_.pop_front();
    }
}

void crew::finish() {
    while (busy()) report_within(std::chrono::seconds{1});
}

// Reports what a worker did; whether it is to go on with the rest. What an interrupt left out ends the reports: none may have a
// gap before it.
bool crew::settle(job& j) {
    for (outcome& o : j.outcomes)
        if (leaving_ || !report_(o)) leaving_ = true;
    if (j.has_tasks_left() && interrupt_requested()) leaving_ = true;
    return j.has_tasks_left() && !leaving_;
}

// The workers lay down what they have in hands before it goes.
void crew::leave() {
    std::unique_lock hold{mutex_};
    waiting_.clear();
    done_.wait(hold, [this] { return at_work_ == 0; });
    jobs_.clear();
}

void crew::dismiss() noexcept {
    leaving_ = true;
    {
        const std::lock_guard hold{mutex_};
        waiting_.clear();
        dismissed_ = true;
    }
    wake_.notify_all();
    for (std::thread& t : threads_) t.join();
    threads_.clear();
}

void crew::serve(worker& w) noexcept {
    std::unique_lock hold{mutex_};
    for (;;) {
        wake_.wait(hold, [this] { return dismissed_ || !waiting_.empty(); });
        if (dismissed_) return;
        job& j = *waiting_.front();
        waiting_.pop_front();
        ++at_work_;
        hold.unlock();
        try {
            w.run(j, leaving_);
        } catch (...) {
            j.problem = std::current_exception();
        }
        hold.lock();
        --at_work_;
        j.finished = true;
        done_.notify_one();
    }
}

}  // namespace app
