// Fuzz target: a safetensors file, and its tensors if it is accepted.
#include <cvt/checkpoint/formats/safetensors.hpp>

#include "safetensors_parts.hpp"
#include "tensors.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cvt::checkpoint;
    cvt_fuzz::memory::begin();
    tensor_table file;
    if (const cvt::error e = read_safetensors(byte_source::from_memory(cvt_fuzz::bytes_of(cvt_fuzz::text_of(data, size))), file)) {
        cvt_fuzz::memory::finish(size, 64);
        return cvt_fuzz::refused(e);
    }
    cvt_fuzz::memory::finish(size, 64);
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < file.size(); ++i)
        bytes += static_cast<std::uint64_t>(file.entry(i).elements()) * size_of(file.entry(i).type);
    cvt_fuzz::require(bytes < size, "tensors with more bytes than the file");
    cvt_fuzz::read_all(file, size);
    return 0;
}

std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed) {
    cvt_fuzz::dice d{seed};
    if (d.below(4) == 0) return LLVMFuzzerMutate(data, size, max_size);
    return cvt_fuzz::replace(data, size, max_size, cvt_fuzz::mutated_safetensors(cvt_fuzz::text_of(data, size), d));
}
