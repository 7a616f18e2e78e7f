// Times the kernels of two revisions in one process, in alternating calls, so that other load affects both alike. Run by ./compare.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <dlfcn.h>

#include <cvt/runtime/buffer.hpp>

#include "../fma_peak.hpp"
#include "../memory.hpp"
#include "revision.hpp"
#include "support/formula.hpp"

namespace {

enum class epilogue : int { none, quick_gelu, erf_gelu, add };  // the numbers of revision_product
using clock_type = std::chrono::steady_clock;

[[noreturn]] void fail(const std::string& what) {
    std::fprintf(stderr, "compare: %s\n", what.c_str());
    std::exit(1);
}

const revision_kernels& load(const char* file) {
    void* const library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) fail(dlerror());
    const auto get = reinterpret_cast<const revision_kernels* (*)()>(dlsym(library, "kernels_of_revision"));
    if (get == nullptr) fail(std::string(file) + ": not made of unit.cpp");
    const revision_kernels* const kernels = get();
    if (kernels == nullptr) fail("CVT_FORCE_KERNELS: expected a set that this CPU runs");
    return *kernels;
}

constexpr std::size_t memory = std::size_t{64} << 20;  // floats from which cold weights are taken, larger than any cache
constexpr std::ptrdiff_t gap = 16;                     // floats between rows

struct buffers {
    cvt::detail::buffer<float> weights = cvt_bench::filled("weights", memory), in = cvt_bench::filled("in", std::size_t{1} << 22),
                               out = cvt_bench::filled("out", std::size_t{1} << 22), bias = cvt_bench::filled("bias", 8192);
    std::size_t next = 0;

    /// Weights (n, k) that are in no cache.
    const float* cold(const revision_kernels& set, std::ptrdiff_t n, std::ptrdiff_t k) {
        const std::size_t size = (set.packed_bytes(n, k) / sizeof(float) + 1023) / 1024 * 1024;
        if (next + 2 * size > memory) next = 0;
        return weights.data() + std::exchange(next, next + size);
    }
};

struct task {
    const char* name;
    std::ptrdiff_t rows, n, k;  // of a product; for other kernels rows and columns, and k = 0
    bool cold;                  // the weights come from memory, as in each layer
    epilogue then;
};

// Products as a task of a forward pass calls them; then the other kernels.
constexpr task tasks[] = {
    {"CvT-13 stage 1, fc1", 204, 256, 64, false, epilogue::quick_gelu},
    {"CvT-13 stage 1, fc2", 204, 64, 256, false, epilogue::add},
    {"CvT-13 stage 1, scores", 24, 784, 64, false, epilogue::none},
    {"CvT-13 stage 1, values", 24, 64, 784, false, epilogue::none},
    {"CvT-13 stage 3, embedding", 196, 384, 1728, true, epilogue::none},
    {"CvT-13 stage 3, keys", 50, 384, 384, true, epilogue::none},
    {"CvT-13 stage 3, fc1", 197, 384, 384, true, epilogue::quick_gelu},
    {"CvT-13 stage 3, fc2", 197, 384, 384, true, epilogue::add},
    {"CvT-13 stage 3, scores", 96, 50, 64, false, epilogue::none},
    {"CvT-13 stage 3, values", 96, 64, 50, false, epilogue::none},
    {"CvT-W24 stage 1, scores", 12, 2304, 64, false, epilogue::none},
    {"CvT-W24 stage 3, queries", 204, 1024, 1024, true, epilogue::none},
    {"CvT-W24 stage 3, fc1", 204, 384, 1024, true, epilogue::quick_gelu},
    {"CvT-W24 stage 3, fc2", 204, 1024, 384, true, epilogue::add},
    {"softmax", 48, 196, 0, false, epilogue::none},
    {"layer norm", 48, 384, 0, false, epilogue::none},
};

/// One call. `add` adds to `out`, and softmax works in place there.
void call(const revision_kernels& set, const task& t, buffers& b, const float* weights) {
    float *const in = b.in.data(), *const out = b.out.data(), *const bias = b.bias.data();
    if (t.k > 0)
        set.multiply({in, t.k + gap, t.rows, weights, bias, t.n, t.k, out, t.n + gap, static_cast<int>(t.then),
                      t.cold ? weights + t.n * t.k : nullptr});
    else if (std::strcmp(t.name, "softmax") == 0)
        set.softmax(out, t.rows, t.n, out + t.rows * t.n);
    else
        set.layer_norm(in, t.rows, t.n, bias, out);
}

/// Largest difference between the results of the two sets in one call on equal data.
double difference(const revision_kernels& before, const revision_kernels& after, task t, buffers& b) {
    t.cold = false;
    const std::ptrdiff_t k = std::max<std::ptrdiff_t>(t.k, 1);
    const std::size_t size = static_cast<std::size_t>(t.rows * (t.n + gap) + t.rows);
    const std::vector<float> begin = cvt_test::hash_uniform("out", size);
    std::vector<float> weights = cvt_test::hash_uniform("weights", static_cast<std::size_t>(t.n * k)), results[2];
    for (int i = 0; i < 2; ++i) {
        const revision_kernels& set = i == 0 ? before : after;
        std::vector<float> packed(set.packed_bytes(t.n, k) / sizeof(float));
        set.pack(weights.data(), t.n, k, packed.data());
        std::copy(begin.begin(), begin.end(), b.out.data());
        call(set, t, b, packed.data());
        results[i].assign(b.out.data(), b.out.data() + size);
    }
    double largest = 0;
    for (std::size_t i = 0; i < size; ++i) largest = std::max(largest, std::abs(static_cast<double>(results[0][i]) - results[1][i]));
    return largest;
}

double quantile(std::vector<double> v, double q) {
    const auto at = v.begin() + static_cast<std::ptrdiff_t>(q * static_cast<double>(v.size() - 1));
    std::nth_element(v.begin(), at, v.end());
    return *at;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) fail("usage: compare BEFORE.so AFTER.so ROUNDS");
    const revision_kernels* const sets[] = {&load(argv[1]), &load(argv[2])};
    const int rounds = std::atoi(argv[3]);
    if (rounds < 1) fail(std::string("rounds: expected a number from 1 on, found \"") + argv[3] + "\"");
    buffers b;

    std::printf("Kernel set %s; medians of %d rounds; GFLOP/s; ratio of times = after / before, by pair, lower is better.\n\n",
                sets[1]->name, rounds);
    std::printf("| task | rows x n x k | before | after | | ratio | results differ by |\n|---|---|---|---|---|---|---|\n");
    std::vector<double> peaks;
    for (const task& t : tasks) {
        const double work = t.k > 0 ? 2.0 * static_cast<double>(t.rows * t.n * t.k) : static_cast<double>(t.rows * t.n);
        const int calls = std::max(1, static_cast<int>((t.k > 0 ? 1e7 : 1e5) / work));  // 0.1 ms at least
        std::vector<double> seconds[2], ratios;
        for (int round = 0; round < rounds; ++round) {
            double took[2];
            for (int turn = 0; turn < 2; ++turn) {
                const int i = (round + turn) % 2;
                const float* const weights = t.cold ? b.cold(*sets[i], t.n, t.k) : b.weights.data();
                if (t.then == epilogue::add || t.k == 0)
                    std::memset(b.out.data(), 0, static_cast<std::size_t>(t.rows * (t.n + gap)) * sizeof(float));
                const auto start = clock_type::now();
                for (int c = 0; c < calls; ++c) call(*sets[i], t, b, weights);
                took[i] = std::chrono::duration<double>(clock_type::now() - start).count() / calls;
                seconds[i].push_back(took[i]);
            }
            ratios.push_back(took[1] / took[0]);
            if (round % 8 == 0) peaks.push_back(cvt_bench::timed_fma_loop(sets[1]->name, 3000));
        }
        char shape[64];
        if (t.k > 0)
            std::snprintf(shape, sizeof shape, "%td x %td x %td%s", t.rows, t.n, t.k, t.cold ? ", from memory" : "");
        else
            std::snprintf(shape, sizeof shape, "%td x %td", t.rows, t.n);
        std::printf("| %s | %s | %.2f | %.2f | %s | **%.3f** | %.2g |\n", t.name, shape, 1e-9 * work / quantile(seconds[0], 0.5),
                    1e-9 * work / quantile(seconds[1], 0.5), t.k > 0 ? "GFLOP/s" : "G/s", quantile(ratios, 0.5),
                    difference(*sets[0], *sets[1], t, b));
        std::fflush(stdout);
    }
    std::printf(
        "\nFMA peak during the run: median %.1f GFLOP/s, from %.1f to %.1f (5 %% and 95 %%). Values far below the largest mean a shared "
        "core.\n",
        quantile(peaks, 0.5), quantile(peaks, 0.05), quantile(peaks, 0.95));
}
