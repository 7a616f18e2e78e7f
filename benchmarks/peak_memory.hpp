// Peak memory of the process, for benchmarks.
#pragma once

#include <cstdlib>
#include <fstream>
#include <string>

namespace cvt_bench {

/// Peak memory of the process so far, in bytes; 0 where /proc is missing.
inline long long peak_memory() {
    std::ifstream status{"/proc/self/status"};
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("VmHWM:")) return 1024 * std::atoll(line.c_str() + 6);
    return 0;
}

}  // namespace cvt_bench
