// cluster_check LIST RECORDS...: checks that files of JSON lines have exactly one record for each path in LIST.
#include <cstdio>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

int main(int argc, char** argv) {
    if (argc < 3) return std::fputs("usage: cluster_check LIST RECORDS...\n", stderr), 2;
    std::map<std::string, int> times;
    std::ifstream list{argv[1]};
    for (std::string path; std::getline(list, path);) times[path];
    const std::size_t expected = times.size();
    std::size_t records = 0, failed = 0, unknown = 0;
    for (int i = 2; i < argc; ++i) {
        std::ifstream file{argv[i]};
        if (!file) return std::fprintf(stderr, "cluster_check: cannot read %s\n", argv[i]), 1;
        for (std::string line; std::getline(file, line); ++records) {
            const auto record = nlohmann::json::parse(line, nullptr, false);
            const bool known = record.is_object() && record.contains("path") && times.count(record["path"]) == 1;
            unknown += known ? 0U : 1U;
            if (!known) continue;
            ++times[record["path"]];
            failed += record.contains("top") ? 0U : 1U;
        }
    }
    std::size_t lost = 0, repeated = 0;
    for (const auto& [path, n] : times) {
        lost += n == 0 ? 1U : 0U;
        repeated += n > 1 ? 1U : 0U;
    }
    std::printf("%zu inputs, %zu records: %zu lost, %zu repeated, %zu failed, %zu unknown\n", expected, records, lost, repeated, failed,
                unknown);
    return expected > 0 && records == expected && lost + repeated + failed + unknown == 0 ? 0U : 1U;
}
