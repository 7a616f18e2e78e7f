// Mutates a safetensors file so that its length, header and data usually still match.
#pragma once

#include <cstring>

#include "fuzz.hpp"

namespace cvt_fuzz {

inline std::string safetensors_of(std::string header, std::string_view data) {
    std::string file;
    append_number<std::uint64_t>(file, header.size());
    return file.append(header).append(data);
}

/// Makes a file of a few contiguous tensors.
inline std::string fresh_safetensors(dice& d) {
    static constexpr const char* types[]{"F32", "F16", "BF16", "F64", "I64", "U8", "BOOL", "I16"};
    static constexpr std::size_t widths[]{4, 2, 2, 8, 8, 1, 1, 2};
    std::string header = "{", data;
    const std::size_t tensors = 1 + d.below(5);
    for (std::size_t t = 0; t < tensors; ++t) {
        const std::size_t type = d.below(8), rank = d.below(5);
        std::size_t bytes = widths[type];
        std::string shape;
        for (std::size_t i = 0; i < rank; ++i) {
            const std::size_t extent = d.below(4);
            bytes *= extent;
            shape += (i == 0 ? "" : ",") + std::to_string(extent);
        }
        header += std::string{t == 0 ? "" : ","} + "\"t" + std::to_string(t) + "\":{\"dtype\":\"" + types[type] + "\",\"shape\":[" + shape +
                  "],\"data_offsets\":[" + std::to_string(data.size()) + "," + std::to_string(data.size() + bytes) + "]}";
        data.append(bytes, static_cast<char>(d.below(256)));
    }
    return safetensors_of(header + "}", data);
}

inline std::string mutated_safetensors(std::string_view file, dice& d) {
    std::uint64_t length = 0;
    if (file.size() >= 8) std::memcpy(&length, file.data(), 8);
    if (file.size() < 10 || length > file.size() - 8 || d.below(50) == 0) return fresh_safetensors(d);
    std::string header{file.substr(8, length)}, data{file.substr(8 + length)};
    switch (d.below(4)) {
        case 0: data = mutated(std::move(data), 64); break;
        case 1:  // makes the file end where the mutated header says
            header = mutated(std::move(header), 64);
            data.resize(data.size() + d.below(9), '\0');
            break;
        default: header = mutated(std::move(header), 64); break;
    }
    return safetensors_of(std::move(header), data);
}

}  // namespace cvt_fuzz
