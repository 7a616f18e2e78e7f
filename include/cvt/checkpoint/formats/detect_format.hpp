// Which format a file of weights has, by its first bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "safetensors.hpp"
#include "tensor_table.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

enum class weight_format : std::uint8_t { unknown, safetensors, torch_zip, torch_legacy };

constexpr const char* to_string(weight_format f) noexcept {
    switch (f) {
        case weight_format::safetensors: return "safetensors";
        case weight_format::torch_zip: return "torch zip";
        case weight_format::torch_legacy: return "legacy torch";
        case weight_format::unknown: break;
    }
    return "unknown";
}

/// The format of a file of `size` bytes that begins with `head`, of which 9 bytes are looked at. safetensors comes first: the
/// length of its header may begin with the bytes of a pickle or a zip.
inline weight_format detect_format(std::span<const std::byte> head, std::uint64_t size) noexcept {
    const bool brace = head.size() >= 9 && head[8] == std::byte{'{'};
    const std::uint64_t header = brace ? load<std::uint64_t>(head.data()) : 0;
    if (header >= 2 && header <= max_safetensors_header && size >= 8 && header <= size - 8) return weight_format::safetensors;
    if (head.size() >= 4 && std::memcmp(head.data(), "PK\x03\x04", 4) == 0) return weight_format::torch_zip;
    if (!head.empty() && head[0] == std::byte{0x80}) return weight_format::torch_legacy;
    return brace ? weight_format::safetensors : weight_format::unknown;  // a header whose length cannot be: its reader says so
}

}  // namespace checkpoint
CVT_NAMESPACE_END
