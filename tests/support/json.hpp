// nlohmann's JSON reader, the reference for what cvt reads and writes. Its templates are instantiated once, in json.cpp.
#pragma once

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

extern template class nlohmann::basic_json<>;

namespace cvt_test {

/// Throws nlohmann::json::parse_error.
nlohmann::json parse_json(std::string_view text);

}  // namespace cvt_test

/// How Catch2 prints a value.
template <>
struct Catch::StringMaker<nlohmann::json> {
    static std::string convert(const nlohmann::json& value) { return value.dump(); }
};
