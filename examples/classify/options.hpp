// The options of the command line, parsed and checked as far as this needs no model.
#pragma once

#include <array>
#include <cvt/audio.hpp>
#include <cvt/config.hpp>
#include <cvt/extra/decode.hpp>
#include <cvt/extra/head_trainer.hpp>
#include <cvt/image.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/input_size.hpp"
#include "shard.hpp"

namespace app {

enum class record_format { text, jsonl, csv };

enum class dtype_choice : unsigned char { f32, f16, int8 };

/// Maximum of --views: the photo and its mirror image, and both for four crops.
constexpr int max_views = 10;

/// Empty strings and optionals were not given.
struct options {
    std::vector<std::string> inputs;  ///< images or recordings, folders, "-"
    std::string model, labels, config, preprocessor, weights_key;
    std::optional<cvt::config> variant;
    std::optional<cvt::gelu> gelu;
    std::optional<cvt::precision> precision;
    std::optional<cvt::grid> size;  ///< of the input
    std::optional<resize_method> resize;
    std::optional<cvt::resampling> resample;
    std::optional<std::array<float, 3>> mean, std;  ///< of the pixels' values, by channel
    std::optional<cvt::crop_rounding> crop;
    std::optional<cvt::orientation> orient;
    std::optional<int> max_pixels;  ///< of a picture
    std::optional<double> hop;      ///< seconds from the beginning of one chunk of a recording to that of the next
    std::optional<cvt::sound_padding> pad;
    std::optional<int> top_k;
    int threads = 1, batch = 1, workers = 1, repeat = 0;
    std::string kernels;
    record_format format = record_format::text;
    std::string input, logits, embedding, dump_input;  ///< .npy files
    std::string attention;                             ///< the folder for pictures
    std::string evaluate, truth, classes;              ///< a folder or a list; the labels of a flat folder; a mapping file
    std::string convert;                               ///< the folder to write
    std::optional<dtype_choice> dtype;                 ///< of the weights that --convert writes
    std::string learn;                                 ///< the folder of class folders
    std::optional<cvt::head_method> method;            ///< of --learn
    bool balanced = false;                             ///< weighs classes equally in --learn
    std::optional<int> views;                          ///< of each photo in --learn
    std::string similar;                               ///< the photo to find others like
    std::string cache, sheet;                          ///< files of embeddings and of a picture, for --learn and --similar
    bool info = false, verify = false;
    bool tar = false;                       ///< inputs are archives of images
    std::optional<app::shard> shard;        ///< of the inputs, the ones to classify
    std::string out;                        ///< the file for records; empty: standard output
    bool resume = false;                    ///< that file holds the records of an earlier run
    std::optional<std::size_t> max_errors;  ///< failed inputs that do not end the run; --fail-fast is 0
};

/// Null when --help or --version was asked for and printed. Throws failure (wrong_usage).
std::optional<options> parse_options(int argc, const char* const* argv);

/// Throws failure (wrong_usage) if options contradict each other. setup.hpp checks those that depend on the model.
void check_options(const options& o);

}  // namespace app
