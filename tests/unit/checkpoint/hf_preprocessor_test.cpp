// preprocessor_config.json: all common forms of size, crop and normalisation, and the refused ones.
#include <cvt/checkpoint/hf_preprocessor.hpp>

#include <catch2/catch.hpp>
#include <string>

namespace ck = cvt::checkpoint;
using rule = cvt::preprocessing::resize_rule;

namespace {

std::string json(std::string text) {
    for (char& c : text)
        if (c == '\'') c = '"';
    return "{" + text + "}";
}

cvt::preprocessing parsed(const std::string& text) {
    auto r = ck::read_hf_preprocessor(json(text));
    INFO(r.error().what());
    REQUIRE(r);
    return *r;
}

std::string message(const std::string& text) {
    auto r = ck::read_hf_preprocessor(json(text));
    return r ? "accepted" : r.error().what();
}

void check_crop(const std::string& text, int short_side, int crop) {
    CAPTURE(text);
    const cvt::preprocessing p = parsed(text);
    CHECK(p.resize == rule::short_side);
    CHECK(p.short_side == short_side);
    CHECK(p.center_crop);
    CHECK(p.crop_height == crop);
    CHECK(p.crop_width == crop);
}

void check_warp(const std::string& text, int height, int width) {
    CAPTURE(text);
    const cvt::preprocessing p = parsed(text);
    CHECK(p.resize == rule::warp);
    CHECK(p.resize_height == height);
    CHECK(p.resize_width == width);
    CHECK_FALSE(p.center_crop);
}

}  // namespace

TEST_CASE("hf_preprocessor: the published forms of size", "[hf_preprocessor]") {
    check_crop(
        "'crop_pct': 0.875, 'do_normalize': true, 'do_resize': true, 'feature_extractor_type': 'ConvNextFeatureExtractor',"
        "'image_mean': [0.485, 0.456, 0.406], 'image_std': [0.229, 0.224, 0.225], 'resample': 3, 'size': 224",
        256, 224);
    check_crop("'size': {'shortest_edge': 224}", 256, 224);
    check_crop("", 256, 224);
    check_crop("'size': null, 'crop_pct': null, 'resample': null", 256, 224);
    check_crop("'size': 383", 437, 383);
    check_crop("'size': 224, 'crop_pct': 0.9", 248, 224);
    check_crop("'size': 224, 'crop_pct': 1", 224, 224);
    check_warp("'size': 384, 'crop_pct': 0.875", 384, 384);
    check_warp("'size': {'shortest_edge': 384}", 384, 384);
    check_warp("'size': {'height': 160, 'width': 192}", 160, 192);
    CHECK(parsed("'size': 224").rounding == cvt::crop_rounding::official);
}

TEST_CASE("hf_preprocessor: a separate crop size", "[hf_preprocessor]") {
    check_crop("'size': 256, 'crop_size': 224", 256, 224);
    check_crop("'size': {'shortest_edge': 448}, 'crop_size': {'height': 384, 'width': 384}", 448, 384);
    check_crop("'size': 224, 'crop_pct': 0.9, 'crop_size': 200", 248, 200);
    check_crop("'size': 224, 'crop_size': 224, 'do_center_crop': true", 224, 224);
    CHECK_FALSE(parsed("'size': 224, 'crop_size': 224, 'do_center_crop': false").center_crop);
    CHECK_FALSE(parsed("'size': 224, 'do_center_crop': false").center_crop);
    const cvt::preprocessing p = parsed("'size': {'height': 100, 'width': 120}, 'crop_size': {'height': 80, 'width': 90}");
    CHECK(p.resize == rule::warp);
    CHECK(p.resize_width == 120);
    CHECK(p.center_crop);
    CHECK(p.crop_height == 80);
    CHECK(p.crop_width == 90);
}

TEST_CASE("hf_preprocessor: without resizing", "[hf_preprocessor]") {
    const cvt::preprocessing p = parsed("'do_resize': false, 'resample': 2");
    CHECK(p.resize == rule::none);
    CHECK_FALSE(p.center_crop);
    CHECK(parsed("'do_resize': false, 'crop_size': 100").center_crop);
    CHECK(parsed("'do_resize': false, 'do_center_crop': true, 'size': 224").crop_width == 224);
}

TEST_CASE("hf_preprocessor: mean and std", "[hf_preprocessor]") {
    const cvt::preprocessing p = parsed("'image_mean': [0.5, 0.25, 1], 'image_std': [2, 0.5, 0.1]");
    CHECK(p.normalize);
    CHECK(p.mean_count == 3);
    CHECK(p.std_count == 3);
    CHECK((p.mean[0] == 0.5F && p.mean[1] == 0.25F && p.mean[2] == 1.F));
    CHECK((p.std[0] == 2.F && p.std[1] == 0.5F && p.std[2] == 0.1F));
    CHECK(parsed("").mean == cvt::preprocessing{}.mean);
    CHECK_FALSE(parsed("'do_normalize': false, 'image_mean': 'x'").normalize);
    // preprocess() compares the counts with an image's channels.
    CHECK(parsed("'image_mean': [0.5]").mean_count == 1);
    CHECK(parsed("'image_mean': [1, 2, 3, 4, 5, 6]").mean_count == 6);
    CHECK(message("'image_mean': 0.5") ==
          "preprocessor_config.json: image_mean: expected a list of numbers, one for each channel, found the real number 0.5");
    CHECK(message("'image_std': [1, '2', 3]") == "preprocessor_config.json: image_std[1]: expected a number, found \"2\"");
    CHECK(message("'image_std': [1, 1, 1e39]") ==
          "preprocessor_config.json: image_std[2]: expected a float32, found the real number 1e+39");
}

TEST_CASE("hf_preprocessor: wrong documents are refused", "[hf_preprocessor]") {
    CHECK(message("'resample': 2") == "preprocessor_config.json: resample: expected 3 (bicubic), found 2");
    CHECK(ck::read_hf_preprocessor(json("'resample': 2")).error().code() == cvt::errc::unsupported);
    CHECK(message("'resample': 'bicubic'") == "preprocessor_config.json: resample: expected an integer, found \"bicubic\"");
    const std::string size = "preprocessor_config.json: size: expected an integer, {\"shortest_edge\"} or {\"height\", \"width\"}, found ";
    CHECK(message("'size': '224'") == size + "\"224\"");
    CHECK(message("'size': [224, 224]") == size + "a list");
    CHECK(message("'size': {'height': 224}") == size + "an object");
    CHECK(message("'size': 0") == "preprocessor_config.json: size: expected 1 to 65536 pixels, found 0");
    CHECK(message("'size': 224.5") == "preprocessor_config.json: size: expected an integer, found the real number 224.5");
    CHECK(message("'size': {'shortest_edge': -1}") == "preprocessor_config.json: size.shortest_edge: expected 1 to 65536 pixels, found -1");
    CHECK(message("'size': {'height': 1, 'width': null}") == "preprocessor_config.json: size: expected an integer, found null");
    CHECK(message("'crop_size': 'x'") ==
          "preprocessor_config.json: crop_size: expected an integer or {\"height\", \"width\"}, found \"x\"");
    CHECK(message("'crop_size': 70000") == "preprocessor_config.json: crop_size: expected 1 to 65536 pixels, found 70000");
    CHECK(message("'crop_pct': 0") == "preprocessor_config.json: crop_pct: expected 0.01 to 1, found 0");
    CHECK(message("'crop_pct': 1.5") == "preprocessor_config.json: crop_pct: expected 0.01 to 1, found the real number 1.5");
    CHECK(message("'do_resize': 1") == "preprocessor_config.json: do_resize: expected true or false, found 1");
    CHECK(message("'do_rescale': false") == "preprocessor_config.json: do_rescale: expected true, found false");
    CHECK(message("'rescale_factor': 0.00392156862745098, 'do_rescale': true") == "accepted");
    CHECK(message("'rescale_factor': 1.0") == "preprocessor_config.json: rescale_factor: expected 1/255, found the real number 1");
    CHECK(message("'size': 224,") == "preprocessor_config.json: JSON line 1, byte 13: expected a key in quotes, found '}'");
}
