// detect_format: distinguishes the formats by their first bytes.
#include <cvt/checkpoint/formats/read_files.hpp>

#include <catch2/catch.hpp>
#include <string>

#include "support/safetensors_writer.hpp"

using cvt::checkpoint::detect_format;
using cvt::checkpoint::weight_format;

namespace {

weight_format format_of(const std::string& head, std::uint64_t size = 1'000'000) { return detect_format(cvt_test::as_bytes(head), size); }

}  // namespace

TEST_CASE("detect_format: safetensors by a possible length and a brace", "[formats]") {
    CHECK(format_of(cvt_test::raw_safetensors("{}"), 10) == weight_format::safetensors);
    CHECK(format_of(std::string("\x80\x02\0\0\0\0\0\0{", 9)) == weight_format::safetensors);  // 640 bytes of header: begins like a pickle
    CHECK(format_of(std::string("PK\x03\0\0\0\0\0{", 9)) == weight_format::safetensors);      // 215,888 bytes: begins almost like a zip
    CHECK(format_of(std::string("\x80\x02\0\0\0\0\0\0[", 9)) == weight_format::torch_legacy);
    CHECK(format_of(std::string("\x80\x02\0\0\0\0\0\0{", 9), 648) == weight_format::safetensors);
    CHECK(format_of(std::string("\x80\x02\0\0\0\0\0\0{", 9), 647) == weight_format::torch_legacy);  // header longer than the file
    // An impossible length is still safetensors if no other format begins this way: its reader reports the error.
    CHECK(format_of(std::string(8, '\x7F') + "{") == weight_format::safetensors);
    CHECK(format_of(std::string(8, '\0') + "{") == weight_format::safetensors);
}

TEST_CASE("detect_format: the formats of torch.save, and unknown files", "[formats]") {
    CHECK(format_of(std::string("PK\x03\x04\x14\0\0\0{", 9)) == weight_format::torch_zip);
    CHECK(format_of("PK\x03\x04") == weight_format::torch_zip);
    CHECK(format_of("PK\x03") == weight_format::unknown);
    CHECK(format_of(std::string("\x80\x02\x8A\x0Al\xFC\x9C\x46{", 9)) == weight_format::torch_legacy);
    CHECK(format_of("\x80") == weight_format::torch_legacy);
    CHECK(format_of("hello world") == weight_format::unknown);
    CHECK(format_of("") == weight_format::unknown);
    CHECK(std::string(to_string(weight_format::torch_zip)) == "torch zip");
}
