// The memory that weights and a workspace have, for benchmarks: aligned, on huge pages where the system gives them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cvt/runtime/buffer.hpp>
#include <string>
#include <vector>

#include "support/formula.hpp"

namespace cvt_bench {

/// An array that std::vector would put on any boundary of 16 bytes, where loads take longer. Zeros, so that every page is there.
inline cvt::detail::buffer<float> array(std::size_t floats) {
    cvt::detail::buffer<float> made;
    if (!made.resize(floats)) {
        std::fputs("out of memory\n", stderr);
        std::exit(1);
    }
    std::fill(made.begin(), made.end(), 0.0F);
    return made;
}

/// Formula-made values, the same 65,536 again and again.
inline cvt::detail::buffer<float> filled(const std::string& name, std::size_t floats) {
    cvt::detail::buffer<float> made = array(floats);
    const std::vector<float> values = cvt_test::hash_uniform(name, std::min(floats, std::size_t{1} << 16));
    for (std::size_t i = 0; i < floats; i += values.size())
        std::copy_n(values.data(), std::min(values.size(), floats - i), made.data() + i);
    return made;
}

}  // namespace cvt_bench
