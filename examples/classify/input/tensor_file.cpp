// tensor_file.hpp: compares the shape of the file with the model.
#include "input/tensor_file.hpp"

#include "common/failure.hpp"

namespace app {

cvt::npy_file tensor_file::open(const std::string& path) {
    cvt::result<cvt::npy_file> file = cvt::npy_file::open(path.c_str());
    if (!file) throw failure{wrong_usage, std::string{"--input: "} + file.error().what()};
    return *std::move(file);
}

tensor_file::tensor_file(const std::string& path, const cvt::config& c) : path_{path}, file_{open(path)} {
    const cvt::npy_shape& shape = file_.shape();
    const auto channels = static_cast<std::size_t>(c.num_channels);
    const std::size_t first = shape.size() == 4 ? 1 : 0;  // the axis of the channels
    std::string found;
    for (const std::size_t extent : shape) found += (found.empty() ? "" : ", ") + std::to_string(extent);
    if ((shape.size() != 3 && shape.size() != 4) || shape[0] == 0 || shape[first] != channels) {
        const std::string one = std::to_string(channels) + ", height, width)";
        throw failure{wrong_usage,
                      "--input: " + path + ": expected the shape (N, " + one + " or (" + one + " for this model, found (" + found + ")"};
    }
    const auto fits = cvt::shape_of(c, static_cast<std::int64_t>(shape[first + 1]), static_cast<std::int64_t>(shape[first + 2]));
    if (!fits) throw failure{wrong_usage, "--input: " + path + ": " + fits.error().what()};
    count_ = first == 1 ? shape[0] : 1;
    size_ = {static_cast<int>(shape[first + 1]), static_cast<int>(shape[first + 2])};
    floats_ = channels * shape[first + 1] * shape[first + 2];
}

cvt::error tensor_file::read(std::size_t i, std::vector<float>& out) {
    out.resize(floats_);
    const cvt::error e = file_.read(i * floats_, out);
    return e ? cvt::error::format(e.code(), "%s: %s", path_.c_str(), e.what()) : e;
}

}  // namespace app
