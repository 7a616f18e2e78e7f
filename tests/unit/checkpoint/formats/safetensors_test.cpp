// safetensors: well-formed files of every dtype, and the message for each kind of malformed file.
#include <cvt/checkpoint/formats/safetensors.hpp>

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "support/safetensors_writer.hpp"

namespace ck = cvt::checkpoint;
using cvt_test::as_bytes;
using cvt_test::raw_safetensors;
using cvt_test::safetensors_writer;
using shape = std::vector<std::int64_t>;

namespace {

cvt::error read(const std::string& bytes, ck::tensor_table& file) {
    return ck::read_safetensors(ck::byte_source::from_memory(as_bytes(bytes)), file);
}

std::string message(const std::string& bytes) {
    ck::tensor_table file;
    return read(bytes, file).what();
}

template <class T>
std::string raw(std::initializer_list<T> values) {
    return {reinterpret_cast<const char*>(values.begin()), values.size() * sizeof(T)};
}

std::vector<float> values(const ck::tensor_table& file, const char* name) {
    const std::ptrdiff_t i = file.find(name);
    REQUIRE(i >= 0);
    std::vector<float> out(static_cast<std::size_t>(file.entry(static_cast<std::size_t>(i)).elements()));
    const cvt::error e = file.read(static_cast<std::size_t>(i), out.data());
    INFO(e.what());
    REQUIRE_FALSE(e);
    return out;
}

/// Returns the header of one tensor "t" of two floats, with `field` in place of its default.
std::string header(std::string dtype = "\"F32\"", std::string dims = "[2]", std::string offsets = "[0,8]") {
    return "{\"t\":{\"dtype\":" + dtype + ",\"shape\":" + dims + ",\"data_offsets\":" + offsets + "}}";
}

const std::string eight(8, '\0');

}  // namespace

TEST_CASE("safetensors: every dtype, rank 0, empty tensors, unaligned data", "[safetensors]") {
    safetensors_writer w;
    w.add("odd", "U8", shape{3}, raw<std::uint8_t>({1, 2, 255}));  // everything after it is unaligned
    w.add("f32", "F32", shape{2, 2}, raw<float>({1.5F, -2.F, 0.F, 3e-38F}));
    w.add("f16", "F16", shape{3}, raw<std::uint16_t>({0x3C00, 0xC000, 0x0001}));
    w.add("bf16", "BF16", shape{2}, raw<std::uint16_t>({0x3F80, 0xC040}));
    w.add("f64", "F64", shape{3}, raw<double>({0.1, -1e300, 1.0 + 1e-12}));
    w.add("i64", "I64", shape{}, raw<std::int64_t>({123}));
    w.add("i16", "I16", shape{1}, raw<std::int16_t>({-7}));
    w.add("i32", "I32", shape{1}, raw<std::int32_t>({-70000}));
    w.add("flag", "BOOL", shape{1}, raw<std::uint8_t>({1}));
    w.add("none", "F32", shape{0, 5}, "");
    w.add("scalar", "F32", shape{}, raw<float>({42.F}));
    const std::string bytes = w.bytes();
    ck::tensor_table file;
    const cvt::error e = read(bytes, file);
    INFO(e.what());
    REQUIRE_FALSE(e);
    REQUIRE(file.size() == 11);
    CHECK(file.name(1) == "f32");
    CHECK(values(file, "odd") == std::vector<float>{1, 2, 255});
    CHECK(values(file, "f32") == std::vector<float>{1.5F, -2.F, 0.F, 3e-38F});
    CHECK(values(file, "f16") == std::vector<float>{1.F, -2.F, std::ldexp(1.F, -24)});
    CHECK(values(file, "bf16") == std::vector<float>{1.F, -3.F});
    CHECK(values(file, "f64") == std::vector<float>{0.1F, -std::numeric_limits<float>::infinity(), 1.F});
    CHECK(values(file, "i64") == std::vector<float>{123});
    CHECK(values(file, "i16") == std::vector<float>{-7});
    CHECK(values(file, "i32") == std::vector<float>{-70000});
    CHECK(values(file, "flag") == std::vector<float>{1});
    CHECK(values(file, "none").empty());
    CHECK(values(file, "scalar") == std::vector<float>{42});
    CHECK(file.find("missing") == -1);
    CHECK(file.entry(0).extents().size() == 1);
    CHECK(file.entry(9).shape[1] == 5);
}

TEST_CASE("safetensors: a file without tensors, metadata, order of the header", "[safetensors]") {
    CHECK(message(raw_safetensors("{}")).empty());
    CHECK(message(raw_safetensors("{\"__metadata__\":{\"format\":\"pt\"}}      ")).empty());
    // Data in a different order from the header, empty tensors at the boundaries.
    CHECK(message(raw_safetensors(R"({"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},
                                      "e":{"dtype":"F32","shape":[0],"data_offsets":[4,4]},
                                      "f":{"dtype":"F32","shape":[0],"data_offsets":[8,8]},
                                      "a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
                                  eight))
              .empty());
}

TEST_CASE("safetensors: two shards in one table", "[safetensors]") {
    safetensors_writer a, b;
    a.add("x", shape{1}, std::vector<float>{1});
    b.add("y", shape{1}, std::vector<float>{2});
    const std::string first = a.bytes(), second = b.bytes();
    ck::tensor_table file;
    REQUIRE_FALSE(read(first, file));
    REQUIRE_FALSE(read(second, file));
    CHECK(values(file, "x") == std::vector<float>{1});
    CHECK(values(file, "y") == std::vector<float>{2});
    CHECK(read(first, file).what() == std::string("x: the name occurs twice"));
}

TEST_CASE("safetensors: refuses impossible headers", "[safetensors]") {
    CHECK(message("") == "0 bytes are too few for a safetensors file");
    CHECK(message(std::string(9, '\0')) == "9 bytes are too few for a safetensors file");
    CHECK(message(std::string(10, '\0')) == "safetensors header: expected '{' at byte 8");
    CHECK(message(std::string(8, '\xFF') + "{}") == "safetensors header: expected at most 2 bytes, found a length of 18446744073709551615");
    const std::string good = raw_safetensors(header(), eight);
    CHECK(message(good).empty());
    CHECK(message(good.substr(0, 20)) == "safetensors header: expected at most 12 bytes, found a length of 54");
    CHECK(message(raw_safetensors(" {}")) == "safetensors header: expected '{' at byte 8");
    CHECK(message(raw_safetensors("[\"a\"]")) == "safetensors header: expected '{' at byte 8");
    CHECK(message(raw_safetensors("{\"a\":}")) == "safetensors header: JSON line 1, byte 5: expected a value, found '}'");
    CHECK(message(raw_safetensors("{\"a\":1}")) == "a: expected an object with dtype, shape and data_offsets");
    CHECK(message(raw_safetensors("{\"__metadata__\":[]}")) == "__metadata__: expected an object");
    CHECK(message(raw_safetensors("{\"__metadata__\":{\"a\":1}}")) == "__metadata__: expected strings only");
    CHECK(message(raw_safetensors("{\"t\":{},\"t\":{}}")) ==
          "safetensors header: JSON line 1, byte 11: the key \"t\" occurs twice in one object");

    std::string long_header = raw_safetensors("{}");
    long_header.resize(100'000'100, ' ');
    const std::uint64_t length = 100'000'001;
    std::memcpy(long_header.data(), &length, 8);
    CHECK(message(long_header) == "safetensors header: expected at most 100000000 bytes, found a length of 100000001");
}

TEST_CASE("safetensors: refuses tensors that contradict themselves", "[safetensors]") {
    const auto with = [](std::string dtype, std::string dims = "[2]", std::string offsets = "[0,8]") {
        return message(raw_safetensors(header(dtype, dims, offsets), eight));
    };
    CHECK(with("\"F8_E4M3\"") == "t: dtype: expected F32, F16, BF16 or F64, found F8_E4M3");
    CHECK(with("\"f32\"") == "t: dtype: expected F32, F16, BF16 or F64, found f32");
    CHECK(with("7") == "t: dtype: expected a string");
    const std::string bad_shape = "t: shape: expected a list of non-negative integers";
    for (const char* dims : {"2", "[-2]", "[2.0]", "[\"2\"]", "[null]", "{}", "[9223372036854775808]"})
        CHECK(with("\"F32\"", dims) == bad_shape);
    CHECK(with("\"F32\"", "[1,1,1,1,1,1,1,1,2]") == "t: more than 8 dimensions");
    CHECK(with("\"F32\"", "[1,1,1,1,1,1,1,2]").empty());
    for (const char* dims : {"[4611686018427387904,4611686018427387904]", "[4294967296,4294967296]", "[0,4294967296,4294967296]"})
        CHECK(with("\"F32\"", dims) == "t: shape: the number of elements overflows");
    const std::string bad_offsets = "t: data_offsets: expected two integers, begin and end";
    for (const char* offsets : {"8", "[8]", "[0,4,8]", "[8,0]", "[-8,0]", "[0,8.0]"}) CHECK(with("\"F32\"", "[2]", offsets) == bad_offsets);
    CHECK(with("\"F32\"", "[2]", "[0,16]") == "t: its data ends at byte 16, the file's data at 8: the file is truncated");
    CHECK(with("\"F32\"", "[3]") == "t: shape and dtype need 12 bytes, data_offsets span 8");
    CHECK(with("\"F32\"", "[0]") == "t: shape and dtype need 0 bytes, data_offsets span 8");
    CHECK(with("\"F64\"") == "t: shape and dtype need 16 bytes, data_offsets span 8");
    CHECK(message(raw_safetensors("{\"t\":{\"shape\":[2],\"data_offsets\":[0,8]}}", eight)) == "t: dtype: expected a string");
    CHECK(message(raw_safetensors("{\"t\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", eight)) == bad_shape);
    CHECK(message(raw_safetensors("{\"t\":{\"dtype\":\"F32\",\"shape\":[2]}}", eight)) == bad_offsets);
}

TEST_CASE("safetensors: refuses overlaps, gaps and a wrong end", "[safetensors]") {
    const auto two = [](std::string a, std::string b) {
        return "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":" + a +
               "},\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":" + b + "}}";
    };
    const std::string twelve(12, '\0');
    CHECK(message(raw_safetensors(two("[4,8]", "[0,4]"), eight)).empty());
    CHECK(message(raw_safetensors(two("[0,4]", "[0,4]"), eight)) ==
          "b: its data begins at byte 0, expected 4: they overlap another tensor's data");
    CHECK(message(raw_safetensors(two("[0,4]", "[2,6]"), eight)) ==
          "b: its data begins at byte 2, expected 4: they overlap another tensor's data");
    CHECK(message(raw_safetensors(two("[0,4]", "[8,12]"), twelve)) == "b: its data begins at byte 8, expected 4: they leave a gap");
    CHECK(message(raw_safetensors(two("[4,8]", "[8,12]"), twelve)) == "a: its data begins at byte 4, expected 0: they leave a gap");
    CHECK(message(raw_safetensors(two("[0,4]", "[4,8]"), twelve)) == "the tensors end at byte 8, the file's data at 12");
    CHECK(message(raw_safetensors("{}", "x")) == "the tensors end at byte 0, the file's data at 1");
}

TEST_CASE("safetensors: no truncation or changed byte of a small file causes a crash", "[safetensors]") {
    safetensors_writer w;
    w.add("a.weight", shape{2, 2}, std::vector<float>{1, 2, 3, 4});
    w.add("b", "F16", shape{1}, raw<std::uint16_t>({0x3C00}));
    const std::string good = w.bytes();
    for (std::size_t size = 0; size < good.size(); ++size) CHECK_FALSE(message(good.substr(0, size)).empty());
    int accepted = 0;
    for (std::size_t at = 0; at < good.size(); ++at) {
        for (const char c : {'\0', '0', '9', '{', '}', '"', ',', '\x7F', '\xFF'}) {
            std::string bad = good;
            bad[at] = c;
            ck::tensor_table file;
            if (read(bad, file)) continue;
            ++accepted;  // changed names and data are valid and can be read
            for (std::size_t i = 0; i < file.size(); ++i) {
                std::vector<float> out(static_cast<std::size_t>(file.entry(i).elements()));
                CHECK_FALSE(file.read(i, out.data()));
            }
        }
    }
    CHECK(accepted > 9 * 18);
}

TEST_CASE("safetensors: the requested metadata entry, at most once and not too long", "[safetensors]") {
    const std::string one = raw_safetensors(R"({"__metadata__":{"format":"pt","note":"12345"}})"), none = raw_safetensors("{}");
    const auto read_note = [](const std::string& bytes, ck::metadata_entry& wanted) {
        ck::tensor_table file;
        return ck::read_safetensors(ck::byte_source::from_memory(as_bytes(bytes)), file, &wanted);
    };
    ck::metadata_entry five{.key = "note", .max_size = 5, .text = {}}, four{.key = "note", .max_size = 4, .text = {}};
    REQUIRE_FALSE(read_note(none, five));
    CHECK(five.text.empty());
    REQUIRE_FALSE(read_note(one, five));
    CHECK(std::string(five.text.data(), five.text.size()) == "12345");
    REQUIRE_FALSE(read_note(none, five));
    CHECK(five.text.size() == 5);
    CHECK(read_note(one, five).what() == std::string("__metadata__: note: expected one string of at most 5 bytes"));  // a second entry
    CHECK(read_note(one, four).what() == std::string("__metadata__: note: expected one string of at most 4 bytes"));
}
