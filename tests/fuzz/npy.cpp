// Fuzz target: a .npy file.
#include <sys/mman.h>
#include <unistd.h>

#include <cvt/extra/npy.hpp>

#include "fuzz.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const int file = ::memfd_create("input", 0);
    static const std::string path = "/proc/self/fd/" + std::to_string(file);
    cvt_fuzz::require(::ftruncate(file, 0) == 0 && ::pwrite(file, data, size, 0) == static_cast<::ssize_t>(size), "no file");
    cvt_fuzz::memory::begin();
    const auto floats = cvt::read_npy(path.c_str());
    cvt_fuzz::memory::finish(size, 2);
    const auto doubles = cvt::read_npy<double>(path.c_str());
    cvt_fuzz::require(!floats || !doubles, "one file with two types");
    if (!floats && !doubles) return cvt_fuzz::refused(floats.error());
    std::size_t count = 1;
    for (const std::size_t extent : floats ? floats->shape : doubles->shape) count *= extent;
    cvt_fuzz::require(count == (floats ? floats->values.size() : doubles->values.size()), "a shape that does not match the data");
    return 0;
}
