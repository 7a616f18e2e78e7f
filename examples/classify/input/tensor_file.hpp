// tensor_file: the tensors of --input, normalised inputs in a .npy file.
#pragma once

#include <cvt/config.hpp>
#include <cvt/extra/npy.hpp>
#include <cvt/tensor.hpp>
#include <string>

namespace app {

class tensor_file {
public:
    /// Throws failure (wrong_usage) unless the file holds float32 (N, channels, height, width) of a size that `c` supports.
    tensor_file(const std::string& path, const cvt::config& c);

    [[nodiscard]] std::size_t count() const { return array_.shape[0]; }
    /// The name of tensor `i` in records, such as "x.npy[0]".
    [[nodiscard]] std::string name(std::size_t i) const { return path_ + '[' + std::to_string(i) + ']'; }
    /// (channels, height, width)
    [[nodiscard]] cvt::view<const float, 3> operator[](std::size_t i) const;

private:
    std::string path_;
    cvt::npy_array array_;
};

}  // namespace app
