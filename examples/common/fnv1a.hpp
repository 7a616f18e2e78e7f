// fnv1a: the 64-bit FNV-1a hash of bytes, for shards and check sums.
#pragma once

#include <cstdint>
#include <string_view>

namespace app {

constexpr std::uint64_t fnv1a(std::string_view bytes) {
    std::uint64_t hash = 0xCBF29CE484222325U;
    for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
    return hash;
}

}  // namespace app
