// Tests that every recipe of docs/cookbook.md does what the cookbook says.
#include "recipes.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <cvt/extra/decode.hpp>
#include <cvt/kernels/select.hpp>
#include <cvt/test_pattern.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "stand_ins.hpp"
#include "support/temporary_folder.hpp"

// stb_image's functions, with this library's decoder behind them.
stbi_uc* stbi_load(const char* path, int* width, int* height, int* channels_in_file, int desired_channels) {
    const auto image = cvt::read_image(path, cvt::orientation::ignore);
    if (!image || desired_channels != 3) return nullptr;
    *width = image->width;
    *height = image->height;
    *channels_in_file = 3;
    auto* const pixels = static_cast<stbi_uc*>(std::malloc(image->pixels.size()));
    std::copy(image->pixels.begin(), image->pixels.end(), pixels);
    return pixels;
}
void stbi_image_free(void* pixels) { std::free(pixels); }
const char* stbi_failure_reason() { return "can't fopen"; }

namespace {

const std::string data = CVT_TEST_DATA, weights = CVT_WEIGHTS, cathedral = std::string{CVT_IMAGES} + "/berlin_cathedral.jpg",
                  golf_ball = std::string{CVT_IMAGES} + "/golf_ball.png";
constexpr int church = 104, ball = 125, classes = 219, side = 80;  // of the built-in model

std::string bytes_of(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

const cvt::model& nano() {
    static const cvt::model model = load_or_throw(weights.c_str());
    return model;
}

cvt::image photo(const std::string& path) { return std::move(cvt::read_image(path.c_str(), cvt::orientation::exif).value()); }

std::vector<float> logits_of(const cvt::model& model, const cvt::image_view& image, const cvt::session_options& options = {}) {
    std::vector<float> logits(static_cast<std::size_t>(model.config().num_classes));
    cvt::session session{model, options};
    const cvt::error e = session.classify(image, logits);
    INFO(e.what());
    REQUIRE_FALSE(e);
    return logits;
}

int best_of(std::span<const float> logits) { return cvt::top_k<1>(logits)[0].index; }

cvt::result<cvt::model> tiny() { return load_lone_file((data + "/torch/tiny-official.pth").c_str(), {4, 8, 12}, {1, 2, 3}, {1, 1, 1}); }

}  // namespace

TEST_CASE("a model from a folder, from memory, from one file") {
    const cvt::image golf = photo(golf_ball);
    const std::vector<float> expected = logits_of(nano(), golf.view());
    CHECK(best_of(expected) == ball);

    const auto folder = load_folder(weights.c_str());
    REQUIRE(folder);
    CHECK(logits_of(*folder, golf.view()) == expected);
    const std::string file = bytes_of(weights + "/model.safetensors");
    const auto memory = load_from_memory(std::as_bytes(std::span{file}), bytes_of(weights + "/config.json"),
                                         bytes_of(weights + "/preprocessor_config.json"));
    REQUIRE(memory);
    CHECK(logits_of(*memory, golf.view()) == expected);

    REQUIRE(tiny());
    CHECK(tiny()->config().num_classes == 10);
    CHECK_FALSE(cvt::model::load((data + "/torch/tiny-official.pth").c_str()));  // its shapes alone are not enough
    CHECK_FALSE(load_lone_file((data + "/torch/tiny-official.pth").c_str(), {4, 8, 12}, {1, 2, 3}, {1, 1, 2}));
    CHECK_THROWS_AS(load_or_throw("no/such/model"), cvt::bad_result);
}

TEST_CASE("outputs: tensors, batches, embeddings, maps, attention") {
    const cvt::image a = photo(cathedral), b = photo(golf_ball);
    cvt::session session{nano()};

    std::vector<float> input(std::size_t{3} * side * side), logits;
    REQUIRE_FALSE(cvt::preprocess(a.view(), nano().preprocessing(), cvt::view<float, 3>{input.data(), 3, side, side}));
    REQUIRE_FALSE(logits_of_tensor(session, input, side, side, logits));
    CHECK(logits == logits_of(nano(), a.view()));
    CHECK(logits_of_tensor(session, input, side, side + 1, logits).code() == cvt::errc::invalid_argument);

    const cvt::image_view both[]{a.view(), b.view()};
    REQUIRE_FALSE(classify_batch(session, both, logits));
    REQUIRE(logits.size() == 2 * classes);
    CHECK(best_of(std::span{logits}.first(classes)) == church);
    CHECK(best_of(std::span{logits}.last(classes)) == ball);

    CHECK(*similarity(session, a.view(), a.view()) == Approx(1));
    CHECK(*similarity(session, a.view(), b.view()) < 0.6);

    const auto maps = stage_maps(session, a.view());
    REQUIRE(maps);
    REQUIRE(maps->size() == 3);
    const int expected[][3]{{32, 40, 40}, {96, 20, 20}, {192, 10, 10}};
    for (std::size_t i = 0; i < 3; ++i) {
        const feature_map& m = (*maps)[i];
        CHECK(m.channels == expected[i][0]);
        CHECK(m.height == expected[i][1]);
        CHECK(m.width == expected[i][2]);
        CHECK(std::any_of(m.values.begin(), m.values.end(), [](float v) { return v != 0; }));
    }

    const auto attention = attention_map(session, a.view());
    REQUIRE(attention);
    CHECK(attention->channels == 6);
    CHECK(attention->height * attention->width == 25);
    for (std::size_t head = 0; head < 6; ++head) {
        float sum = 0;
        for (std::size_t i = 0; i < 25; ++i) sum += attention->values[head * 25 + i];
        CHECK(sum > 0.1F);
        CHECK(sum < 1.F + 1e-5F);  // the rest is the class token's attention to itself, here less than rounding
    }
}

TEST_CASE("your own classes") {
    const std::vector<std::string> names{"a", "b", "c", "d"};
    CHECK(best_three(std::vector<float>{1, 4, 3, 2}, names) == std::vector<std::string>{"b", "c", "d"});
    const std::vector<float> among = probabilities_among(std::vector<float>{5, 2, 9, 2}, std::vector<int>{1, 3});
    CHECK(among == std::vector<float>{0.5F, 0.5F});
}

TEST_CASE("a head learned from embeddings, written with the checkpoint") {
    const cvt_test::temporary_folder folder;
    const cvt::image photos[]{photo(cathedral), photo(golf_ball)};
    cvt::session session{nano()};
    std::vector<float> embeddings(std::size_t{2} * 192);
    for (std::size_t i = 0; i < 2; ++i) REQUIRE_FALSE(session.embedding(photos[i].view(), std::span{embeddings}.subspan(192 * i, 192)));
    const int labels[]{1, 0};
    const char* const names[]{"ball", "building"};
    const cvt::error e =
        learn_classes(weights.c_str(), cvt::view<const float, 2>{embeddings.data(), 2, 192}, labels, names, (folder / "mine").c_str());
    INFO(e.what());
    if (e.code() == cvt::errc::unsupported) return;  // built without liblbfgs
    REQUIRE_FALSE(e);
    const auto model = cvt::model::load((folder / "mine").c_str());
    REQUIRE(model);
    CHECK(cvt::verify(*model)->good());
    for (std::size_t i = 0; i < 2; ++i) CHECK(best_of(logits_of(*model, photos[i].view())) == labels[i]);
    CHECK(std::string{model->label(1)} == "building");
}

TEST_CASE("classes from a few examples: the nearest prototypes, as with the paper's centring") {
    constexpr std::size_t width = 24, examples = 9, queries = 40;
    std::vector<float> rows((examples + queries) * width);
    cvt::fill_formula_image(rows, 5);
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] += 0.5F;  // so that the mean is not 0
    const std::vector<int> labels{0, 1, 2, 0, 1, 2, 2, 2, 1};
    const cvt::view<const float, 2> supports{rows.data(), examples, width}, others{rows.data() + examples * width, queries, width};

    std::vector<std::vector<double>> unit(examples + queries, std::vector<double>(width));
    std::vector<double> mean(width);
    for (std::size_t i = 0; i < unit.size(); ++i) {
        double squares = 0;
        for (std::size_t j = 0; j < width; ++j) squares += std::pow(static_cast<double>(rows[i * width + j]), 2);
        for (std::size_t j = 0; j < width; ++j) unit[i][j] = static_cast<double>(rows[i * width + j]) / std::sqrt(squares);
        for (std::size_t j = 0; i < examples && j < width; ++j) mean[j] += unit[i][j] / examples;
    }
    const std::vector<int> found = nearest_prototypes(supports, labels, 3, others);
    REQUIRE(found.size() == queries);
    std::array<int, 3> of_class{};
    for (std::size_t q = 0; q < queries; ++q) {
        std::array<double, 3> distance{};
        for (int k = 0; k < 3; ++k)
            for (std::size_t j = 0; j < width; ++j) {
                double prototype = 0, count = 0;
                for (std::size_t i = 0; i < examples; ++i)
                    if (labels[i] == k) prototype += unit[i][j] - mean[j], ++count;
                distance[static_cast<std::size_t>(k)] += std::pow(unit[examples + q][j] - mean[j] - prototype / count, 2);
            }
        CHECK(found[q] == std::min_element(distance.begin(), distance.end()) - distance.begin());
        ++of_class[static_cast<std::size_t>(found[q])];
    }
    CHECK(*std::min_element(of_class.begin(), of_class.end()) > 0);
}

TEST_CASE("pixels: preprocessing, sizes, orientation, parts, other orders") {
    const cvt::preprocessing hf = as_transformers(224), warp = warped(96, 128);
    CHECK(hf.rounding == cvt::crop_rounding::hf);
    CHECK(hf.short_side == 256);
    CHECK(*cvt::output_size(warp, 500, 300) == cvt::grid{96, 128});
    const cvt::image church_photo = photo(cathedral);
    CHECK(best_of(logits_of(nano(), church_photo.view(), {.preprocessing = warped(side, side)})) == church);
    CHECK(logits_of(nano(), church_photo.view(), {.preprocessing = warped(side, side)}) != logits_of(nano(), church_photo.view()));

    CHECK(*input_of_photo(nano(), whole_photo(160), 400, 300) == cvt::grid{160, 213});
    CHECK(*input_of_photo(nano(), untouched_pixels(), 33, 47) == cvt::grid{47, 33});
    CHECK_FALSE(input_of_photo(*tiny(), untouched_pixels(), 400, 1));
    CHECK(best_of(logits_of(nano(), church_photo.view(), {.preprocessing = whole_photo(side)})) == church);

    cvt::session session{nano()};
    std::vector<float> stored(classes);
    const std::string turned = data + "/preprocessing/exif6.jpg";
    REQUIRE_FALSE(classify_as_stored(session, turned.c_str(), stored));
    CHECK(stored != logits_of(nano(), photo(turned).view()));

    // A view of a part equals a copy of it.
    const cvt::image_view part = part_of(church_photo.view(), 20, 10, 64, 48);
    std::vector<std::uint8_t> copy;
    for (int y = 0; y < 48; ++y) copy.insert(copy.end(), part.data + y * part.row_stride, part.data + y * part.row_stride + 64 * 3);
    CHECK(logits_of(nano(), part) == logits_of(nano(), {copy.data(), 64, 48}));
    CHECK(part.data == church_photo.view().data + (10 * church_photo.width + 20) * 3);
}

TEST_CASE("pixels of OpenCV, Qt and stb_image are the picture's, without a copy") {
    const cvt::image rgb = photo(golf_ball);
    const std::vector<float> expected = logits_of(nano(), rgb.view());
    const int width = rgb.width, height = rgb.height;
    // The picture in another order, each row with some bytes behind it.
    const auto stored = [&](int channels, bool bgr, int stride) {
        std::vector<std::uint8_t> bytes(static_cast<std::size_t>(stride * height), 77);
        for (int y = 0; y < height; ++y)
            for (int x = 0; x < width; ++x)
                for (int c = 0; c < 3; ++c)
                    bytes[static_cast<std::size_t>(y * stride + x * channels + (bgr ? 2 - c : c))] =
                        rgb.pixels[static_cast<std::size_t>((y * width + x) * 3 + c)];
        return bytes;
    };
    const auto check = [&](const auto& image, const std::uint8_t* pixels) {
        const cvt::result<cvt::image_view> view = view_of(image);
        REQUIRE(view);
        CHECK(view->data == pixels);
        CHECK(logits_of(nano(), *view) == expected);
    };
    const int wide = 4 * width + 12;
    std::vector<std::uint8_t> bgr = stored(3, true, wide), bgra = stored(4, true, wide), three = stored(3, false, wide);
    const std::vector<std::uint8_t> rgba = stored(4, false, wide);
    const auto row = static_cast<std::size_t>(wide);
    check(cv::Mat{bgr.data(), height, width, {row}, CV_8U, 3}, bgr.data());
    check(cv::Mat{bgra.data(), height, width, {row}, CV_8U, 4}, bgra.data());
    CHECK_FALSE(view_of(cv::Mat{bgr.data(), height, width, {row}, 5, 3}));  // CV_32F
    check(QImage{bgra.data(), width, height, wide, QImage::Format_RGB32}, bgra.data());
    check(QImage{bgra.data(), width, height, wide, QImage::Format_ARGB32}, bgra.data());
    check(QImage{rgba.data(), width, height, wide, QImage::Format_RGBA8888}, rgba.data());
    check(QImage{bgr.data(), width, height, wide, QImage::Format_BGR888}, bgr.data());
    check(QImage{three.data(), width, height, wide, QImage::Format_RGB888}, three.data());
    CHECK_FALSE(view_of(QImage{bgra.data(), width, height, wide, QImage::Format_ARGB32_Premultiplied}));
    const cvt::image_view grey = view_of(QImage{bgra.data(), width, height, wide, QImage::Format_Grayscale8}).value();
    CHECK(grey.channels == 1);

    cvt::session session{nano()};
    std::vector<float> logits(classes);
    REQUIRE_FALSE(classify_with_stb(session, golf_ball.c_str(), logits));
    CHECK(logits == expected);
    CHECK(std::string{classify_with_stb(session, "no/such.png", logits).what()} == "no/such.png: can't fopen");
}

TEST_CASE("the host's threads, one session per thread, kernels by name") {
    const cvt::image a = photo(cathedral), b = photo(golf_ball);
    host_threads host;
    CHECK(logits_of(nano(), a.view(), {.executor = on_threads_of(host)}) == logits_of(nano(), a.view()));
    const std::vector<cvt::image_view> images{a.view(), b.view(), a.view(), {}, b.view()};
    CHECK(classify_all(nano(), images, 3) == std::vector<int>{church, ball, church, -1, ball});

    const std::string last = cvt::kernels::available().back()->name;
    const auto portable = load_for(weights.c_str(), last.c_str());
    REQUIRE(portable);
    CHECK(portable->kernels() == last);
    const auto none = load_for(weights.c_str(), "none such");
    REQUIRE_FALSE(none);
    CHECK(std::string{none.error().what()}.find(last) != std::string::npos);
}

TEST_CASE("errors as values, without exceptions") {
    std::string message;
    CHECK(exit_code_of(weights.c_str(), golf_ball.c_str(), message) == 0);
    CHECK(message == "golf ball");
    CHECK(exit_code_of("no/such/model", golf_ball.c_str(), message) == 2);
    CHECK(message.starts_with("io: no/such/model"));
    CHECK(exit_code_of(weights.c_str(), (weights + "/CARD.md").c_str(), message) == 4);
}

TEST_CASE("a converted checkpoint: half the size, its labels, its self-test") {
    const cvt_test::temporary_folder folder;
    const auto model = tiny();
    REQUIRE(model);
    const std::vector<const char*> labels{"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"};
    const std::string to = folder / "tiny-f16", from = data + "/torch/tiny-official.pth";
    const cvt::error e = convert_to_f16(from.c_str(), model->config(), labels, to.c_str());
    INFO(e.what());
    REQUIRE_FALSE(e);
    CHECK(10 * std::filesystem::file_size(to + "/model.safetensors") < 6 * std::filesystem::file_size(from));
    const auto converted = load_folder(to.c_str());
    REQUIRE(converted);
    CHECK(std::string{converted->label(7)} == "seven");
    CHECK_FALSE(check_numbers(*converted));
    CHECK(check_numbers(*model).code() == cvt::errc::invalid_argument);
    CHECK(convert_to_f16("no/such.pth", model->config(), {}, (folder / "other").c_str()).code() == cvt::errc::io);
}

TEST_CASE("memory computed before it is allocated, and files from strangers") {
    const auto one = bytes_of_sessions(nano(), {160, 160}, 1, 1), four = bytes_of_sessions(nano(), {160, 160}, 4, 2);
    REQUIRE(one);
    CHECK(*one > nano().memory_bytes() + std::size_t{3} * 160 * 160 * sizeof(float));
    CHECK(*four - nano().memory_bytes() > 4 * (*one - nano().memory_bytes()));
    CHECK_FALSE(bytes_of_sessions(nano(), {0, 160}, 1, 1));

    std::vector<float> logits(classes);
    const std::string upload = bytes_of(golf_ball), no_picture(1000, 'x'), too_long((20 << 20) + 1, '\0');
    CHECK_FALSE(classify_upload(nano(), std::as_bytes(std::span{upload}), logits));
    CHECK(best_of(logits) == ball);
    CHECK(classify_upload(nano(), std::as_bytes(std::span{no_picture}), logits).code() == cvt::errc::unsupported);
    CHECK(classify_upload(nano(), std::as_bytes(std::span{too_long}), logits).code() == cvt::errc::bad_image);

    CHECK(load_from_stranger(weights.c_str()));
    CHECK_FALSE(load_from_stranger((data + "/torch/hostile-reduce.pth").c_str()));
}
