// Reads the lists of golden cases in tests/data/golden: each line has a configuration, an input size and a seed.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <cvt/shape.hpp>

namespace cvt_test {

struct golden_case {
    std::string name;
    cvt::config config;
    cvt::grid size;
    std::uint64_t seed = 0;
};

namespace detail {

inline std::vector<std::string> split(const std::string& text, char at) {
    std::vector<std::string> parts;
    std::istringstream in{text};
    for (std::string part; std::getline(in, part, at);) parts.push_back(part);
    return parts;
}

inline cvt::projection projection_of(const std::string& name) {
    for (const cvt::projection p : {cvt::projection::dw_bn, cvt::projection::avg, cvt::projection::linear})
        if (name == to_string(p)) return p;
    throw std::runtime_error{"unknown method " + name};
}

inline cvt::config custom_config(std::map<std::string, std::string>& given) {
    const auto take = [&](const char* key, const char* otherwise) {
        const auto it = given.find(key);
        return it == given.end() ? std::string{otherwise} : given.extract(it).mapped();
    };
    cvt::config c;
    c.num_channels = std::stoi(take("chans", "3"));
    c.num_classes = std::stoi(take("classes", "7"));
    const std::vector<std::string> dims = split(take("dim", ""), ',');
    c.num_stages = static_cast<int>(dims.size());
    const auto each = [&](const char* key, const char* otherwise, auto set) {
        const std::vector<std::string> values = split(take(key, otherwise), ',');
        if (values.size() != 1 && values.size() != dims.size()) throw std::runtime_error{std::string{"wrong number of values: "} + key};
        for (std::size_t i = 0; i < dims.size(); ++i) set(c.stage.at(i), values[values.size() == 1 ? 0 : i]);
    };
    for (std::size_t i = 0; i < dims.size(); ++i) c.stage.at(i).embed_dim = std::stoi(dims[i]);
    using stage = cvt::stage_config;
    using text = std::string;
    each("heads", "1", [](stage& s, const text& v) { s.num_heads = std::stoi(v); });
    each("depth", "1", [](stage& s, const text& v) { s.depth = std::stoi(v); });
    each("patch", "3", [](stage& s, const text& v) { s.patch_size = std::stoi(v); });
    each("stride", "2", [](stage& s, const text& v) { s.patch_stride = std::stoi(v); });
    each("pad", "1", [](stage& s, const text& v) { s.patch_padding = std::stoi(v); });
    each("ratio", "4", [](stage& s, const text& v) { s.mlp_ratio = std::stod(v); });
    each("bias", "1", [](stage& s, const text& v) { s.qkv_bias = v == "1"; });
    each("cls", "0", [](stage& s, const text& v) { s.cls_token = v == "1"; });
    each("method", "dw_bn", [](stage& s, const text& v) { s.qkv_projection = projection_of(v); });
    each("kernel", "3", [](stage& s, const text& v) { s.kernel_qkv = std::stoi(v), s.padding_q = (s.kernel_qkv - 1) / 2; });
    each("pad_kv", "1", [](stage& s, const text& v) { s.padding_kv = std::stoi(v); });
    each("stride_kv", "2", [](stage& s, const text& v) { s.stride_kv = std::stoi(v); });
    return c;
}

inline golden_case parse_case(const std::string& line) {
    std::istringstream in{line};
    golden_case out;
    in >> out.name;
    std::map<std::string, std::string> given;
    for (std::string word; in >> word;) given[word.substr(0, word.find('='))] = word.substr(word.find('=') + 1);
    const auto take = [&](const char* key, const char* otherwise) {
        const auto it = given.find(key);
        return it == given.end() ? std::string{otherwise} : given.extract(it).mapped();
    };
    const std::string size = take("size", ""), variant = take("variant", ""), gelu = take("gelu", "quick");
    out.seed = std::stoull(take("seed", "0"));
    if (variant.empty())
        out.config = custom_config(given);
    else
        out.config = variant == "cvt-13" ? cvt::cvt_13 : variant == "cvt-21" ? cvt::cvt_21 : cvt::cvt_w24;
    out.config.gelu = gelu == "erf" ? cvt::gelu::erf : cvt::gelu::quick;
    if (!given.empty()) throw std::runtime_error{out.name + ": unknown key " + given.begin()->first};
    if (const cvt::error e = validate(out.config)) throw std::runtime_error{out.name + ": " + e.what()};
    const int smallest = size == "min" ? minimum_input(out.config) : 0;
    out.size = size == "min" ? cvt::grid{smallest, smallest} : cvt::grid{std::stoi(size), std::stoi(size.substr(size.find('x') + 1))};
    return out;
}

}  // namespace detail

/// Reads the cases of a list. Throws if the list cannot be read or has a mistake: it belongs to the tests.
inline std::vector<golden_case> read_cases(const std::string& path) {
    std::ifstream in{path};
    std::vector<golden_case> cases;
    for (std::string line; std::getline(in, line);)
        if (line.find_first_not_of(' ') != std::string::npos && line[0] != '#') cases.push_back(detail::parse_case(line));
    if (cases.empty()) throw std::runtime_error{"no cases in " + path};
    return cases;
}

}  // namespace cvt_test
