// Memory for benchmarks, like that of weights and workspaces: aligned, and on huge pages if the system provides them.
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

/// An aligned array: std::vector aligns only to 16 bytes, which makes loads slower. Filled with zeros, so that every page is mapped.
inline cvt::detail::buffer<float> array(std::size_t floats) {
    cvt::detail::buffer<float> made;
    if (!made.resize(floats)) {
        std::fputs("out of memory\n", stderr);
        std::exit(1);
    }
    std::fill(made.begin(), made.end(), 0.0F);
    return made;
}

/// Fills an array by formula, with the same 65,536 values repeated.
inline cvt::detail::buffer<float> filled(const std::string& name, std::size_t floats) {
    cvt::detail::buffer<float> made = array(floats);
    const std::vector<float> values = cvt_test::hash_uniform(name, std::min(floats, std::size_t{1} << 16));
    for (std::size_t i = 0; i < floats; i += values.size())
        std::copy_n(values.data(), std::min(values.size(), floats - i), made.data() + i);
    return made;
}

}  // namespace cvt_bench
