// Fuzz target: a checkpoint of torch.save before 1.6, and its tensors if it is accepted.
#include "tensors.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { return cvt_fuzz::check_torch(data, size); }
