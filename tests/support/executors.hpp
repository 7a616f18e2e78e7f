// Executors that a host might provide: in reverse order, one thread per task, and a counting one.
#pragma once

#include <algorithm>
#include <thread>
#include <vector>

#include <cvt/runtime/executor.hpp>

namespace cvt_test {

/// Runs tasks on the calling thread, last first, so that worker 0 is not the first to run.
inline cvt::executor reversed(int workers) {
    return {nullptr, workers, [](void*, int count, void (*task)(void*, int), void* argument) {
                for (int i = count - 1; i >= 0; --i) task(argument, i);
            }};
}

/// Runs each task on a thread of its own.
inline cvt::executor threaded(int workers) {
    return {nullptr, workers, [](void*, int count, void (*task)(void*, int), void* argument) {
                std::vector<std::thread> threads;
                for (int i = 0; i < count; ++i) threads.emplace_back(task, argument, i);
                for (std::thread& t : threads) t.join();
            }};
}

/// Runs tasks on the calling thread and counts the requests.
struct counting_executor {
    int calls = 0, largest = 0;

    cvt::executor as_executor(int workers) {
        return {this, workers, [](void* context, int count, void (*task)(void*, int), void* argument) {
                    auto& self = *static_cast<counting_executor*>(context);
                    ++self.calls;
                    self.largest = std::max(self.largest, count);
                    for (int i = 0; i < count; ++i) task(argument, i);
                }};
    }
};

}  // namespace cvt_test
