// sha256: the hash of FIPS 180-4, which names photos and models in caches.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace app {

using digest = std::array<std::uint8_t, 32>;

/// Hashes bytes given in pieces.
class sha256 {
public:
    void add(std::span<const std::byte> bytes);
    /// The hash of all bytes so far; the object must not be used afterwards.
    [[nodiscard]] digest finish();

private:
    void block(const std::uint8_t* bytes);

    std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    std::array<std::uint8_t, 64> pending_{};
    std::size_t held_ = 0;
    std::uint64_t size_ = 0;
};

digest sha256_of(std::span<const std::byte> bytes);

}  // namespace app
