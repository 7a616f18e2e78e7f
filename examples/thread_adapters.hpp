// Adapters to copy: std::thread, OpenMP and Eigen's ThreadPool as a cvt::executor.
//
// An executor's `run` calls task(argument, i) for i = 0 .. count - 1, in any order on any threads, and returns when all calls have
// returned. A session calls it once per layer, with count <= workers. `run` must not throw: an exception ends the program.
#pragma once

#include <algorithm>
#include <cvt/runtime/executor.hpp>
#include <thread>
#include <unsupported/Eigen/CXX11/ThreadPool>
#include <vector>

#if defined(_OPENMP)
#include <omp.h>
#endif

/// Starts and joins threads in each call, which costs tens of microseconds; cvt/extra/thread_pool.hpp keeps its threads.
inline cvt::executor fork_join(int workers) {
    return {nullptr, workers, [](void*, int count, void (*task)(void*, int), void* argument) {
                std::vector<std::thread> others;
                for (int i = 1; i < count; ++i) others.emplace_back(task, argument, i);
                if (count > 0) task(argument, 0);
                for (std::thread& t : others) t.join();
            }};
}

#if defined(_OPENMP)
/// Uses OpenMP's team of any size (OMP_NUM_THREADS). Its threads spin between calls; OMP_WAIT_POLICY=passive lets them sleep, which is
/// better if other programs need the processors.
inline cvt::executor open_mp(int workers = omp_get_max_threads()) {
    return {nullptr, workers, [](void*, int count, void (*task)(void*, int), void* argument) {
#pragma omp parallel for schedule(static, 1)
                for (int i = 0; i < count; ++i) task(argument, i);
            }};
}
#endif

/// Uses Eigen's ThreadPool and the calling thread. The caller must not be a thread of the pool, since it waits: if all threads of the
/// pool waited, none could run the tasks. Any number of sessions may share the pool. Compile all files that use it with the same -m
/// flags, since the names of Eigen's functions do not depend on them.
inline cvt::executor eigen_pool(Eigen::ThreadPoolInterface& pool) {
    const int workers = std::min(pool.NumThreads() + 1, cvt::executor::max_workers);
    return {&pool, workers, [](void* context, int count, void (*task)(void*, int), void* argument) {
                auto& threads = *static_cast<Eigen::ThreadPoolInterface*>(context);
                Eigen::Barrier others{static_cast<unsigned>(std::max(count - 1, 0))};
                for (int i = 1; i < count; ++i) threads.Schedule([=, &others] { task(argument, i), others.Notify(); });
                if (count > 0) task(argument, 0);
                others.Wait();
            }};
}
