// Parses the command line with CLI11.
#include "options.hpp"

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdlib>
#include <cvt/runtime/executor.hpp>
#include <cvt/version.hpp>
#include <filesystem>
#include <iostream>
#include <map>
#include <sstream>
#include <string_view>

#include "common/failure.hpp"
#include "common/paths.hpp"
#include "common/suggest.hpp"
#include "common/text.hpp"

namespace app {
namespace {

constexpr int max_workers = 256;

constexpr const char* examples = R"(Examples:
  classify photo.jpg                                the built-in model, which --info describes
  classify --model cvt-13/ photo.jpg                a Hugging Face folder
  classify --model cvt-13/ --format jsonl photos/   every picture of a folder, one JSON object per line
  find . -name '*.jpg' | classify --workers 4 -     four images at a time, records in the order of the list
  classify --model cvt-13/ --input x.npy --logits y.npy
  classify --attention maps/ photo.jpg              draws the model's attention over the photo
  classify --model protoclr.pth --embedding e.npy recordings/     a row for every 6 seconds
  classify --model cvt-13/ --evaluate val/ --classes LOC_synset_mapping.txt --batch 8
  classify --model cvt-13/ --evaluate LOC_val_solution.csv --classes LOC_synset_mapping.txt val/
  classify --model cvt-13/ --format jsonl --shard 0/8 --out {shard}.jsonl --resume photos/
  classify --model cvt-21/ --info
  classify --model CvT-13-224x224-IN-1k.pth --convert cvt-13/
  classify --model cvt-13/ --verify
  classify --model cvt-13/ --learn photos/ --convert my-classes/     photos/CLASS/*.jpg: your own classes
  classify --model cvt-13/ --similar photo.jpg --sheet sheet.png photos/

Exit codes: 0 all good, 1 some inputs failed or an output could not be written (a message says which), 2 wrong usage, 3 the model
could not be loaded, 130 interrupted.
Records go to standard output (--out: to a file) in input order, one per image or chunk of a recording, also for failed ones;
everything else goes to standard error.)";

template <class T>
CLI::Option* add_choice(CLI::App& app, const std::string& name, T& target, const std::map<std::string, T>& choices,
                        const std::string& help) {
    std::string names;
    std::vector<std::string> known;
    for (const auto& choice : choices) {
        names += (names.empty() ? "" : "|") + choice.first;
        known.push_back(choice.first);
    }
    return app
        .add_option_function<std::string>(
            name,
            [&target, choices, name, names, known](const std::string& given) {
                const auto found = choices.find(given);
                if (found == choices.end())
                    throw CLI::ValidationError(name, "expected " + names + ", found \"" + given + "\"" + did_you_mean(given, known));
                target = found->second;
            },
            help)
        ->type_name(names);
}

template <class T>
CLI::Option* add_choice(CLI::App& app, const std::string& name, std::optional<T>& target, const std::map<std::string, T>& choices,
                        const std::string& help) {
    std::map<std::string, std::optional<T>> optional_choices;
    for (const auto& choice : choices) optional_choices.emplace(choice.first, choice.second);
    return add_choice<std::optional<T>>(app, name, target, optional_choices, help);
}

template <class T>
CLI::Option* add_number(CLI::App& app, const std::string& name, T& target, std::uint64_t first, std::uint64_t last,
                        const std::string& help) {
    return app
        .add_option_function<std::string>(
            name,
            [&target, name, first, last](const std::string& given) {
                const std::optional<std::uint64_t> number = whole_number(given);
                if (!number || *number < first || *number > last)
                    throw CLI::ValidationError(name, "expected a whole number from " + std::to_string(first) + " to " +
                                                         std::to_string(last) + ", found \"" + given + '"');
                target = static_cast<int>(*number);
            },
            help)
        ->type_name("N");
}

// One number, or one for each of R, G and B.
std::array<float, 3> parse_channels(const std::string& option, const std::string& given) {
    std::vector<float> values;
    std::istringstream parts{given};
    bool good = !given.empty() && given.back() != ',';
    for (std::string part; good && std::getline(parts, part, ',');) {
        char* end = nullptr;
        values.push_back(std::strtof(part.c_str(), &end));
        good = !part.empty() && *end == '\0' && std::isfinite(values.back()) && (option != "--std" || values.back() != 0);
    }
    if (!good || (values.size() != 1 && values.size() != 3))
        throw CLI::ValidationError(option, std::string{option == "--std" ? "expected one number other than 0, or three (R,G,B)"
                                                                         : "expected one number, or three (R,G,B)"} +
                                               ", found \"" + given + '"');
    return {values.front(), values[values.size() / 2], values.back()};
}

double parse_seconds(const std::string& option, const std::string& given) {
    char* end = nullptr;
    const double seconds = std::strtod(given.c_str(), &end);
    if (given.empty() || *end != '\0' || !(seconds >= 0.001 && seconds <= 86400))
        throw CLI::ValidationError(option, "expected seconds from 0.001 to 86400, found \"" + given + '"');
    return seconds;
}

// A side, or HEIGHTxWIDTH.
cvt::grid parse_size(const std::string& given) {
    const auto side = [&given](const std::string& text) {
        const std::optional<std::uint64_t> number = whole_number(text);
        if (!number || *number < 1 || *number > cvt::maximum_input)
            throw CLI::ValidationError("--size", "expected a whole number from 1 to " + std::to_string(cvt::maximum_input) +
                                                     ", or a height and a width (128x301), found \"" + given + '"');
        return static_cast<int>(*number);
    };
    const std::size_t x = given.find('x');
    if (x == std::string::npos) return {side(given), side(given)};
    return {side(given.substr(0, x)), side(given.substr(x + 1))};
}

const CLI::Validator not_empty{[](const std::string& given) { return given.empty() ? "expected a name, found nothing" : ""; }, ""};

// CLI11's check does not interpret names as UTF-8 on Windows.
const CLI::Validator existing_file{[](const std::string& given) {
                                       std::error_code missing;
                                       const std::filesystem::file_status found = std::filesystem::status(path_of(given), missing);
                                       if (!std::filesystem::exists(found)) return "expected a file, found no " + given;
                                       return std::filesystem::is_directory(found) ? "expected a file, found the folder " + given
                                                                                   : std::string{};
                                   },
                                   ""};

// CLI11 would use the next argument, a photo, as the value of --out=$UNSET, and the program would overwrite it.
void check_values(int argc, const char* const* argv) {
    for (int i = 1; i < argc && argv[i] != std::string_view{"--"}; ++i)
        if (const std::string_view given = argv[i]; given.starts_with("--") && given.find('=') == given.size() - 1)
            throw failure{wrong_usage, std::string{given} + ": expected a value, found nothing"};
}

// Returns the arguments in CLI11's order, last one first. CLI11 would parse the brackets of a folder called [2019] as a list.
std::vector<std::string> arguments(int argc, const char* const* argv) {
    std::vector<std::string> all;
    for (int i = argc - 1; i > 0; --i) {
        const std::string given = argv[i];
        all.push_back((given.starts_with('[') && given.ends_with(']') ? "./" : "") + given);
    }
    return all;
}

// Replaces {shard} in the name of an output by the part: "records-{shard}.jsonl" becomes records-2-of-8.jsonl. Under mpirun there is no
// shell that could insert it.
void name_part(const char* option, std::string& path, const std::optional<shard>& part) {
    const std::string place = "{shard}";
    for (std::size_t at = 0; (at = path.find(place, at)) != std::string::npos;) {
        if (!part) throw failure{wrong_usage, std::string{option} + ": {shard} in a name stands for the part of --shard: give both"};
        path.replace(at, place.size(), part->name());
    }
}

std::string unknown_option(const CLI::App& app) {
    std::vector<std::string> known;
    for (const CLI::Option* option : app.get_options())
        for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
    const std::vector<std::string> unknown = app.remaining();
    const std::string& first = unknown.front();
    return "unknown option " + first + " (see --help)" + did_you_mean(first.substr(0, first.find('=')), known);
}

}  // namespace

std::optional<options> parse_options(int argc, const char* const* argv) {
    options o;
    CLI::App app{"Classify images and recordings with a CvT (Convolutional vision Transformer) on the CPU.", "classify"};
    app.footer(examples);
    app.allow_windows_style_options(false);  // /photos is a folder
    app.set_help_flag("-h,--help", "print this help and exit");
    app.set_version_flag("--version", "classify " CVT_VERSION_STRING, "print the version and exit");
    app.get_formatter()->column_width(36);

    app.add_option(
           "inputs", o.inputs,
           "pictures (or recordings, for a model for sounds), folders of them, or - for lines of standard input: paths, or {\"path\": ..., "
           "\"id\": ...}")
        ->option_text("[image | recording | folder | -]...");
    const auto add_text = [&app](const char* name, std::string& target, const char* type, const char* help) {
        return app.add_option(name, target, help)->type_name(type)->check(not_empty);
    };

    const std::string model = "Model";
    add_text("--model", o.model, "PATH", "Hugging Face folder, .safetensors, .bin or .pth; default: built in")->group(model);
    add_choice<cvt::config>(app, "--variant", o.variant, {{"cvt-13", cvt::cvt_13}, {"cvt-21", cvt::cvt_21}, {"cvt-w24", cvt::cvt_w24}},
                            "configuration of a checkpoint that has none; default: recognised by its shapes")
        ->group(model);
    add_text("--config", o.config, "FILE", "config.json for a checkpoint that has none, of any other configuration")
        ->check(existing_file)
        ->group(model);
    add_text("--weights-key", o.weights_key, "PATH", "the weights to load from a file that holds several sets, such as model_ema")
        ->group(model);
    add_choice<cvt::gelu>(app, "--gelu", o.gelu, {{"quick", cvt::gelu::quick}, {"erf", cvt::gelu::erf}},
                          "activation; default: hidden_act in config.json, else by the tensors' naming")
        ->group(model);
    add_choice<cvt::precision>(
        app, "--precision", o.precision, {{"f32", cvt::precision::f32}, {"int8", cvt::precision::int8}},
        "weights as float32, or as int8: faster, a quarter of the memory, a little less exact; default: as in the file")
        ->group(model);
    add_text("--labels", o.labels, "FILE", "names of the classes, one per line")->check(existing_file)->group(model);
    add_text("--preprocessor", o.preprocessor, "FILE", "a preprocessor_config.json instead of the model's own")
        ->check(existing_file)
        ->group(model);
    add_number(app, "--threads", o.threads, 1, cvt::executor::max_workers, "threads for one forward pass (1)")->group(model);
    add_number(app, "--batch", o.batch, 1, 1024, "images in one forward pass (1)")->group(model);
    add_number(app, "--workers", o.workers, 1, max_workers, "batches that run at the same time, each with its own --threads (1)")
        ->group(model);
    add_text("--kernels", o.kernels, "NAME", "kernel set; default: the best for this CPU")->group(model);

    const std::string images = "Images";
    app.add_option_function<std::string>(
           "--size", [&o](const std::string& given) { o.size = parse_size(given); },
           "side of the input in pixels, or its height and width; default: the model's")
        ->type_name("N|HxW")
        ->group(images);
    add_choice<resize_method>(app, "--resize", o.resize, {{"crop", resize_method::crop}, {"warp", resize_method::warp}},
                              "crop: the short side to this size, then the centre; warp: to a square; default: the model's")
        ->group(images);
    add_choice<cvt::crop_rounding>(app, "--crop", o.crop, {{"official", cvt::crop_rounding::official}, {"hf", cvt::crop_rounding::hf}},
                                   "rounding of an odd crop: as torchvision (official) or as transformers (hf)")
        ->group(images);
    add_choice<cvt::resampling>(app, "--resample", o.resample,
                                {{"nearest", cvt::resampling::nearest},
                                 {"lanczos", cvt::resampling::lanczos},
                                 {"bilinear", cvt::resampling::bilinear},
                                 {"bicubic", cvt::resampling::bicubic},
                                 {"box", cvt::resampling::box},
                                 {"hamming", cvt::resampling::hamming}},
                                "Pillow's filter for resizing; default: the model's")
        ->group(images);
    const auto add_channels = [&app, &images](const std::string& name, std::optional<std::array<float, 3>>& target, const char* help) {
        app.add_option_function<std::string>(
               name, [&target, name](const std::string& given) { target = parse_channels(name, given); }, help)
            ->type_name("R,G,B")
            ->group(images);
    };
    add_channels("--mean", o.mean, "mean of the pixels from 0 to 1, or one number for all channels; default: the model's");
    add_channels("--std", o.std, "standard deviation, in the same form");
    add_choice<cvt::orientation>(app, "--orient", o.orient, {{"exif", cvt::orientation::exif}, {"ignore", cvt::orientation::ignore}},
                                 "turn photos as EXIF says (exif), or not, as ImageNet evaluation does")
        ->group(images);
    add_number(app, "--max-pixels", o.max_pixels, 1, 16384 * 16384,
               "refuse larger pictures; default: 100 to 268 million, depending on the memory")
        ->group(images);

    const std::string recordings = "Recordings, for a model for sounds";
    app.add_option_function<std::string>(
           "--hop", [&o](const std::string& given) { o.hop = parse_seconds("--hop", given); },
           "seconds from the beginning of one chunk to that of the next; default: a chunk's length")
        ->type_name("SECONDS")
        ->group(recordings);
    add_choice<cvt::sound_padding>(app, "--pad", o.pad, {{"zero", cvt::sound_padding::zeros}, {"repeat", cvt::sound_padding::repeat}},
                                   "how to fill up a chunk that is too short; default: the model's")
        ->group(recordings);

    const std::string tensors = "Tensors in and out, float32";
    add_text("--input", o.input, "FILE.npy", "(N,C,H,W) or (C,H,W), normalised, instead of images")->check(existing_file)->group(tensors);
    add_text("--logits", o.logits, "FILE.npy", "write (N,K), a row per record; NaN for a failed input")->group(tensors);
    add_text("--embedding", o.embedding, "FILE.npy", "write (N,D), the vector before the head")->group(tensors);
    add_text("--dump-input", o.dump_input, "FILE.npy", "write (N,C,H,W), the preprocessed images or spectrograms")->group(tensors);

    const std::string output = "Output";
    add_choice<record_format>(app, "--format", o.format,
                              {{"text", record_format::text}, {"jsonl", record_format::jsonl}, {"csv", record_format::csv}},
                              "one record per image or chunk (text)")
        ->group(output);
    add_number(app, "--top-k", o.top_k, 1, 10'000'000, "classes in a record (5)")->group(output);
    add_text("--attention", o.attention, "DIR", "draw over each photo or spectrogram where the model looked: DIR/NAME.attention.png")
        ->group(output);
    add_number(app, "--repeat", o.repeat, 1, 1'000'000, "time N more runs of each forward pass")->group(output);
    app.add_flag("--info", o.info, "describe the model and its costs")->group(output);

    const std::string jobs = "Large jobs";
    std::string part;
    bool fail_fast = false;
    std::optional<int> max_errors;
    app.add_flag("--tar", o.tar, "inputs are tar archives (WebDataset shards) of images, or folders of .tar files")->group(jobs);
    add_text("--shard", part, "i/n|auto", "one of n parts of the inputs, from 0; auto: chosen by Slurm or Open MPI")->group(jobs);
    add_text("--out", o.out, "FILE", "write records to FILE; {shard} in the names of outputs becomes i-of-n")->group(jobs);
    app.add_flag("--resume", o.resume, "continue FILE: skip inputs that have a record (--format jsonl)")->group(jobs);
    app.add_flag("--fail-fast", fail_fast, "end at the first input that fails")->group(jobs);
    add_number(app, "--max-errors", max_errors, 0, 1'000'000'000, "end when more than N inputs failed")->group(jobs);

    const std::string evaluation = "Evaluation";
    add_text(
        "--evaluate", o.evaluate, "DIR|LIST",
        "measure the accuracy on photos or recordings in one folder per class, named by label or index, or in a list (PATH LABEL, or CSV)")
        ->group(evaluation);
    add_text("--truth", o.truth, "FILE", "classes of photos in one flat DIR: one line per photo, in the order of their names")
        ->check(existing_file)
        ->group(evaluation);
    add_text("--classes", o.classes, "FILE", "maps other names to classes; each line has a name (n01440764), then a label or an index")
        ->check(existing_file)
        ->group(evaluation);

    const std::string learning = "Learning and searching";
    add_text("--learn", o.learn, "DIR",
             "learn a new head from photos or recordings in one folder per class, and write the model with --convert")
        ->group(learning);
    add_choice<cvt::head_method>(app, "--method", o.method,
                                 {{"logistic", cvt::head_method::logistic}, {"prototype", cvt::head_method::prototype}},
                                 "logistic regression, or class means for few photos (logistic)")
        ->group(learning);
    app.add_flag("--balanced", o.balanced, "give every class the same weight, however many photos it has")->group(learning);
    add_number(app, "--views", o.views, 1, max_views, "learn from N views of each photo: mirrored, cropped (1)")->group(learning);
    add_text("--similar", o.similar, "FILE", "list the inputs most like this photo or recording, nearest first (--top-k)")->group(learning);
    add_text("--cache", o.cache, "FILE", "keep embeddings in FILE, for later runs with more photos")->group(learning);
    add_text("--sheet", o.sheet, "FILE.png", "draw the photos found by --similar, or --learn's labels to check")->group(learning);

    const std::string conversion = "Conversion";
    add_text("--convert", o.convert, "OUT", "write the model as a new Hugging Face folder, with safetensors")->group(conversion);
    add_choice<dtype_choice>(app, "--dtype", o.dtype,
                             {{"f32", dtype_choice::f32}, {"f16", dtype_choice::f16}, {"int8", dtype_choice::int8}},
                             "type of the weights that --convert writes (f32)")
        ->group(conversion);
    app.add_flag("--verify", o.verify, "run the self-test that --convert stored, and print the difference")->group(conversion);

    check_values(argc, argv);
    try {
        app.parse(arguments(argc, argv));
    } catch (const CLI::Success& asked) {  // --help, --version
        app.exit(asked, std::cout, std::cerr);
        return std::nullopt;
    } catch (const CLI::ExtrasError&) {
        throw failure{wrong_usage, unknown_option(app)};
    } catch (const CLI::ArgumentMismatch& wrong) {
        const std::string text = wrong.what(), name = text.substr(0, text.find(':'));
        throw failure{wrong_usage, name + (text.ends_with("missing") ? ": expected a value, found nothing" : " is given more than once")};
    } catch (const CLI::ParseError& wrong) {
        throw failure{wrong_usage, wrong.what()};
    }
    if (fail_fast && max_errors) throw failure{wrong_usage, "--fail-fast and --max-errors both limit the failures: leave one of them out"};
    if (fail_fast) o.max_errors = 0;
    if (max_errors) o.max_errors = static_cast<std::size_t>(*max_errors);
    if (!part.empty()) o.shard = part == "auto" ? shard_from_environment() : parse_shard(part);
    for (const auto& [option, path] : {std::pair{"--out", &o.out},
                                       {"--logits", &o.logits},
                                       {"--embedding", &o.embedding},
                                       {"--dump-input", &o.dump_input},
                                       {"--attention", &o.attention}})
        name_part(option, *path, o.shard);
    check_options(o);
    return o;
}

}  // namespace app
