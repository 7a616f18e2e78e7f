// tensor_file: the tensors of --input, normalised inputs in a .npy file.
#pragma once

#include <cvt/config.hpp>
#include <cvt/extra/npy.hpp>
#include <cvt/shape.hpp>
#include <string>
#include <vector>

namespace app {

class tensor_file {
public:
    /// Throws failure (wrong_usage) unless the file holds (N, channels, height, width) or one tensor (channels, height, width), of a size
    /// that `c` supports.
    tensor_file(const std::string& path, const cvt::config& c);

    [[nodiscard]] std::size_t count() const { return count_; }
    /// The height and width of each.
    [[nodiscard]] cvt::grid size() const { return size_; }
    /// The name of tensor `i` in records, such as "x.npy[0]".
    [[nodiscard]] std::string name(std::size_t i) const { return path_ + '[' + std::to_string(i) + ']'; }
    /// Reads tensor `i` into `out`, (channels, height, width).
    cvt::error read(std::size_t i, std::vector<float>& out);

private:
    static cvt::npy_file open(const std::string& path);

    std::string path_;
    cvt::npy_file file_;
    std::size_t count_ = 0, floats_ = 0;
    cvt::grid size_{};
};

}  // namespace app
