// Fuzz target: a zip checkpoint of torch.save, and its tensors if it is accepted.
#include "tensors.hpp"
#include "zip_parts.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { return cvt_fuzz::check_torch(data, size); }

std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed) {
    cvt_fuzz::dice d{seed};
    if (d.below(4) == 0) return LLVMFuzzerMutate(data, size, max_size);
    return cvt_fuzz::replace(data, size, max_size, cvt_fuzz::mutated_zip(cvt_fuzz::text_of(data, size), d));
}
