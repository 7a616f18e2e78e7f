// A contestant of benchmarks/peers: holds a cvt model and answers each line of standard input with a line.
//
// peer_cvt MODEL SIZE BATCH THREADS INPUT f32|int8     INPUT: float32, (BATCH, 3, SIZE, SIZE)
// The first output line is {"bare_memory": peak in bytes before the model is loaded, ...}. Then
//   run          answers with the milliseconds of a forward pass
//   peak         answers with a core's FMA peak and what other programs leave of it, in GFLOP/s; measures for a fifth of the last run's
//                time and at least 25 loops
//   logits FILE  writes the logits of the last run as float32
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include <cvt/extra/thread_pool.hpp>
#include <cvt/model.hpp>
#include <cvt/session.hpp>

#include "fma_peak.hpp"
#include "peak_memory.hpp"
#include "work.hpp"

namespace {

using clock = std::chrono::steady_clock;

double milliseconds_since(clock::time_point begin) { return std::chrono::duration<double, std::milli>(clock::now() - begin).count(); }

int fail(const std::string& why) {
    std::cerr << "peer_cvt: " << why << '\n';
    return 1;
}

std::vector<float> read_floats(const char* path, std::size_t count) {
    std::vector<float> values(count);
    std::ifstream file{path, std::ios::binary};
    const auto bytes = static_cast<std::streamsize>(count * sizeof(float));
    if (!file.read(reinterpret_cast<char*>(values.data()), bytes) || file.peek() != EOF) values.clear();
    return values;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string precision = argc == 7 ? argv[6] : "";
    if (precision != "f32" && precision != "int8") return fail("usage: peer_cvt MODEL SIZE BATCH THREADS INPUT f32|int8");
    const int size = std::atoi(argv[2]), batch = std::atoi(argv[3]), threads = std::atoi(argv[4]);

    const long long bare = cvt_bench::peak_memory();
    const auto model = cvt::model::load(argv[1], {.precision = precision == "int8" ? cvt::precision::int8 : cvt::precision::f32});
    if (!model) return fail(model.error().what());
    const auto pool = cvt::thread_pool::create(threads);
    if (!pool) return fail(pool.error().what());
    const auto shape = cvt::shape_of(model->config(), size, size);
    if (!shape) return fail(shape.error().what());

    const auto pixels = static_cast<std::size_t>(batch) * 3 * static_cast<std::size_t>(size) * static_cast<std::size_t>(size);
    const std::vector<float> input = read_floats(argv[5], pixels);
    if (input.empty()) return fail(std::string{argv[5]} + ": expected exactly " + std::to_string(pixels) + " floats");
    std::vector<float> logits(static_cast<std::size_t>(batch) * static_cast<std::size_t>(model->config().num_classes));
    cvt::session session{*model, threads > 1 ? cvt::session_options{.executor = pool->as_executor()} : cvt::session_options{}};
    const cvt::view<const float, 4> images{input.data(), batch, 3, size, size};

    std::cout << "{\"bare_memory\": " << bare << ", \"version\": \"" << CVT_VERSION_STRING << "\", \"kernels\": \"" << model->kernels()
              << "\", \"multiply_adds\": " << cvt_bench::forward_work(model->config(), *shape) << '}' << std::endl;
    double elapsed = 0;
    for (std::string line; std::getline(std::cin, line);) {
        if (line == "run") {
            const clock::time_point begin = clock::now();
            const cvt::error e = session.run(images, {.logits = logits});
            elapsed = milliseconds_since(begin);
            if (e) return fail(e.what());
            std::cout << elapsed << std::endl;
        } else if (line == "peak") {
            const cvt_bench::fma_rate rate =
                cvt_bench::measured_fma_rate(model->kernels(), std::max(25, static_cast<int>(elapsed / 5 / 0.5)));
            std::cout << '[' << rate.peak << ", " << rate.meanwhile << ']' << std::endl;
        } else if (line.starts_with("logits ")) {
            std::ofstream file{line.substr(7), std::ios::binary};
            file.write(reinterpret_cast<const char*>(logits.data()), static_cast<std::streamsize>(logits.size() * sizeof(float)));
            if (!file.flush()) return fail(line.substr(7) + ": cannot be written");
            std::cout << "written" << std::endl;
        } else {
            return fail("unknown line: " + line);
        }
    }
}
