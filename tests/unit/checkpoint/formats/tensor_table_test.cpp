// byte_source and tensor_table: unreadable files, entries outside their file, strides, many names.
#include <cvt/checkpoint/formats/tensor_table.hpp>

#include <catch2/catch.hpp>
#include <cstdint>
#include <cstdio>
#include <numeric>
#include <string>
#include <vector>

#include "support/safetensors_writer.hpp"

namespace ck = cvt::checkpoint;
using ck::dtype;
using shape = std::vector<std::int64_t>;

namespace {

ck::tensor_entry entry(const shape& extents, const shape& strides, dtype type = dtype::u8, std::uint64_t offset = 0) {
    ck::tensor_entry e;
    e.type = type;
    e.rank = static_cast<std::uint8_t>(extents.size());
    for (std::size_t i = 0; i < extents.size(); ++i) {
        e.shape[i] = extents[i];
        e.stride[i] = strides[i];
    }
    e.offset = offset;
    return e;
}

ck::tensor_entry dense(const shape& extents, dtype type = dtype::u8, std::uint64_t offset = 0) {
    ck::tensor_entry e = entry(extents, extents, type, offset);
    e.set_contiguous();
    return e;
}

/// A table with one tensor over the bytes 0, 1, 2, ... in memory.
struct one_tensor {
    std::vector<std::byte> bytes;
    ck::tensor_table file;
    std::string error;

    explicit one_tensor(const ck::tensor_entry& e, std::size_t size = 24) : bytes(size) {
        for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i);
        REQUIRE(file.add_source(ck::byte_source::from_memory(bytes)));
        error = file.add("t", e).what();
    }
    std::vector<float> values() {
        REQUIRE(error.empty());
        std::vector<float> out(static_cast<std::size_t>(file.entry(0).elements()));
        REQUIRE_FALSE(file.read(0, out.data()));
        return out;
    }
};

std::string open_message(const char* path) {
    auto r = ck::byte_source::open(path);
    return r ? "" : r.error().what();
}

}  // namespace

TEST_CASE("byte_source: a file that cannot be opened gives the reason", "[tensors]") {
    CHECK(open_message("no/such/file") == "no/such/file: cannot open: No such file or directory");
    CHECK(open_message(CVT_TEST_DATA) == CVT_TEST_DATA ": cannot read: Is a directory");
    const std::string path = "cvt_tensors_test.tmp";
    REQUIRE(cvt_test::write_file(path, ""));
    CHECK(open_message(path.c_str()) == path + ": the file is empty");
    REQUIRE(cvt_test::write_file(path, "0123456789"));
    {
        auto file = ck::byte_source::open(path.c_str());
        REQUIRE(file);
        CHECK(file->size() == 10);
        char four[5] = "";
        REQUIRE_FALSE(file->read(6, 4, four));
        CHECK(std::string(four) == "6789");
        REQUIRE_FALSE(file->read(1, 2, four));
        CHECK(std::string(four) == "1289");
        CHECK_FALSE(file->read(10, 0, four));
        CHECK(file->read(7, 4, four).what() == std::string("expected bytes 7 to 11, the file has 10"));
        CHECK(file->read(UINT64_MAX, 2, four).code() == cvt::errc::malformed);
    }
    std::vector<char> large(1 << 20, 'x');
    REQUIRE(cvt_test::write_file(path, {large.data(), large.size()}));
    auto shrinking = ck::byte_source::open(path.c_str());
    REQUIRE(shrinking);
    REQUIRE(cvt_test::write_file(path, "012"));
    const cvt::error e = shrinking->read(0, large.size(), large.data());
    CHECK(e.code() == cvt::errc::io);
    CHECK(e.what() == std::string("the file shrank while it was being read"));
    std::remove(path.c_str());
}

TEST_CASE("tensor_table: strided tensors are read in row-major order", "[tensors]") {
    CHECK(one_tensor(dense({2, 3})).values() == std::vector<float>{0, 1, 2, 3, 4, 5});
    CHECK(one_tensor(dense({2, 3}, dtype::u8, 18)).values() == std::vector<float>{18, 19, 20, 21, 22, 23});
    CHECK(one_tensor(entry({2, 3}, {1, 2})).values() == std::vector<float>{0, 2, 4, 1, 3, 5});             // transposed
    CHECK(one_tensor(entry({2, 2}, {10, 3}, dtype::u8, 1)).values() == std::vector<float>{1, 4, 11, 14});  // gaps
    CHECK(one_tensor(entry({2, 3}, {0, 1})).values() == std::vector<float>{0, 1, 2, 0, 1, 2});             // expanded
    CHECK(one_tensor(entry({3, 2}, {1, 0})).values() == std::vector<float>{0, 0, 1, 1, 2, 2});
    CHECK(one_tensor(entry({2, 1, 2}, {1, 999, 2})).values() == std::vector<float>{0, 2, 1, 3});  // any stride for an extent of 1
    CHECK(one_tensor(entry({2, 2, 2}, {2, 1, 4})).values() == std::vector<float>{0, 4, 1, 5, 2, 6, 3, 7});
    CHECK(one_tensor(entry({0, 3}, {7, 7})).values().empty());
    CHECK(one_tensor(entry({}, {}, dtype::u8, 23)).values() == std::vector<float>{23});
}

TEST_CASE("tensor_table: elements far apart, up to the last byte of the file", "[tensors]") {
    std::vector<float> data(5003);
    std::iota(data.begin(), data.end(), 0.F);
    ck::tensor_table file;
    REQUIRE(file.add_source(ck::byte_source::from_memory(std::as_bytes(std::span(data)))));
    REQUIRE_FALSE(file.add("t", entry({2, 3, 2}, {4000, 1, 1000}, dtype::f32)));
    std::vector<float> read(12);
    REQUIRE_FALSE(file.read(0, read.data()));
    CHECK(read == std::vector<float>{0, 1000, 1, 1001, 2, 1002, 4000, 5000, 4001, 5001, 4002, 5002});
}

TEST_CASE("tensor_table: tensors larger than the read window, dense and transposed, of every width", "[tensors]") {
    const std::int64_t rows = 301, columns = 257;
    const auto count = static_cast<std::size_t>(rows * columns);
    std::vector<float> f32(count);
    std::vector<double> f64(count);
    std::vector<std::uint16_t> bf16(count);
    for (std::size_t i = 0; i < count; ++i) {
        f64[i] = static_cast<double>(i) + 0.25;
        f32[i] = static_cast<float>(i % 256);
        bf16[i] = static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(f32[i]) >> 16);
    }
    const auto check = [&](const auto& data, dtype type) {
        ck::tensor_table file;
        REQUIRE(file.add_source(ck::byte_source::from_memory(std::as_bytes(std::span(data)))));
        REQUIRE_FALSE(file.add("dense", dense({rows, columns}, type)));
        REQUIRE_FALSE(file.add("transposed", entry({columns, rows}, {1, columns}, type)));
        std::vector<float> straight(count), transposed(count);
        REQUIRE_FALSE(file.read(0, straight.data()));
        REQUIRE_FALSE(file.read(1, transposed.data()));
        bool same = true;
        for (std::int64_t r = 0; r < rows; ++r)
            for (std::int64_t c = 0; c < columns; ++c) {
                const auto from = static_cast<std::size_t>(r * columns + c), to = static_cast<std::size_t>(c * rows + r);
                const float expected = type == dtype::f64 ? static_cast<float>(f64[from]) : f32[from];
                same = same && straight[from] == expected && transposed[to] == expected;
            }
        CHECK(same);
    };
    check(f32, dtype::f32);
    check(f64, dtype::f64);
    check(bf16, dtype::bf16);
}

TEST_CASE("tensor_table: entries outside their file are refused", "[tensors]") {
    const auto message = [](const ck::tensor_entry& e) { return one_tensor(e).error; };
    const std::string outside = "t: extends past the end of the file", too_many = "t: has more elements than its file can hold";
    const std::int64_t huge = INT64_MAX;
    CHECK(message(dense({24})).empty());
    CHECK(message(dense({25})) == too_many);
    CHECK(message(dense({6}, dtype::f32)).empty());
    CHECK(message(dense({6}, dtype::f32, 1)) == outside);
    CHECK(message(dense({1}, dtype::u8, 24)) == outside);
    CHECK(message(dense({1}, dtype::u8, 25)) == "t: begins past the end of the file");
    CHECK(message(dense({0}, dtype::u8, 24)).empty());
    CHECK(message(dense({}, dtype::f64, 17)) == outside);
    CHECK(message(entry({2, 3}, {12, 6})) == outside);
    CHECK(message(entry({2}, {23})).empty());
    CHECK(message(entry({2}, {24})) == outside);
    CHECK(message(entry({2}, {huge})) == outside);
    CHECK(message(entry({3}, {huge / 2 + 1})) == outside);
    CHECK(message(entry({huge, huge}, {1, 1})) == too_many);
    CHECK(message(entry({huge, 1}, {0, 0})) == too_many);  // a small file must not request much memory
    CHECK(message(entry({-1}, {1})) == "t: has a negative size or stride");
    CHECK(message(entry({2}, {-1})) == "t: has a negative size or stride");
    CHECK(message(entry({2, 2}, {1, 1})) == "t: its strides make elements overlap");
    CHECK(message(entry({3, 2}, {1, 2})) == "t: its strides make elements overlap");
    ck::tensor_entry other = dense({1});
    other.shard = 1;
    CHECK(message(other) == "t: refers to a shard that does not exist");
}

TEST_CASE("tensor_table: names with colliding hashes are refused", "[tensors]") {
    const std::vector<std::byte> bytes(8);
    ck::tensor_table file;
    REQUIRE(file.add_source(ck::byte_source::from_memory(bytes)));
    std::size_t added = 0;
    cvt::error failure;
    for (int i = 0; added < 600 && !failure; ++i) {
        const std::string name = std::to_string(i);
        if ((cvt::detail::fnv1a(name) & 0xFFF) != 0) continue;
        failure = file.add(name, dense({1}));
        if (!failure) REQUIRE(file.find(name) == static_cast<std::ptrdiff_t>(added++));
    }
    CHECK(added == 512);
    CHECK(failure.code() == cvt::errc::unsupported);
    CHECK_THAT(failure.what(), Catch::Contains("hash collisions among the tensor names"));
}

TEST_CASE("tensor_table: many names are found, and duplicates refused", "[tensors]") {
    const std::vector<std::byte> bytes(8);
    ck::tensor_table file;
    REQUIRE(file.add_source(ck::byte_source::from_memory(bytes)));
    for (int i = 0; i < 5000; ++i) REQUIRE_FALSE(file.add("tensor." + std::to_string(i), dense({i % 8})));
    for (int i = 0; i < 5000; ++i) {
        REQUIRE(file.find("tensor." + std::to_string(i)) == i);
        REQUIRE(file.name(static_cast<std::size_t>(i)) == "tensor." + std::to_string(i));
    }
    CHECK(file.find("tensor.5000") == -1);
    CHECK(file.add("tensor.77", dense({1})).what() == std::string("tensor.77: the name occurs twice"));
    CHECK(file.size() == 5000);
    ck::tensor_table moved = std::move(file);
    CHECK(moved.find("tensor.4999") == 4999);
    CHECK(file.find("tensor.4999") == -1);
}
