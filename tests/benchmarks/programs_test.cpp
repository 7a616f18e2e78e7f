// The names, counters and JSON of the benchmark programs, on which scripts rely.
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cstdio>
#include <sstream>
#include <string>

#include <cvt/kernels/select.hpp>
#include <cvt/model.hpp>

#include "support/json.hpp"
#include "work.hpp"

namespace {

using nlohmann::json;

/// Returns the standard output of a benchmark program.
std::string output_of(const std::string& program, const std::string& arguments) {
    std::FILE* pipe = ::popen(('\'' + program + "' " + arguments + " 2>/dev/null").c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::string out;
    std::array<char, 4096> block;
    for (std::size_t n = 0; (n = std::fread(block.data(), 1, block.size(), pipe)) > 0;) out.append(block.data(), n);
    const int status = ::pclose(pipe);
    REQUIRE(WIFEXITED(status));
    REQUIRE(WEXITSTATUS(status) == 0);
    return out;
}

/// Returns the parsed results of its shortest run.
json results_of(const std::string& program, const std::string& filter) {
    return cvt_test::parse_json(
        output_of(program, "--benchmark_filter='" + filter + "' --benchmark_min_time=0.001 --benchmark_format=json"));
}

/// Checks that every run counts work (GFLOPs and peak_share) or traffic (GB/s).
void check_counters(const json& results) {
    for (const json& run : results["benchmarks"]) {
        INFO(run);
        CHECK(run["real_time"] > 0);
        if (run.contains("GB/s"))
            CHECK(run["GB/s"] > 0);
        else
            CHECK((run.at("GFLOPs") > 0 && run.at("peak_share") > 0));
    }
}

}  // namespace

TEST_CASE("names: forward/<variant>/<size>/batch:<n>/threads:<n>") {
    std::ostringstream expected;
    for (const char* model : {"cvt-13/224", "cvt-13/384", "cvt-21/224", "cvt-21/384", "cvt-w24/384"})
        for (const int batch : {1, 8})
            for (const int threads : {1, 2}) expected << "forward/" << model << "/batch:" << batch << "/threads:" << threads << '\n';
    CHECK(output_of(CVT_BENCH_MODEL, "--benchmark_list_tests") == expected.str());
}

TEST_CASE("standard output is only JSON, with the work and the time it took") {
    const std::string name = "forward/cvt-13/224/batch:1/threads:1";
    // Google Benchmark starts its clock a moment before ours. A busy machine can pause the program in between, but hardly three times.
    json out;
    double seconds = 0;
    for (int i = 0; i < 3; ++i) {
        out = results_of(CVT_BENCH_MODEL, name + '$');
        REQUIRE(out["benchmarks"].size() == 1);
        seconds = out["benchmarks"][0]["real_time"].get<double>() * 1e-3;
        if (out["benchmarks"][0]["images/s"].get<double>() == Approx(1 / seconds).epsilon(0.02)) break;
    }
    const json& run = out["benchmarks"][0];
    CHECK(run["name"] == name);
    CHECK(run["time_unit"] == "ms");
    const double peak = std::stod(out["context"]["fma_peak_gflops"].get<std::string>());
    const double operations = 2.0 * static_cast<double>(cvt_bench::forward_work(cvt::cvt_13, *cvt::shape_of(cvt::cvt_13, 224, 224)));
    CHECK(run["GFLOPs"].get<double>() == Approx(operations * 1e-9 / seconds).epsilon(0.02));
    CHECK(run["peak_share"].get<double>() == Approx(run["GFLOPs"].get<double>() / peak).epsilon(0.02));
    CHECK(run["images/s"].get<double>() == Approx(1 / seconds).epsilon(0.02));
    CHECK(run["label"].get<std::string>() != "");
}

TEST_CASE("bench_kernels runs every kernel set of this CPU") {
    const json out = results_of(CVT_BENCH_KERNELS, "/cvt-13/224/stage:3");
    check_counters(out);
    for (const cvt::kernels::kernel_set* set : cvt::kernels::available()) {
        const auto of_set = [&](const json& run) {
            return run["name"].get<std::string>().find(std::string{'/'} + set->name + '/') != std::string::npos;
        };
        INFO(set->name);
        CHECK(std::count_if(out["benchmarks"].begin(), out["benchmarks"].end(), of_set) >= 10);
    }
}

TEST_CASE("bench_layers runs every layer") {
    const json out = results_of(CVT_BENCH_LAYERS, "/cvt-13/224/stage:3");
    check_counters(out);
    for (const std::string layer : {"conv_embed", "attention", "mlp", "block", "block_cls_only", "head", "stage"}) {
        const auto is_layer = [&](const json& run) { return run["name"] == layer + "/cvt-13/224/stage:3"; };
        INFO(layer);
        CHECK(std::count_if(out["benchmarks"].begin(), out["benchmarks"].end(), is_layer) == 1);
    }
}
