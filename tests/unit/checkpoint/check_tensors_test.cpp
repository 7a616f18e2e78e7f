// check_tensors: how tensors are found; tensors that share their bytes cannot make a large model from a small file.
#include <catch2/catch.hpp>
#include <string>

#include <cvt/checkpoint/check_tensors.hpp>
#include <cvt/network/tensor_list.hpp>
#include <support/session_fixture.hpp>

namespace {

using namespace cvt::checkpoint;

/// Makes a table of all tensors of `c`, each at the beginning of `bytes`.
tensor_table all_at_once(const cvt::config& c, const std::string& bytes) {
    tensor_table file;
    REQUIRE(file.add_source(byte_source::from_memory(std::as_bytes(std::span{bytes}))));
    cvt::network::for_each_tensor(c, [&](const cvt::network::tensor_info& t) {
        const char* const name = t.name;
        const std::span<const std::int64_t> shape = t.extents();
        tensor_entry entry;
        entry.rank = static_cast<std::uint8_t>(shape.size());
        std::copy(shape.begin(), shape.end(), entry.shape);
        entry.set_contiguous();
        REQUIRE_FALSE(file.add(name, entry));
    });
    return file;
}

}  // namespace

TEST_CASE("a small file cannot make a large model") {
    cvt::config c = cvt_test::tiny_config();
    const name_style official{};
    std::size_t floats = 0;
    c.stage[2].depth = 20;
    cvt::network::for_each_tensor(c, [&](const cvt::network::tensor_info& t) {
        const std::span<const std::int64_t> shape = t.extents();
        std::size_t n = 1;
        for (const std::int64_t extent : shape) n *= static_cast<std::size_t>(extent);
        floats += n;
    });
    const std::string enough(floats * sizeof(float) / 8 + 8, '\0'), fewer(floats * sizeof(float) / 8 - 8, '\0');
    tensor_index index, other;
    cvt::warning_list warnings;
    CHECK_FALSE(check_tensors(all_at_once(c, enough), official, c, index, warnings));
    const cvt::error e = check_tensors(all_at_once(c, fewer), official, c, other, warnings);
    CHECK(e.code() == cvt::errc::unsupported);
    CHECK_THAT(e.what(), Catch::Contains("tensors share storage"));
}

TEST_CASE("the tensors of a configuration are found once, by official name and in the order of for_each_tensor") {
    const cvt::config c = cvt_test::tiny_config();
    const name_style wrapped{naming::hf, "a/module."};
    const std::string bytes(1 << 20, '\0');
    tensor_table file;
    REQUIRE(file.add_source(byte_source::from_memory(std::as_bytes(std::span{bytes}))));
    std::vector<std::string> names;
    std::vector<std::vector<std::int64_t>> shapes;
    cvt::network::for_each_tensor(c, [&](const cvt::network::tensor_info& t) {
        const char* const name = t.name;
        const std::span<const std::int64_t> shape = t.extents();
        names.emplace_back(name);
        shapes.emplace_back(shape.begin(), shape.end());
    });
    for (std::size_t i = names.size(); i-- > 0;) {  // in reverse order in the file
        tensor_entry entry;
        entry.rank = static_cast<std::uint8_t>(shapes[i].size());
        std::copy(shapes[i].begin(), shapes[i].end(), entry.shape);
        entry.set_contiguous();
        REQUIRE_FALSE(file.add(wrapped.in_file(names[i]).view(), entry));
    }
    tensor_index index;
    cvt::warning_list warnings;
    REQUIRE_FALSE(check_tensors(file, wrapped, c, index, warnings));
    REQUIRE(index.tensor_of.size() == names.size());
    for (std::size_t i = 0; i < names.size(); ++i) {
        CHECK(index.names[i] == names[i]);
        CHECK(index.tensor_of[i] == names.size() - 1 - i);
        CHECK(index.find(names[i].c_str()) == static_cast<std::ptrdiff_t>(names.size() - 1 - i));
    }
    CHECK(index.find("head.other") == -1);
    CHECK(index.find(std::string(wrapped.in_file("head.bias").view()).c_str()) == -1);
}
