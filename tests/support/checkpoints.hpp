// Makes checkpoints with generated weights for any configuration, and compares two checkpoints bit for bit.
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include <cvt/checkpoint/open.hpp>
#include <cvt/network/tensor_list.hpp>

#include "formula.hpp"
#include "safetensors_writer.hpp"

namespace cvt_test {

/// Makes a safetensors file with generated weights and official names.
inline std::string formula_file(const cvt::config& c, std::uint64_t seed = 0) {
    safetensors_writer w;
    cvt::network::for_each_tensor(c, [&](const cvt::network::tensor_info& t) {
        const char* const name = t.name;
        const std::span<const std::int64_t> shape = t.extents();
        w.add(name, shape, formula_tensor(name, shape, seed));
    });
    return w.bytes();
}

/// Returns a tensor's values as the library reads them; empty after an error.
inline std::vector<float> read_tensor(const cvt::checkpoint::checkpoint_source& file, const char* name,
                                      std::span<const std::int64_t> shape) {
    std::size_t count = 1;
    for (const std::int64_t extent : shape) count *= static_cast<std::size_t>(extent);
    std::vector<float> values(count);
    if (file.read(name, shape, values.data())) values.clear();
    return values;
}

/// Counts the tensors whose bits differ between `a` and `b`.
inline int tensors_that_differ(const cvt::checkpoint::checkpoint_source& a, const cvt::checkpoint::checkpoint_source& b) {
    int differ = 0;
    cvt::network::for_each_tensor(a.config, [&](const cvt::network::tensor_info& t) {
        const char* const name = t.name;
        const std::span<const std::int64_t> shape = t.extents();
        const std::vector<float> x = read_tensor(a, name, shape), y = read_tensor(b, name, shape);
        differ += x.size() == y.size() && !x.empty() && std::memcmp(x.data(), y.data(), x.size() * sizeof(float)) == 0 ? 0 : 1;
    });
    return differ;
}

}  // namespace cvt_test
