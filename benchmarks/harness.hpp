// Common parts of the benchmark programs: the timed loop, the counters, main().
#pragma once

#include <chrono>
#include <cstdio>
#include <cstring>

#include <benchmark/benchmark.h>
#include <cvt/kernels/select.hpp>

#include "fma_peak.hpp"

namespace cvt_bench {

/// FMA peak of one core for these kernels, measured once per process. The context of the results has that of the set in use as
/// fma_peak_gflops.
inline double fma_peak(const char* kernels) {
    if (std::strcmp(kernels, "avx512") == 0) {
        static const double wide = measured_fma_rate(kernels).peak;
        return wide;
    }
    static const double peak = measured_fma_rate(kernels).peak;
    return peak;
}

/// Times `body` and returns the wall-clock seconds of one call. Google Benchmark's own rates use the main thread's CPU time, unless it
/// adds /real_time to the name.
template <class Body>
double seconds_each(benchmark::State& state, const Body& body) {
    const auto start = std::chrono::steady_clock::now();
    for (auto _ : state) {
        body();
        benchmark::ClobberMemory();
    }
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    return elapsed.count() / static_cast<double>(state.iterations());
}

/// Counters for compute-bound work: GFLOPs, 10^9 operations per second (a multiply-add is two), and peak_share, its part of
/// the FMA peak of `threads` cores. `kernels` is the name of the set that ran.
inline void report_work(benchmark::State& state, double seconds, std::int64_t multiply_adds, const char* kernels, int threads = 1) {
    const double gflops = 2e-9 * static_cast<double>(multiply_adds) / seconds;
    state.counters["GFLOPs"] = gflops;
    state.counters["peak_share"] = gflops / (fma_peak(kernels) * threads);
}

/// Counter for memory-bound work: GB/s, where every float read or written counts once.
inline void report_traffic(benchmark::State& state, double seconds, std::int64_t floats) {
    state.counters["GB/s"] = 4e-9 * static_cast<double>(floats) / seconds;
}

/// Runs the registered benchmarks with the options of the command line.
inline int run(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    const auto set = cvt::kernels::select(nullptr);
    if (!set) {
        std::fprintf(stderr, "%s\n", set.error().what());
        return 2;
    }
    char peak[32];
    std::snprintf(peak, sizeof peak, "%.2f", fma_peak((*set)->name));
    benchmark::AddCustomContext("fma_peak_gflops", peak);
    return benchmark::RunSpecifiedBenchmarks() > 0 ? 0 : 1;  // 0: no benchmark matches the filter
}

}  // namespace cvt_bench
