// preprocessor_config.json: all common forms of size, crop and normalisation, and the refused ones.
#include <cvt/checkpoint/hf_preprocessor.hpp>

#include <array>
#include <catch2/catch.hpp>
#include <string>
#include <utility>

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
    // One number is that of every channel.
    const cvt::preprocessing scalar = parsed("'image_mean': 0.5, 'image_std': 2");
    CHECK((scalar.mean_count == 3 && scalar.std_count == 3));
    CHECK((scalar.mean == std::array<float, 4>{0.5F, 0.5F, 0.5F, 0.5F} && scalar.std == std::array<float, 4>{2, 2, 2, 2}));
    CHECK(message("'image_mean': '0.5'") ==
          "preprocessor_config.json: image_mean: expected a number, or a list of numbers, one for each channel, found \"0.5\"");
    CHECK(message("'image_std': 1e39") == "preprocessor_config.json: image_std: expected a float32, found the real number 1e+39");
    CHECK(message("'image_std': [1, '2', 3]") == "preprocessor_config.json: image_std[1]: expected a number, found \"2\"");
    CHECK(message("'image_std': [1, 1, 1e39]") ==
          "preprocessor_config.json: image_std[2]: expected a float32, found the real number 1e+39");
}

TEST_CASE("hf_preprocessor: wrong documents are refused", "[hf_preprocessor]") {
    const std::string resample =
        "preprocessor_config.json: resample: expected 0 to 5, or nearest, lanczos, bilinear, bicubic, box or hamming, found ";
    CHECK(message("'resample': 6") == resample + "6");
    CHECK(message("'resample': -1") == resample + "-1");
    CHECK(message("'resample': 2.5") == resample + "the real number 2.5");
    CHECK(message("'resample': 'cubic'") == resample + "\"cubic\"");
    CHECK(message("'resample': 'bilinear '") == resample + "\"bilinear \"");
    CHECK(message("'resample': true") == resample + "true");
    CHECK(message("'do_resize': false, 'resample': 9") == "accepted");
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
    CHECK(message("'do_rescale': 0") == "preprocessor_config.json: do_rescale: expected true or false, found 0");
    CHECK(message("'rescale_factor': 0") == "preprocessor_config.json: rescale_factor: expected 1e-30 to 1e30, found 0");
    CHECK(message("'rescale_factor': -1") == "preprocessor_config.json: rescale_factor: expected 1e-30 to 1e30, found -1");
    CHECK(message("'rescale_factor': 1e300") ==
          "preprocessor_config.json: rescale_factor: expected 1e-30 to 1e30, found the real number 1e+300");
    CHECK(message("'size': {'shortest_edge': 224, 'longest_edge': 448}") ==
          "preprocessor_config.json: size.longest_edge: expected \"shortest_edge\" alone, or \"height\" and \"width\", found 448");
    CHECK(message("'size': {'shortest_edge': 224, 'longest_edge': null}") == "accepted");
    CHECK(message("'size': {'height': 224, 'width': 224, 'depth': 3}") ==
          "preprocessor_config.json: size.depth: expected \"shortest_edge\" alone, or \"height\" and \"width\", found 3");
    CHECK(message("'crop_size': {'height': 224, 'width': 224, 'x\\u0007': 3}") ==
          "preprocessor_config.json: crop_size.x?: expected \"shortest_edge\" alone, or \"height\" and \"width\", found 3");
    CHECK(message("'crop_size': {'shortest_edge': 224}") ==
          "preprocessor_config.json: crop_size: expected an integer or {\"height\", \"width\"}, found an object");
    CHECK(message("'do_pad': true") == "preprocessor_config.json: do_pad: expected false, found true");
    CHECK(ck::read_hf_preprocessor(json("'do_flip_channel_order': true")).error().code() == cvt::errc::unsupported);
    CHECK(message("'do_pad': false, 'do_flip_channel_order': null, 'rescale_offset': false") == "accepted");
    CHECK(ck::read_hf_preprocessor("[]").error().code() == cvt::errc::bad_config);
    CHECK(message("'size': 224,") == "preprocessor_config.json: JSON line 1, byte 13: expected a key in quotes, found '}'");
}

TEST_CASE("hf_preprocessor: filters by number and by name", "[hf_preprocessor]") {
    const std::pair<const char*, cvt::resampling> filters[]{{"nearest", cvt::resampling::nearest},   {"lanczos", cvt::resampling::lanczos},
                                                            {"bilinear", cvt::resampling::bilinear}, {"bicubic", cvt::resampling::bicubic},
                                                            {"box", cvt::resampling::box},           {"hamming", cvt::resampling::hamming}};
    for (int i = 0; i < 6; ++i) {  // Pillow's numbers
        const auto& [name, filter] = filters[i];
        CHECK(parsed("'resample': " + std::to_string(i)).resample == filter);
        CHECK(parsed("'resample': '" + std::string{name} + "'").resample == filter);
    }
    CHECK(parsed("'resample': 'LanCZOS'").resample == cvt::resampling::lanczos);
    CHECK(parsed("").resample == cvt::resampling::bicubic);
}

TEST_CASE("hf_preprocessor: rescaling", "[hf_preprocessor]") {
    const double official = cvt::preprocessing{}.rescale_factor;
    for (const char* same : {"", "'rescale_factor': null", "'rescale_factor': 0.00392156862745098", "'rescale_factor': 0.003921569"})
        CHECK(parsed(same).rescale_factor == official);
    CHECK(parsed("'rescale_factor': 0.00784313725490196").rescale_factor == 0.00784313725490196);
    CHECK(parsed("'rescale_factor': 0.0039").rescale_factor == 0.0039);
    CHECK(parsed("'rescale_factor': 1").rescale_factor == 1);
    CHECK(parsed("'do_rescale': false, 'rescale_factor': 0.5").rescale_factor == 1);
}

namespace {

const std::string values = ", 'resample': 2, 'image_mean': [0.5, 0.5, 0.5], 'image_std': [0.5, 0.5, 0.5]";

std::string of(const std::string& type, const std::string& rest) {
    return (type.ends_with("FeatureExtractor") ? "'feature_extractor_type': '" : "'image_processor_type': '") + type + "', " + rest +
           values;
}

}  // namespace

TEST_CASE("hf_preprocessor: each processor of transformers reads size and crop_size in its own way", "[hf_preprocessor]") {
    for (const char* type : {"ViTFeatureExtractor", "ViTImageProcessor", "ViTImageProcessorFast", "SiglipImageProcessor"}) {
        check_warp(of(type, "'size': 224"), 224, 224);
        check_warp(of(type, "'size': 384"), 384, 384);
        check_warp(of(type, "'size': {'height': 160, 'width': 192}"), 160, 192);
        check_warp(of(type, "'size': 224, 'crop_size': 200, 'do_center_crop': false"), 224, 224);  // which only others read
        check_warp(of(type, "'size': 224, 'crop_pct': 0.5"), 224, 224);
        check_warp(of(type, "'size': 224, 'crop_size': {'height': 224, 'width': 224}, 'do_center_crop': true"), 224, 224);
        const cvt::preprocessing p = parsed(of(type, "'size': {'shortest_edge': 224}"));
        CHECK((p.resize == rule::short_side && p.short_side == 224 && !p.center_crop));
        CHECK_THAT(message(of(type, "'size': 224, 'crop_size': 200, 'do_center_crop': true")),
                   Catch::Contains("do_center_crop: expected false, or a crop_size equal to size"));
        CHECK_THAT(message(of(type, "'size': {'shortest_edge': 224}, 'crop_size': 224, 'do_center_crop': true")),
                   Catch::Contains("do_center_crop: expected false"));
    }
    for (const char* type : {"DeiTFeatureExtractor", "DeiTImageProcessor", "BeitFeatureExtractor", "BeitImageProcessorFast"}) {
        const cvt::preprocessing p = parsed(of(type, "'size': 256, 'crop_size': 224"));
        CHECK((p.resize == rule::warp && p.resize_height == 256 && p.resize_width == 256));
        CHECK((p.center_crop && p.crop_height == 224 && p.crop_width == 224));
        check_warp(of(type, "'size': {'height': 384, 'width': 384}, 'do_center_crop': false"), 384, 384);
    }
    for (const char* type : {"CLIPFeatureExtractor", "CLIPImageProcessor", "BitImageProcessor", "MobileNetV2ImageProcessor"}) {
        check_crop(of(type, "'size': 256, 'crop_size': 224"), 256, 224);
        check_crop(of(type, "'size': {'shortest_edge': 448}, 'crop_size': {'height': 384, 'width': 384}"), 448, 384);
        check_crop(of(type, "'size': 224, 'crop_pct': 0.875, 'crop_size': 224"), 224, 224);  // no crop_pct there
        CHECK_FALSE(parsed(of(type, "'size': 224, 'crop_size': 224, 'do_center_crop': false")).center_crop);
        const cvt::preprocessing p = parsed(of(type, "'size': {'height': 100, 'width': 120}, 'crop_size': {'height': 80, 'width': 90}"));
        CHECK((p.resize == rule::warp && p.resize_width == 120 && p.center_crop && p.crop_height == 80 && p.crop_width == 90));
    }
    check_crop(of("LevitFeatureExtractor", "'size': 224, 'crop_size': 224"), 256, 224);
    check_crop(of("LevitImageProcessor", "'size': {'shortest_edge': 160}, 'crop_size': 160"), 182, 160);
}

TEST_CASE("hf_preprocessor: ConvNext's processor crops by itself, whatever crop_size says", "[hf_preprocessor]") {
    for (const char* type : {"ConvNextFeatureExtractor", "ConvNextImageProcessor", "ConvNextImageProcessorFast"}) {
        check_crop(of(type, "'size': 224"), 256, 224);
        check_crop(of(type, "'size': {'shortest_edge': 224}, 'crop_pct': 0.9"), 248, 224);
        check_crop(of(type, "'size': {'shortest_edge': 383}, 'crop_pct': 0.95"), 403, 383);
        check_warp(of(type, "'size': {'shortest_edge': 384}, 'crop_pct': 0.875"), 384, 384);
        check_warp(of(type, "'size': {'height': 160, 'width': 160}"), 160, 160);
        check_crop(of(type, "'size': 224, 'crop_size': 200"), 256, 224);
        check_crop(of(type, "'size': 224, 'crop_size': {'height': 100, 'width': 120}"), 256, 224);
        check_crop(of(type, "'size': 224, 'do_center_crop': false"), 256, 224);
        check_crop(of(type, "'size': 224, 'do_center_crop': true"), 256, 224);
        check_crop(of(type, "'size': 224, 'do_center_crop': true, 'crop_size': 224"), 256, 224);
        check_warp(of(type, "'size': 384, 'crop_size': 200"), 384, 384);
        const cvt::preprocessing p = parsed(of(type, "'do_resize': false, 'size': 224"));
        CHECK((p.resize == rule::none && !p.center_crop));
        CHECK_THAT(message(of(type, "'size': 224, 'do_center_crop': true, 'crop_size': 200")),
                   Catch::Contains("do_center_crop: expected false, or a crop_size equal to size"));
    }
}

TEST_CASE("hf_preprocessor: processors by name, and what they need", "[hf_preprocessor]") {
    // image_processor_type goes first.
    CHECK(parsed("'feature_extractor_type': 'ConvNextFeatureExtractor', " + of("ViTImageProcessor", "'size': 224")).resize == rule::warp);
    const std::string unknown =
        ": expected the class of ConvNext, ViT, Siglip, DeiT, Beit, CLIP, Bit, Levit, MobileNetV1 or MobileNetV2, found ";
    CHECK(message("'image_processor_type': 'MobileViTImageProcessor'") ==
          "preprocessor_config.json: image_processor_type" + unknown + "\"MobileViTImageProcessor\"");
    CHECK(message("'feature_extractor_type': 'ViTTokenizer'") ==
          "preprocessor_config.json: feature_extractor_type" + unknown + "\"ViTTokenizer\"");
    CHECK(message("'image_processor_type': 1") == "preprocessor_config.json: image_processor_type" + unknown + "1");
    CHECK(ck::read_hf_preprocessor(json("'image_processor_type': 'X'")).error().code() == cvt::errc::unsupported);
    // Defaults of transformers that changed are not guessed; those of ConvNextFeatureExtractor are the official ones.
    CHECK(message("'image_processor_type': 'ViTImageProcessor', 'size': 224") ==
          "preprocessor_config.json: resample is missing: the default of ViTImageProcessor differs between versions of transformers");
    CHECK_THAT(message("'image_processor_type': 'ConvNextImageProcessor', 'resample': 3"), Catch::Contains("size is missing"));
    CHECK_THAT(message("'image_processor_type': 'ViTImageProcessor', 'size': 9, 'resample': 3"), Catch::Contains("image_mean is missing"));
    CHECK_THAT(message("'image_processor_type': 'ViTImageProcessor', 'size': 9, 'resample': 3, 'image_mean': 0"),
               Catch::Contains("image_std is missing"));
    CHECK_THAT(message(of("CLIPImageProcessor", "'size': 224")), Catch::Contains("crop_size is missing"));
    check_warp("'image_processor_type': 'ViTImageProcessor', 'size': 9, 'resample': 3, 'do_normalize': false", 9, 9);
    CHECK(parsed("'image_processor_type': 'ViTImageProcessor', 'do_resize': false, 'do_normalize': false").resize == rule::none);
    check_crop("'feature_extractor_type': 'ConvNextFeatureExtractor'", 256, 224);
}
