// bench_model's names, counters and JSON: what scripts that read it rely on.
#include <sys/wait.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include <cvt/model.hpp>

#include "work.hpp"

namespace {

/// Standard output of bench_model; standard error goes where the test's goes.
std::string bench_model(const std::string& arguments) {
    std::FILE* pipe = ::popen(("'" CVT_BENCH_MODEL "' " + arguments).c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::string out;
    std::array<char, 4096> block;
    for (std::size_t n = 0; (n = std::fread(block.data(), 1, block.size(), pipe)) > 0;) out.append(block.data(), n);
    const int status = ::pclose(pipe);
    REQUIRE(WIFEXITED(status));
    REQUIRE(WEXITSTATUS(status) == 0);
    return out;
}

}  // namespace

TEST_CASE("names: forward/<variant>/<size>/batch:<n>/threads:<n>") {
    std::ostringstream expected;
    for (const char* model : {"cvt-13/224", "cvt-13/384", "cvt-21/224", "cvt-21/384", "cvt-w24/384"})
        for (const int batch : {1, 8})
            for (const int threads : {1, 2}) expected << "forward/" << model << "/batch:" << batch << "/threads:" << threads << '\n';
    CHECK(bench_model("--benchmark_list_tests") == expected.str());
}

TEST_CASE("standard output is JSON and nothing else, of work that was done in the time that passed") {
    const std::string name = "forward/cvt-13/224/batch:1/threads:1";
    const auto out = nlohmann::json::parse(
        bench_model("--benchmark_filter='" + name + "$' --benchmark_min_time=0.01 --benchmark_format=json 2>/dev/null"));
    REQUIRE(out["benchmarks"].size() == 1);
    const nlohmann::json& run = out["benchmarks"][0];
    CHECK(run["name"] == name);
    CHECK(run["time_unit"] == "ms");
    const double seconds = run["real_time"].get<double>() * 1e-3, peak = std::stod(out["context"]["fma_peak_gflops"].get<std::string>());
    const double operations = 2.0 * static_cast<double>(cvt_bench::forward_work(cvt::cvt_13, *cvt::shape_of(cvt::cvt_13, 224, 224)));
    CHECK(run["GFLOPs"].get<double>() == Approx(operations * 1e-9 / seconds).epsilon(0.02));
    CHECK(run["peak_share"].get<double>() == Approx(run["GFLOPs"].get<double>() / peak).epsilon(0.02));
    CHECK(run["images/s"].get<double>() == Approx(1 / seconds).epsilon(0.02));
    CHECK(run["label"].get<std::string>() != "");
}
