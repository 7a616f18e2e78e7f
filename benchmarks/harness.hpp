// What the benchmark programs share: the timed loop, the counters, main().
#pragma once

#include <chrono>
#include <cstdio>
#include <cstring>

#include <benchmark/benchmark.h>
#include <cvt/kernels/select.hpp>

#include "fma_peak.hpp"

namespace cvt_bench {

/// Peak of one core for these kernels, measured once a process; the results' context has that of the set in use as fma_peak_gflops.
inline double fma_peak(const char* kernels) {
    if (std::strcmp(kernels, "avx512") == 0) {
        static const double wide = measured_fma_rate(kernels).peak;
        return wide;
    }
    static const double peak = measured_fma_rate(kernels).peak;
    return peak;
}

/// Times `body`: wall-clock seconds of one call. Google Benchmark's own rates are of the main thread's CPU time, unless it
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

/// Counters of what arithmetic bounds: GFLOPs, 10^9 operations a second (a multiply-add is two), and peak_share, the part
/// of the FMA peak of `threads` cores that this is; `kernels` is the name of the set that ran.
inline void report_work(benchmark::State& state, double seconds, std::int64_t multiply_adds, const char* kernels, int threads = 1) {
    const double gflops = 2e-9 * static_cast<double>(multiply_adds) / seconds;
    state.counters["GFLOPs"] = gflops;
    state.counters["peak_share"] = gflops / (fma_peak(kernels) * threads);
}

/// Counter of what memory bounds: GB/s, every float read or written counted once.
inline void report_traffic(benchmark::State& state, double seconds, std::int64_t floats) {
    state.counters["GB/s"] = 4e-9 * static_cast<double>(floats) / seconds;
}

/// Runs what was registered, as the command line says.
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
    return benchmark::RunSpecifiedBenchmarks() > 0 ? 0 : 1;  // a filter that nothing matches
}

}  // namespace cvt_bench
