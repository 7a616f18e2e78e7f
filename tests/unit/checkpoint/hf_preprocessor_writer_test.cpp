// write_hf_preprocessor: the text reads back as the same preprocessing, with the name of the right processor.
#include <cvt/checkpoint/hf_preprocessor.hpp>

#include <catch2/catch.hpp>
#include <string>

#include "support/json.hpp"

namespace ck = cvt::checkpoint;
using cvt::preprocessing;
using rule = preprocessing::resize_rule;

namespace {

/// Returns the text for `p`, after checking that it reads back as `p`.
nlohmann::json written(const preprocessing& p) {
    ck::json_writer json{ck::json_writer::layout::indented};
    const cvt::error e = write_hf_preprocessor(p, json);
    INFO(e.what());
    REQUIRE_FALSE(e);
    const std::string text{json.text()};
    INFO(text);
    const auto back = ck::read_hf_preprocessor(text);
    INFO(back.error().what());
    REQUIRE(back);
    CHECK(back->resize == p.resize);
    CHECK(back->center_crop == p.center_crop);
    if (p.resize == rule::short_side) CHECK(back->short_side == p.short_side);
    if (p.resize == rule::warp) CHECK(back->resize_height == p.resize_height);
    if (p.resize == rule::warp) CHECK(back->resize_width == p.resize_width);
    if (p.center_crop) CHECK(back->crop_height == p.crop_height);
    if (p.center_crop) CHECK(back->crop_width == p.crop_width);
    CHECK(back->resample == (p.resize == rule::none ? cvt::resampling::bicubic : p.resample));
    CHECK(back->rescale_factor == p.rescale_factor);
    CHECK(back->normalize == p.normalize);
    if (p.normalize) CHECK(back->mean == p.mean);
    if (p.normalize) CHECK(back->std == p.std);
    if (p.normalize) CHECK(back->mean_count == p.mean_count);
    return cvt_test::parse_json(text);
}

}  // namespace

TEST_CASE("write_hf_preprocessor: the official rule at every size", "[hf]") {
    for (int side = 1; side <= 1000; ++side) {
        const nlohmann::json json = written(preprocessing::for_size(side));
        CHECK(json["image_processor_type"] == "ConvNextImageProcessor");
        CHECK(json["size"]["shortest_edge"] == side);
        CHECK(json["crop_pct"] == 0.875);
    }
}

TEST_CASE("write_hf_preprocessor: all other kinds of preprocessing", "[hf]") {
    const auto kind = [](const preprocessing& p) { return written(p)["image_processor_type"].get<std::string>(); };
    for (const rule r : {rule::none, rule::short_side, rule::warp}) {
        for (const bool crop : {false, true}) {
            for (const int side : {96, 500}) {
                preprocessing p;
                p.resize = r;
                p.center_crop = crop;
                p.short_side = 300;
                p.resize_height = side;
                p.resize_width = side + 1;
                p.crop_height = side + 2;
                p.crop_width = side + 3;
                CHECK(kind(p) == (r == rule::warp && !crop ? "ViTImageProcessor" : "CLIPImageProcessor"));
            }
        }
    }
    preprocessing p = preprocessing::for_size(224);
    p.short_side = 257;
    CHECK(kind(p) == "CLIPImageProcessor");
    p = preprocessing::for_size(160);
    p.resize = rule::warp;
    p.center_crop = false;
    CHECK(kind(p) == "ViTImageProcessor");
    p = preprocessing::for_size(384);
    p.normalize = false;
    CHECK(kind(p) == "ConvNextImageProcessor");
    p = preprocessing::for_size(224);
    p.mean_count = p.std_count = 1;
    p.mean = {0.5F, 0.456F, 0.406F, 0.F};
    CHECK(kind(p) == "ConvNextImageProcessor");
}

TEST_CASE("write_hf_preprocessor: filters and factors", "[hf]") {
    for (const rule r : {rule::none, rule::short_side, rule::warp}) {
        for (int filter = 0; filter < 6; ++filter) {
            for (const double factor : {1.0 / 255, 1.0, 1 / 127.5, 1.0 / 256}) {
                preprocessing p;
                p.resize = r;
                p.resample = static_cast<cvt::resampling>(filter);
                p.rescale_factor = factor;
                const nlohmann::json json = written(p);
                CHECK(json["resample"] == filter);
                CHECK(json["do_rescale"] == (factor != 1));
                CHECK(json["rescale_factor"].get<double>() == factor);
            }
        }
    }
}
