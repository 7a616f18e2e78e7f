// Fuzz target: a .npy file.
#include <cvt/extra/npy.hpp>

#include "fuzz.hpp"
#include "support/scratch_file.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const cvt_test::scratch_file file;
    cvt_fuzz::require(file.write(data, size), "no file");
    cvt_fuzz::memory::begin();
    const auto floats = cvt::read_npy(file.path().c_str());
    cvt_fuzz::memory::finish(size, 2);
    const auto doubles = cvt::read_npy<double>(file.path().c_str());
    cvt_fuzz::require(!floats || !doubles, "one file with two types");
    if (!floats && !doubles) return cvt_fuzz::refused(floats.error());
    std::size_t count = 1;
    for (const std::size_t extent : floats ? floats->shape : doubles->shape) count *= extent;
    cvt_fuzz::require(count == (floats ? floats->values.size() : doubles->values.size()), "a shape that does not match the data");
    return 0;
}
