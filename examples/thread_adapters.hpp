// A host's threads as cvt::executor, to copy from: std::thread, OpenMP, Eigen's ThreadPool.
//
// An executor's `run` calls task(argument, i) for i = 0 .. count - 1, in any order on any threads, and returns when all have
// returned; a session calls it once a layer, with count <= workers. It must not throw: what does ends the program.
#pragma once

#include <algorithm>
#include <cvt/runtime/executor.hpp>
#include <thread>
#include <unsupported/Eigen/CXX11/ThreadPool>
#include <vector>

#if defined(_OPENMP)
#include <omp.h>
#endif

/// std::thread, forked and joined at every call: nothing to keep, tens of microseconds a layer. cvt/extra/thread_pool.hpp
/// keeps its threads.
inline cvt::executor fork_join(int workers) {
    return {nullptr, workers, [](void*, int count, void (*task)(void*, int), void* argument) {
                std::vector<std::jthread> others;  // joined by their destructors
                for (int i = 1; i < count; ++i) others.emplace_back(task, argument, i);
                if (count > 0) task(argument, 0);
            }};
}

#if defined(_OPENMP)
/// OpenMP's own team, however large it is (OMP_NUM_THREADS). Its threads spin between calls: OMP_WAIT_POLICY=passive lets them
/// sleep, which is better wherever others need the processors too.
inline cvt::executor open_mp(int workers = omp_get_max_threads()) {
    return {nullptr, workers, [](void*, int count, void (*task)(void*, int), void* argument) {
#pragma omp parallel for schedule(static, 1)
                for (int i = 0; i < count; ++i) task(argument, i);
            }};
}
#endif

/// Eigen's ThreadPool, and the thread that calls, which must not be one of the pool's: it waits, and with all of them waiting
/// none would work. Any number of sessions may share the pool. Eigen's names do not say which -m flags they were compiled
/// with, so compile every file that uses its pool with the same ones.
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
