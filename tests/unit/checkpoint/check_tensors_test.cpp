// checkpoint/fit.hpp: tensors that share their bytes cannot make a model of a small file a large one.
#include <catch2/catch.hpp>
#include <string>

#include <cvt/checkpoint/check_tensors.hpp>
#include <support/session_fixture.hpp>

namespace {

using namespace cvt::checkpoint;

/// Every tensor of `c`, all of them at the beginning of `bytes`.
tensor_file all_at_once(const cvt::config& c, const std::string& bytes) {
    tensor_file file;
    REQUIRE(file.add_source(byte_source::from_memory(std::as_bytes(std::span{bytes}))));
    for_each_tensor(c, [&](const char* name, std::span<const std::int64_t> shape) {
        tensor_entry entry;
        entry.rank = static_cast<std::uint8_t>(shape.size());
        std::copy(shape.begin(), shape.end(), entry.shape);
        entry.set_contiguous();
        REQUIRE_FALSE(file.add(name, entry));
    });
    return file;
}

}  // namespace

TEST_CASE("a small file does not become a large model") {
    cvt::config c = cvt_test::tiny_config();
    const name_style official{};
    std::size_t floats = 0;
    c.stage[2].depth = 20;
    for_each_tensor(c, [&](const char*, std::span<const std::int64_t> shape) {
        std::size_t n = 1;
        for (const std::int64_t extent : shape) n *= static_cast<std::size_t>(extent);
        floats += n;
    });
    const std::string enough(floats * sizeof(float) / 8 + 8, '\0'), fewer(floats * sizeof(float) / 8 - 8, '\0');
    CHECK_FALSE(check_fit(all_at_once(c, enough), official, c));
    const cvt::error e = check_fit(all_at_once(c, fewer), official, c);
    CHECK(e.code() == cvt::errc::unsupported);
    CHECK_THAT(e.what(), Catch::Contains("share so many bytes"));
}
