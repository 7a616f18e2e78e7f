// Fuzz target: a checkpoint in torch.save's zip, and its tensors when it is accepted.
#include <cvt/checkpoint/torch.hpp>

#include "tensors.hpp"
#include "zip_parts.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace cvt::checkpoint;
    cvt_fuzz::memory::begin();
    tensor_file file;
    const std::string_view text = cvt_fuzz::text_of(data, size);
    const cvt::error e = read_torch(byte_source::from_memory(cvt_fuzz::bytes_of(text)), file);
    cvt_fuzz::memory::finish(size, 96);
    if (e) return cvt_fuzz::refused(e);
    cvt_fuzz::read_all(file, size);
    return 0;
}

std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed) {
    cvt_fuzz::dice d{seed};
    if (d.below(4) == 0) return LLVMFuzzerMutate(data, size, max_size);
    return cvt_fuzz::replace(data, size, max_size, cvt_fuzz::mutated_zip(cvt_fuzz::text_of(data, size), d));
}
