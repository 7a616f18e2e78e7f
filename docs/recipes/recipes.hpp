// Declares the recipes of docs/cookbook.md for the test that runs them, tests/docs/recipes_test.cpp.
#pragma once

#include <array>
#include <cstddef>
#include <cvt/cost.hpp>
#include <cvt/image.hpp>
#include <cvt/model.hpp>
#include <cvt/session.hpp>
#include <cvt/top_k.hpp>
#include <cvt/verify.hpp>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// loading.cpp
cvt::result<cvt::model> load_folder(const char* folder);
cvt::result<cvt::model> load_lone_file(const char* path, std::array<int, 3> widths, std::array<int, 3> heads, std::array<int, 3> depths);
cvt::result<cvt::model> load_from_memory(std::span<const std::byte> weights, std::string_view config_json,
                                         std::string_view preprocessor_json);
cvt::model load_or_throw(const char* path);

// outputs.cpp
cvt::error logits_of_tensor(cvt::session& session, const std::vector<float>& input, int height, int width, std::vector<float>& logits);
cvt::error classify_batch(cvt::session& session, std::span<const cvt::image_view> images, std::vector<float>& logits);
cvt::result<double> similarity(cvt::session& session, const cvt::image_view& a, const cvt::image_view& b);
struct feature_map {
    int channels, height, width;
    std::vector<float> values;  // (channels, height, width)
};
cvt::result<std::vector<feature_map>> stage_maps(cvt::session& session, const cvt::image_view& image);
cvt::result<feature_map> attention_map(cvt::session& session, const cvt::image_view& image);

// classes.cpp
std::vector<std::string> best_three(std::span<const float> logits, std::span<const std::string> names);
std::vector<float> probabilities_among(std::span<const float> logits, std::span<const int> classes);

// heads.cpp
cvt::error learn_classes(const char* model, cvt::view<const float, 2> embeddings, std::span<const int> labels,
                         std::span<const char* const> names, const char* folder);
std::vector<int> nearest_prototypes(cvt::view<const float, 2> supports, std::span<const int> labels, int classes,
                                    cvt::view<const float, 2> queries);

// pixels.cpp
cvt::preprocessing as_transformers(int size);
cvt::preprocessing warped(int height, int width);
cvt::preprocessing whole_photo(int short_side);
cvt::preprocessing untouched_pixels();
cvt::result<cvt::grid> input_of_photo(const cvt::model& model, const cvt::preprocessing& how, int photo_width, int photo_height);
cvt::error classify_as_stored(cvt::session& session, const char* path, std::span<float> logits);
cvt::image_view part_of(const cvt::image_view& image, int left, int top, int width, int height);

// host_images.cpp
namespace cv {
struct Mat;
}
class QImage;
cvt::result<cvt::image_view> view_of(const cv::Mat& mat);
cvt::result<cvt::image_view> view_of(const QImage& image);
cvt::error classify_with_stb(cvt::session& session, const char* path, std::span<float> logits);

// threads.cpp
struct host_threads {  // stands for the thread pool of a host
    int count = 3;
    void for_each(int tasks, const std::function<void(int)>& task);
};
cvt::executor on_threads_of(host_threads& host);
std::vector<int> classify_all(const cvt::model& model, std::span<const cvt::image_view> images, int threads);
cvt::result<cvt::model> load_for(const char* path, const char* kernels);

// errors.cpp, which is compiled with -fno-exceptions -fno-rtti: it cannot share cvt's types with the other files
int exit_code_of(const char* model_path, const char* photo_path, std::string& message);

// checkpoints.cpp
cvt::error convert_to_f16(const char* checkpoint, const cvt::config& config, std::span<const char* const> labels, const char* folder);
cvt::error check_numbers(const cvt::model& model);

// limits.cpp
cvt::result<std::size_t> bytes_of_sessions(const cvt::model& model, cvt::grid input, int sessions, int workers);
cvt::error classify_upload(const cvt::model& model, std::span<const std::byte> file, std::span<float> logits);
cvt::result<cvt::model> load_from_stranger(const char* path);
