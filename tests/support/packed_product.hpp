// Packs weights (n, k) with one of the gemm kernels, into memory of exactly the packed size.
#pragma once

#include <cvt/kernels/packed_matrix.hpp>
#include <vector>

namespace cvt_test {

class packed_product {
public:
    packed_product(const cvt::kernels::gemm_kernels& gemm, std::ptrdiff_t n, std::ptrdiff_t k)
        : bytes_(static_cast<std::size_t>(gemm.packed_bytes(n, k)), std::byte{0xFF}), packed_{packed_at(gemm, bytes_.data(), n, k)} {}
    packed_product(const cvt::kernels::gemm_kernels& gemm, const std::vector<float>& w, std::ptrdiff_t n, std::ptrdiff_t k)
        : packed_product{gemm, n, k} {
        gemm.pack({.weights = w.data(), .stride_n = k, .stride_k = 1, .to = packed_});
    }
    packed_product(const packed_product&) = delete;
    packed_product& operator=(const packed_product&) = delete;

    const cvt::kernels::packed_memory& operator*() const { return packed_; }
    const std::vector<std::byte>& bytes() const { return bytes_; }

private:
    std::vector<std::byte> bytes_;
    cvt::kernels::packed_memory packed_;
};

}  // namespace cvt_test
