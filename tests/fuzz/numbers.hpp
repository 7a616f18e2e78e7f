// Appends little-endian numbers to generated files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace cvt_fuzz {

template <class T>
void append_number(std::string& out, T value) {
    for (std::size_t i = 0; i < sizeof value; ++i) out += static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i));
}

}  // namespace cvt_fuzz
