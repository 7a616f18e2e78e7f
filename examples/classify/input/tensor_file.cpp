// tensor_file.hpp: reads the file and compares its shape with the model.
#include "input/tensor_file.hpp"

#include <cvt/shape.hpp>

#include "common/failure.hpp"

namespace app {

tensor_file::tensor_file(const std::string& path, const cvt::config& c) : path_{path} {
    cvt::result<cvt::npy_array> file = cvt::read_npy(path.c_str());
    if (!file) throw failure{wrong_usage, std::string{"--input: "} + file.error().what()};
    array_ = *std::move(file);
    const cvt::npy_shape& shape = array_.shape;
    std::string found;
    for (const std::size_t extent : shape) found += (found.empty() ? "" : ", ") + std::to_string(extent);
    if (shape.size() != 4 || shape[0] == 0 || shape[1] != static_cast<std::size_t>(c.num_channels))
        throw failure{wrong_usage, "--input: " + path + ": expected the shape (N, " + std::to_string(c.num_channels) +
                                       ", height, width) for this model, found (" + found + ")"};
    if (const auto fits = cvt::shape_of(c, static_cast<std::int64_t>(shape[2]), static_cast<std::int64_t>(shape[3])); !fits)
        throw failure{wrong_usage, "--input: " + path + ": " + fits.error().what()};
}

cvt::view<const float, 3> tensor_file::operator[](std::size_t i) const {
    const cvt::npy_shape& shape = array_.shape;
    return cvt::view<const float, 3>{array_.values.data() + i * shape[1] * shape[2] * shape[3], shape[1], shape[2], shape[3]};
}

}  // namespace app
