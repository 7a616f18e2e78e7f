// Reference readers for the bytes of a checkpoint: slow, simple, without code from the library. They throw.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace cvt_test {

struct oracle_tensor {
    std::vector<std::int64_t> shape;
    std::vector<float> values;
};
using oracle_table = std::map<std::string, oracle_tensor>;

inline void insist(bool good, const char* what) {
    if (!good) throw std::runtime_error{what};
}

/// Reads a little-endian number of `width` bytes at `at`.
inline std::uint64_t number_at(std::string_view bytes, std::uint64_t at, int width) {
    insist(at <= bytes.size() && bytes.size() - at >= static_cast<std::uint64_t>(width), "a number past the end");
    std::uint64_t value = 0;
    for (int i = width - 1; i >= 0; --i)
        value = value * 256 + static_cast<unsigned char>(bytes[static_cast<std::size_t>(at) + static_cast<std::size_t>(i)]);
    return value;
}

inline std::string_view part_of(std::string_view bytes, std::uint64_t at, std::uint64_t size) {
    insist(at <= bytes.size() && size <= bytes.size() - at, "a part past the end");
    return bytes.substr(static_cast<std::size_t>(at), static_cast<std::size_t>(size));
}

/// Converts IEEE 754 half precision by its definition.
inline float half_value(std::uint64_t bits) {
    const int exponent = static_cast<int>(bits >> 10 & 31), fraction = static_cast<int>(bits & 1023);
    const float sign = bits >> 15 != 0 ? -1.0F : 1.0F;
    if (exponent == 0) return sign * std::ldexp(static_cast<float>(fraction), -24);
    if (exponent == 31) return fraction == 0 ? sign * HUGE_VALF : std::nanf("");
    return sign * std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
}

template <class T>
T reinterpreted(std::uint64_t bits) {
    T value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

/// Element types, named as in safetensors.
inline int width_of(std::string_view type) {
    static const std::map<std::string_view, int> widths{{"F64", 8}, {"I64", 8}, {"U64", 8},  {"F32", 4}, {"I32", 4},
                                                        {"U32", 4}, {"F16", 2}, {"BF16", 2}, {"I16", 2}, {"U16", 2},
                                                        {"I8", 1},  {"U8", 1},  {"BOOL", 1}, {"C64", 8}, {"C128", 16}};
    const auto found = widths.find(type);
    insist(found != widths.end(), "an unknown type");
    return found->second;
}

/// Integers are not weights: the test checks only that the library can read them.
inline float element_at(std::string_view bytes, std::uint64_t at, std::string_view type) {
    const std::uint64_t bits = number_at(bytes, at, width_of(type));
    if (type == "F32") return reinterpreted<float>(bits);
    if (type == "F64") return static_cast<float>(reinterpreted<double>(bits));
    if (type == "F16") return half_value(bits);
    if (type == "BF16") return reinterpreted<float>(bits << 16);
    return static_cast<float>(static_cast<std::int64_t>(bits));
}

}  // namespace cvt_test
