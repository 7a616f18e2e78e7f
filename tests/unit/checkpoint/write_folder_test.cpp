// write_folder: a folder from a configuration and any weight source, without a checkpoint.
#include <cvt/checkpoint/write_folder.hpp>
#include <cvt/network/tensor_list.hpp>

#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "support/checkpoints.hpp"
#include "support/session_fixture.hpp"
#include "support/temporary_folder.hpp"

using namespace cvt_test;
namespace ck = cvt::checkpoint;

namespace {

cvt::error read_formula(void*, const char* name, std::span<const std::int64_t> shape, float* out) {
    const std::vector<float> values = formula_tensor(name, shape, 3);
    std::memcpy(out, values.data(), values.size() * sizeof(float));
    return {};
}

/// Writes a model as the folder `path`, which must be new or empty.
cvt::error write_folder(const char* path, const cvt::preprocessing& p, std::span<const char* const> labels,
                        const ck::folder_weights& weights, ck::safetensors_header& written) {
    ck::folder_texts texts;
    ck::output_folder folder;
    if (cvt::error e = ck::make_texts(weights.config, {.preprocessing = &p}, labels, weights.type, texts)) return e;
    if (cvt::error e = folder.create(path)) return e;
    return ck::write_folder(folder, texts, weights, written);
}

}  // namespace

TEST_CASE("write_folder: from a weight_source, labels and preprocessing", "[folder]") {
    const temporary_folder folder;
    const cvt::config c = tiny_config();
    std::vector<const char*> labels(static_cast<std::size_t>(c.num_classes), "a class");
    ck::folder_weights weights{c, {nullptr, read_formula}};
    weights.counters = {nullptr, [](const void*, const char* name, std::int64_t& out) {
                            out = std::string_view{name}.ends_with("num_batches_tracked") ? (std::int64_t{1} << 40) + 1 : 0;
                            return cvt::error{};
                        }};
    ck::safetensors_header written;
    const cvt::error e = write_folder((folder / "out").c_str(), cvt::preprocessing::for_size(384), labels, weights, written);
    INFO(e.what());
    REQUIRE_FALSE(e);

    const auto back = ck::open((folder / "out").c_str());
    INFO(back.error().what());
    REQUIRE(back);
    CHECK(back->config == c);
    CHECK(back->preprocessing.resize_width == 384);
    CHECK(std::string{back->labels[c.num_classes - 1]} == "a class");
    CHECK(back->self_test.empty());
    CHECK(back->tensors.size() == written.tensors());
    int wrong = 0;
    cvt::network::for_each_tensor(c, [&](const cvt::network::tensor_info& t) {
        const char* const name = t.name;
        const std::span<const std::int64_t> shape = t.extents();
        wrong += read_tensor(*back, name, shape) == formula_tensor(name, shape, 3) ? 0 : 1;
    });
    CHECK(wrong == 0);
    std::int64_t steps = 0;
    REQUIRE_FALSE(back->read_step_counter("stage0.blocks.0.attn.conv_proj_q.bn.num_batches_tracked", steps));
    CHECK(steps == (std::int64_t{1} << 40) + 1);  // more than a float32 holds
    REQUIRE_FALSE(back->read_step_counter("head.num_batches_tracked", steps));
    CHECK(steps == 0);
}

TEST_CASE("write_folder: a weight that becomes int8 is read once", "[folder]") {
    const temporary_folder folder;
    std::map<std::string, int> reads;
    const ck::folder_weights weights{.config = tiny_config(),
                                     .source = {&reads,
                                                [](void* context, const char* name, std::span<const std::int64_t> shape, float* out) {
                                                    ++(*static_cast<std::map<std::string, int>*>(context))[name];
                                                    return read_formula(nullptr, name, shape, out);
                                                }},
                                     .type = ck::dtype::i8};
    ck::safetensors_header written;
    REQUIRE_FALSE(write_folder((folder / "out").c_str(), cvt::preprocessing::for_size(32), {}, weights, written));
    for (const auto& [name, count] : reads) {
        INFO(name);  // fc1 and the norm before it are read for its bias, too
        CHECK(count == (name.ends_with("fc1.weight") || name.find(".norm2.") != std::string::npos ? 2 : 1));
    }
    CHECK(reads.contains("stage1.blocks.0.attn.proj_q.weight"));
}

TEST_CASE("write_folder: an error of the source leaves no folder", "[folder]") {
    const temporary_folder folder;
    const cvt::config c = tiny_config();
    const ck::folder_weights weights{c, {nullptr, [](void*, const char* name, std::span<const std::int64_t>, float*) {
                                             return cvt::error::format(cvt::errc::io, "%s: gone", name);
                                         }}};
    ck::safetensors_header written;
    const std::string path = folder / "out";
    CHECK(write_folder(path.c_str(), cvt::preprocessing::for_size(224), {}, weights, written).what() ==
          std::string{"stage0.patch_embed.proj.weight: gone"});
    CHECK_FALSE(std::filesystem::exists(path));
}
