// Sizes whose products overflow: counted without overflow, and refused before any allocation or access.
#include <catch2/catch.hpp>
#include <cstdint>
#include <cstdio>
#include <cvt/checkpoint/formats/read_files.hpp>
#include <cvt/cost.hpp>
#include <cvt/extra/npy.hpp>
#include <cvt/model.hpp>
#include <cvt/session.hpp>
#include <fstream>
#include <limits>
#include <string>

#include "support/safetensors_writer.hpp"
#include "support/session_fixture.hpp"
#include "support/temporary_folder.hpp"

using namespace cvt_test;
using Catch::Matchers::Contains;

namespace {

/// The largest configuration that validate() accepts, with strides that keep the grids large.
cvt::config largest_config() {
    cvt::config c;
    c.num_stages = cvt::config::max_stages;
    c.num_channels = 4096;
    c.num_classes = 10'000'000;
    for (cvt::stage_config& s : c.stage) {
        s.embed_dim = 65536;
        s.num_heads = 65536;
        s.depth = 1024;
        s.patch_size = 255;
        s.patch_stride = 1;
        s.patch_padding = 127;
        s.mlp_ratio = 64;
        s.cls_token = true;
        s.kernel_qkv = 63;
        s.padding_q = s.padding_kv = 31;
        s.stride_kv = 1;
    }
    return c;
}

}  // namespace

TEST_CASE("the largest configuration and input are counted without overflow") {
    const cvt::config c = largest_config();
    REQUIRE_FALSE(validate(c));
    const auto shape = cvt::shape_of(c, cvt::maximum_input, cvt::maximum_input);
    REQUIRE(shape);
    if constexpr (sizeof(void*) == 8)
        CHECK(std::int64_t{shape->last_stage().queries()} == (std::int64_t{1} << 32) + 1);
    else
        CHECK(shape->last_stage().queries() == std::numeric_limits<std::ptrdiff_t>::max());
    CHECK_THAT(multiply_adds(c, cvt::maximum_input, cvt::maximum_input).error().what(), Contains("2^63 or more"));
    CHECK(*multiply_adds(c, 1, 1) > 0);
    const cvt::error addressable = cvt::network::check_addressable(c, *shape);
    CHECK(static_cast<bool>(addressable) == (sizeof(void*) == 4));
    for (const cvt::kernels::kernel_set* set : cvt::kernels::available()) {
        if (addressable) break;
        const cvt::network::workspace plan = cvt::network::plan_workspace(c, *shape, *set, cvt::executor::max_workers, nullptr);
        // At least the tokens of two stages, normalised tokens, q, k and v.
        CHECK(static_cast<double>(plan.bytes) >= 4.0 * 6.0 * 65536.0 * 4294967297.0);
        CHECK(static_cast<double>(plan.bytes) < 4e18);
    }
    const cvt::weight_source none{nullptr, [](void*, const char*, std::span<const std::int64_t>, float*) { return cvt::error{}; }};
    const cvt::error e = cvt::model::from_weights(c, none).error();
    CHECK(e.code() == cvt::errc::out_of_memory);
    double bytes = 0;
    if constexpr (sizeof(void*) == 8) {
        REQUIRE(std::sscanf(e.what(), "out of memory: model weights needs %lf bytes", &bytes) == 1);
        CHECK(bytes > 4.0 * 8.0 * 1024.0 * (4.0 + 2.0 * 64.0) * 65536.0 * 65536.0);  // the linear layers of all blocks
    } else {
        REQUIRE(std::sscanf(e.what(), "out of memory: stage0.patch_embed.proj.weight needs %lf bytes", &bytes) == 1);
        CHECK(bytes == 4.0 * 65536.0 * 4096.0 * 255.0 * 255.0);
    }
    CHECK(bytes < 4e18);
}

TEST_CASE("a batch with an impossible number of images is refused, even if products wrap around") {
    cvt::config c = tiny_config();
    c.num_classes = 8;
    c.stage[2].embed_dim = 48;
    cvt::session s{make_model(c)};
    const std::vector<float> image = formula_image(32, 32);
    std::vector<float> buffer(48);
    constexpr std::ptrdiff_t max = std::numeric_limits<std::ptrdiff_t>::max(), eighth = max / 4 + 1;
    for (const std::ptrdiff_t count : {eighth + 1, 2 * eighth + 1, 3 * eighth + 1, max / 8 + 2, max}) {
        const cvt::view<const float, 4> input{image.data(), count, 3, 32, 32};
        INFO(count);
        CHECK(s.run(input, {.logits = std::span{buffer}.first(8)}).code() == cvt::errc::invalid_argument);
        CHECK(s.run(input, {.embedding = buffer}).code() == cvt::errc::invalid_argument);
    }
}

TEST_CASE("shapes in files whose products overflow are refused, also with a zero") {
    const auto load = [](const std::string& shape) {
        std::string header = R"({"a": {"dtype": "F32", "shape": )" + shape + R"(, "data_offsets": [0, 0]}})";
        std::string file(8, '\0');
        file[0] = static_cast<char>(header.size());
        file += header;
        return cvt::model::from_memory(std::as_bytes(std::span{file})).error();
    };
    for (const char* shape : {"[4294967296, 4294967296]", "[0, 9223372036854775807, 9223372036854775807]", "[9223372036854775807, 2, 0]",
                              "[2147483648, 2147483648, 2147483648, 0]", "[4611686018427387904]"})
        CHECK_THAT(load(shape).what(), Contains("overflows"));
    CHECK_THAT(load("[9223372036854775808]").what(), Contains("shape: expected a list of non-negative integers"));

    const temporary_folder folder;
    const std::string path = folder / "a.npy";
    for (const char* shape :
         {"(4294967296, 4294967296)", "(9223372036854775807, 2)", "(18446744073709551615,)", "(6148914691236517206, 3)"}) {
        std::string header = std::string{"{'descr': '<f4', 'fortran_order': False, 'shape': "} + shape + ", }\n";
        std::string file{"\x93NUMPY\x01\x00", 8};
        file += static_cast<char>(header.size());
        file += '\0';
        std::FILE* out = std::fopen(path.c_str(), "wb");
        REQUIRE(out != nullptr);
        file += header;
        REQUIRE(std::fwrite(file.data(), 1, file.size(), out) == file.size());
        std::fclose(out);
        INFO(shape);
        CHECK(cvt::read_npy(path.c_str()).error().code() == cvt::errc::malformed);
    }
}

TEST_CASE("images with sides, strides and targets at the limits") {
    const std::uint8_t pixel[4]{};
    float out[3]{};
    const cvt::view<float, 3> one{out, 3, 1, 1};
    constexpr int max = std::numeric_limits<int>::max(), side = 1'000'000;
    constexpr std::ptrdiff_t far = std::numeric_limits<std::ptrdiff_t>::max();
    for (const cvt::image_view& v :
         {cvt::image_view{pixel, max, max}, cvt::image_view{pixel, max, 1, 4}, cvt::image_view{pixel, 1, max},
          cvt::image_view{pixel, 2, 2, 3, far}, cvt::image_view{pixel, 2, side, 3, far / 2}, cvt::image_view{pixel, 2, 2, 3, -far},
          cvt::image_view{pixel, 2, 2, 3, std::numeric_limits<std::ptrdiff_t>::min()}})
        CHECK(cvt::preprocess(v, cvt::preprocessing::for_size(1), one).code() == cvt::errc::bad_image);
    // 1 x 1,000,000 pixels with a short side of 1,000,000: a long side of 10^12, of which the crop keeps a small part
    cvt::preprocessing p = cvt::preprocessing::for_size(8);
    p.short_side = side;
    CHECK(*cvt::output_size(p, 1, side) == cvt::grid{8, 8});
    p.center_crop = false;
    CHECK(cvt::output_size(p, 1, side).error().code() == cvt::errc::bad_image);
    p.short_side = max;
    CHECK(cvt::output_size(p, 1, 1).error().code() == cvt::errc::invalid_argument);
}

TEST_CASE("a tensor beyond the first 4 GiB of a file is read from its place") {
    const temporary_folder folder;
    const std::string path = folder / "large.safetensors";
    constexpr std::uint64_t before = (std::uint64_t{1} << 32) + 8;
    const std::string end = std::to_string(before), after = std::to_string(before + 8);
    std::string header = R"({"a": {"dtype": "U8", "shape": [)" + end + R"(], "data_offsets": [0, )" + end + R"(]}, )";
    header += R"("b": {"dtype": "F32", "shape": [2], "data_offsets": [)" + end + ", " + after + "]}}";
    const float values[]{1.5F, -2.F};
    {
        std::ofstream out{path, std::ios::binary};
        out << static_cast<char>(header.size()) << std::string(7, '\0') << header << "not these";
        out.seekp(static_cast<std::streamoff>(8 + header.size() + before));  // the rest of "a" takes no space on the disk
        out.write(reinterpret_cast<const char*>(values), sizeof values);
        REQUIRE(out.good());
    }
    CHECK(cvt::checkpoint::kind_of(path.c_str()) == cvt::checkpoint::path_kind::file);
    auto file = cvt::checkpoint::byte_source::open(path.c_str());
    INFO(file.error().what());
    REQUIRE(file);
    CHECK(file->size() == 8 + header.size() + before + 8);
    cvt::checkpoint::tensor_table tensors;
    REQUIRE_FALSE(cvt::checkpoint::read_safetensors(std::move(*file), tensors));
    float read[2]{};
    REQUIRE(tensors.find("b") == 1);
    REQUIRE_FALSE(tensors.read(1, read));
    CHECK(read[0] == values[0]);
    CHECK(read[1] == values[1]);
}

#if UINTPTR_MAX == UINT32_MAX
TEST_CASE("32 bits: models that cannot be addressed are errors with their size") {
    const cvt::weight_source none{nullptr, [](void*, const char*, std::span<const std::int64_t>, float*) { return cvt::error{}; }};
    // The weights of the four blocks are 3 * 2^32 bytes, which 32 bits would wrap to 0. Each tensor can be addressed.
    cvt::config c = tiny_config();
    c.num_stages = 1;
    c.stage[0] = {.embed_dim = 8192, .num_heads = 8, .depth = 4};
    cvt::error e = cvt::model::from_weights(c, none).error();
    CHECK(e.code() == cvt::errc::out_of_memory);
    double bytes = 0;
    REQUIRE(std::sscanf(e.what(), "out of memory: model weights needs %lf bytes", &bytes) == 1);
    CHECK(bytes == Approx(4.0 * static_cast<double>(cvt::network::parameters_of(c))).epsilon(1e-3));
    CHECK(bytes > 3.0 * 4294967296.0);
    c.stage[0].embed_dim = 65536;
    e = cvt::model::from_weights(c, none).error();
    CHECK(e.code() == cvt::errc::out_of_memory);
    CHECK_THAT(e.what(), Contains("out of memory: stage0.blocks.0.attn.proj_q.weight needs 17179869184 bytes"));
}

TEST_CASE("32 bits: inputs and images that cannot be addressed are errors with their size") {
    const cvt::model m = make_model(tiny_config());
    cvt::session s{m};
    const float data[1]{};
    std::vector<float> logits(static_cast<std::size_t>(m.config().num_classes));
    const auto run = [&](int height, int width) { return s.logits(cvt::view<const float, 3>{data, 3, height, width}, logits); };
    CHECK_THAT(run(65536, 65536).what(), Contains("out of memory: a feature map needs 51539607552 bytes"));
    CHECK_THAT(run(16384, 32768).what(), Contains("out of memory: a feature map needs 6442450944 bytes"));
    CHECK(run(13000, 13000).code() == cvt::errc::out_of_memory);  // each tensor can be addressed, all together cannot
    CHECK(m.workspace_bytes(65536, 65536).error().code() == cvt::errc::out_of_memory);
    CHECK(m.workspace_bytes(224, 224));

    constexpr int side = 1'000'000;
    const std::uint8_t pixel[4]{};
    float out[3]{};
    CHECK_THAT(cvt::preprocess({pixel, side, side}, cvt::preprocessing::for_size(1), cvt::view<float, 3>{out, 3, 1, 1}).what(),
               Contains("more bytes than this program can address"));
    cvt::preprocessing p;
    p.resize = cvt::preprocessing::resize_rule::warp;
    p.resize_width = p.resize_height = side;
    p.center_crop = false;
    // A column of a million pixels becomes a million columns.
    CHECK(cvt::preprocess({pixel, 1, side}, p, cvt::view<float, 3>{out, 3, side, side}).code() == cvt::errc::out_of_memory);
}
#endif
