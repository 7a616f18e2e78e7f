// Reads the tensors of an accepted table, within a budget.
#pragma once

#include "../support/torch_reader.hpp"
#include "fuzz.hpp"

namespace cvt_fuzz {

/// Many names may refer to the same bytes, so the total is limited by the size of the input.
inline void read_all(const cvt::checkpoint::tensor_table& file, std::size_t input) {
    std::size_t budget = 4 * input;
    for (std::size_t i = 0; i < file.size() && budget != 0; ++i) {
        const auto count = static_cast<std::size_t>(file.entry(i).elements());
        require(count <= input, "a tensor larger than its file");
        require(file.find(file.name(i)) == static_cast<std::ptrdiff_t>(i), "a tensor that find() does not find");
        std::vector<float> values(count);
        require(!file.read(i, values.data()), "an accepted tensor that cannot be read");
        budget -= count < budget ? count : budget;
    }
}

/// Reads a checkpoint of torch.save, old or new, and its tensors if it is accepted.
inline int check_torch(const std::uint8_t* data, std::size_t size) {
    using namespace cvt::checkpoint;
    memory::begin();
    tensor_table file;
    const cvt::error e = cvt_test::read_torch(byte_source::from_memory(bytes_of(text_of(data, size))), file);
    memory::finish(size, 96);
    if (e) return refused(e);
    read_all(file, size);
    return 0;
}

}  // namespace cvt_fuzz
