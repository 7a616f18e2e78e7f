// executor: how the host lends its threads; the default is the calling thread.
#pragma once

#include <atomic>
#include <cstddef>

#include "../error.hpp"

CVT_NAMESPACE_BEGIN

/// The host's way to run tasks in parallel. A session splits each layer into tasks and calls `run` once per layer. Results
/// have the same bits for any executor and any number of workers.
/// @code{.cpp}
/// cvt::executor threads{nullptr, 4, [](void*, int count, void (*task)(void*, int), void* argument) {
///     std::vector<std::thread> started;
///     for (int i = 0; i < count; ++i) started.emplace_back(task, argument, i);
///     for (std::thread& t : started) t.join();
/// }};
/// cvt::session session{model, {.executor = threads}};
/// @endcode
struct executor {
    static constexpr int max_workers = 256;

    void* context = nullptr;  ///< passed to `run`
    int workers = 1;          ///< number of tasks at a time, 1 to max_workers; scratch memory is planned for that many
    /// Calls task(argument, i) once for every i in [0, count), in any order, on any threads; one thread may run all. Returns
    /// when all have returned. `count` is at most `workers`. Null: the calling thread runs the tasks.
    void (*run)(void* context, int count, void (*task)(void* argument, int index), void* argument) = nullptr;
};

namespace detail {

inline error check_workers(int workers) noexcept {
    if (workers >= 1 && workers <= executor::max_workers) return {};
    return error::format(errc::invalid_argument, "executor: expected 1 to %d workers, found %d", executor::max_workers, workers);
}

/// Calls body(index, worker) for every index in [0, count). A free worker takes the next index, so which worker gets which
/// index varies, and a body may use `worker` only to choose scratch memory.
template <class Body>
void parallel_for(const executor& host, std::ptrdiff_t count, const Body& body) noexcept {
    if (host.run == nullptr || host.workers <= 1 || count <= 1) {
        for (std::ptrdiff_t i = 0; i < count; ++i) body(i, 0);
        return;
    }
    struct job {
        const Body& body;
        std::ptrdiff_t count;
        std::atomic<std::ptrdiff_t> next{0};
    } shared{body, count};
    const int tasks = count < host.workers ? static_cast<int>(count) : host.workers;
    host.run(
        host.context, tasks,
        [](void* argument, int worker) {
            job& j = *static_cast<job*>(argument);
            for (std::ptrdiff_t i = j.next.fetch_add(1, std::memory_order_relaxed); i < j.count;
                 i = j.next.fetch_add(1, std::memory_order_relaxed))
                j.body(i, worker);
        },
        &shared);
}

}  // namespace detail
CVT_NAMESPACE_END
