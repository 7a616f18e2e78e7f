// Parses the command line with CLI11 and refuses options that contradict each other.
#include "options.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cvt/runtime/executor.hpp>
#include <cvt/version.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>

#include "failure.hpp"

namespace app {
namespace {

constexpr const char* examples = R"(Examples:
  classify photo.jpg                                the built-in model: ten classes, see --info
  classify --model cvt-13/ photo.jpg                a Hugging Face folder
  classify --model cvt-13/ --format jsonl photos/   every JPEG and PNG of a folder, a JSON object a line
  find . -name '*.jpg' | classify --batch 8 --threads 4 -
  classify --model cvt-13/ --input x.npy --logits y.npy
  classify --model cvt-21/ --info
  classify --model CvT-13-224x224-IN-1k.pth --convert cvt-13/
  classify --model cvt-13/ --verify

Exit codes: 0 all good, 1 some inputs failed, 2 wrong usage, 3 the model could not be loaded, 130 interrupted.
Records go to standard output in input order, one an image, failed ones too; everything else to standard error.)";

template <class T>
CLI::Option* add_choice(CLI::App& app, const std::string& name, T& target, const std::map<std::string, T>& choices,
                        const std::string& help) {
    std::string names;
    for (const auto& choice : choices) names += (names.empty() ? "" : "|") + choice.first;
    return app
        .add_option_function<std::string>(
            name,
            [&target, choices, name, names](const std::string& given) {
                const auto found = choices.find(given);
                if (found == choices.end()) throw CLI::ValidationError(name, "expected " + names + ", found \"" + given + "\"");
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

const CLI::Validator not_empty{[](const std::string& given) { return given.empty() ? "expected a name, found nothing" : ""; }, ""};

void refuse(bool contradiction, const std::string& sentence) {
    if (contradiction) throw failure{wrong_usage, sentence};
}

bool same_file(const std::string& a, const std::string& b) {
    std::error_code missing;
    return std::filesystem::weakly_canonical(a, missing) == std::filesystem::weakly_canonical(b, missing) ||
           std::filesystem::equivalent(a, b, missing);
}

// An output opens at once and empties what was there: never a file that is still to be read.
/// Whether `path` is a file that holds something else than an array: a photo or weights that an output must not replace.
bool holds_no_array(const std::string& path) {
    if (std::error_code e; !std::filesystem::is_regular_file(path, e)) return false;
    std::ifstream file{path, std::ios::binary};
    const std::string begin{"\x93NUMPY"};
    std::string found(begin.size(), '\0');
    file.read(found.data(), static_cast<std::streamsize>(found.size()));
    return file.gcount() != 0 && found != begin;
}

void check_outputs(const options& o) {
    const std::pair<const char*, const std::string*> outputs[]{
        {"--logits", &o.logits}, {"--embedding", &o.embedding}, {"--dump-input", &o.dump_input}};
    std::vector<std::pair<std::string, std::string>> taken{
        {"--input", o.input}, {"--model", o.model}, {"--labels", o.labels}, {"--config", o.config}};
    for (const std::string& path : o.inputs)
        if (path != "-") taken.emplace_back("the input", path);
    for (const auto& [name, path] : outputs) {
        if (path->empty()) continue;
        for (const auto& [other_name, other] : taken)
            refuse(!other.empty() && same_file(*path, other), std::string{name} + " and " + other_name + " are the same file, " + *path);
        refuse(holds_no_array(*path), std::string{name} + ": " + *path + " exists and is no .npy file: it is not overwritten");
        taken.emplace_back(name, *path);
    }
}

void check_input(const options& o) {
    refuse(!o.inputs.empty(), "--input stands in for images: give one or the other");
    const std::pair<const char*, bool> of_images[]{{"--size", o.size.has_value()},
                                                   {"--resize", o.resize.has_value()},
                                                   {"--crop", o.crop.has_value()},
                                                   {"--orient", o.orient.has_value()},
                                                   {"--dump-input", !o.dump_input.empty()}};
    for (const auto& [name, given] : of_images) refuse(given, std::string{name} + " is about images, and --input gives finished tensors");
}

void check_info(const options& o) {
    refuse(!o.inputs.empty() || !o.input.empty(), "--info describes the model and classifies nothing: leave the inputs out");
    refuse(o.repeat > 0, "--info describes the model and runs nothing: leave --repeat out");
    refuse(!o.logits.empty() || !o.embedding.empty() || !o.dump_input.empty(), "--info describes the model and writes no .npy files");
    refuse(o.format != record_format::text, "--info is a text for people: --format does not apply");
}

void check_convert(const options& o) {
    refuse(o.dtype && o.convert.empty(), "--dtype is the type of the weights that --convert writes");
    for (const auto& [name, given] : {std::pair{"--convert", !o.convert.empty()}, std::pair{"--verify", o.verify}}) {
        if (!given) continue;
        const std::string alone = std::string{name} + " is about the model and classifies nothing: leave ";
        refuse(!o.inputs.empty() || !o.input.empty(), alone + "the inputs out");
        refuse(o.info || o.repeat > 0, alone + "--info and --repeat out");
        refuse(!o.logits.empty() || !o.embedding.empty() || !o.dump_input.empty(), alone + "the .npy files out");
        refuse(o.format != record_format::text, alone + "--format out");
        refuse(o.crop || o.orient, alone + "--crop and --orient out");
    }
    refuse(!o.convert.empty() && o.verify, "--convert and --verify: first the one, then the other with the folder as --model");
    refuse(!o.convert.empty() && o.model.empty(),
           "--convert needs a checkpoint (--model): the built-in model is a Hugging Face folder already");
}

void check(const options& o) {
    refuse(o.inputs.empty() && o.input.empty() && !o.info && !o.verify && o.convert.empty(),
           "no images given (classify --help shows examples)");
    refuse(std::count(o.inputs.begin(), o.inputs.end(), "-") > 1, "standard input (-) can be read only once");
    refuse(o.variant && !o.config.empty(), "--variant and --config both give a configuration: which one?");
    if (o.variant || !o.config.empty()) {
        const std::string name = o.variant ? "--variant" : "--config";
        refuse(o.model.empty(), name + " is for a checkpoint of your own (--model): the built-in model brings its configuration");
        std::error_code missing;
        refuse(std::filesystem::exists(std::filesystem::path{o.model} / "config.json", missing),
               name + " is for a checkpoint without a configuration: " + o.model + " has a config.json");
    }
    refuse(o.resize == resize_method::warp && o.crop, "--crop places a crop, and --resize warp does not crop");
    if (!o.input.empty()) check_input(o);
    if (o.info) check_info(o);
    check_convert(o);
    check_outputs(o);
}

// In CLI11's order, last one first. It would take the brackets of a folder called [2019] for a list of its own.
std::vector<std::string> arguments(int argc, const char* const* argv) {
    std::vector<std::string> all;
    for (int i = argc - 1; i > 0; --i) {
        const std::string given = argv[i];
        all.push_back((given.starts_with('[') && given.ends_with(']') ? "./" : "") + given);
    }
    return all;
}

}  // namespace

std::optional<options> parse_options(int argc, const char* const* argv) {
    options o;
    CLI::App app{"Classify images with a CvT (Convolutional vision Transformer) on the CPU.", "classify"};
    app.footer(examples);
    app.set_version_flag("--version", "classify " CVT_VERSION_STRING);
    app.get_formatter()->column_width(36);

    app.add_option("inputs", o.inputs, "JPEG or PNG files, directories of them, or - for paths on standard input, one a line")
        ->option_text("[image | directory | -]...");
    const auto add_text = [&app](const char* name, std::string& target, const char* type, const char* help) {
        return app.add_option(name, target, help)->type_name(type)->check(not_empty);
    };
    const auto add_number = [&app](const char* name, auto& target, int last, const char* help) {
        return app.add_option(name, target, help)->type_name("N")->check(CLI::Range(1, last).description(""));
    };
    const CLI::Validator existing_file = CLI::Validator{CLI::ExistingFile}.description("");

    const std::string model = "Model";
    add_text("--model", o.model, "PATH", "Hugging Face folder, .safetensors, .bin or .pth; default: built in")->group(model);
    add_choice<cvt::config>(app, "--variant", o.variant, {{"cvt-13", cvt::cvt_13}, {"cvt-21", cvt::cvt_21}, {"cvt-w24", cvt::cvt_w24}},
                            "of a checkpoint without a config; default: by its shapes")
        ->group(model);
    add_text("--config", o.config, "FILE", "a config.json for a lone checkpoint of any other configuration")
        ->check(existing_file)
        ->group(model);
    add_choice<cvt::gelu>(app, "--gelu", o.gelu, {{"quick", cvt::gelu::quick}, {"erf", cvt::gelu::erf}},
                          "activation; default: hidden_act in config.json, else by the tensors' naming")
        ->group(model);
    add_text("--labels", o.labels, "FILE", "names of the classes, one a line")->check(existing_file)->group(model);
    add_number("--threads", o.threads, cvt::executor::max_workers, "threads for one forward pass (1)")->group(model);
    add_number("--batch", o.batch, 1024, "images in one forward pass (1)")->group(model);
    add_text("--kernels", o.kernels, "NAME", "kernel set; default: the best for this CPU")->group(model);

    const std::string images = "Images";
    add_number("--size", o.size, cvt::maximum_input, "side of the input in pixels; default: the model's")->group(images);
    add_choice<resize_method>(app, "--resize", o.resize, {{"crop", resize_method::crop}, {"warp", resize_method::warp}},
                              "short side and centre crop, or to a square; default: the model's")
        ->group(images);
    add_choice<cvt::crop_rounding>(app, "--crop", o.crop, {{"official", cvt::crop_rounding::official}, {"hf", cvt::crop_rounding::hf}},
                                   "place an odd crop as torchvision (official) or transformers does")
        ->group(images);
    add_choice<cvt::orientation>(app, "--orient", o.orient, {{"exif", cvt::orientation::exif}, {"ignore", cvt::orientation::ignore}},
                                 "turn photos as EXIF says (exif), or not, as ImageNet evaluation does")
        ->group(images);

    const std::string tensors = "Tensors in and out, float32";
    add_text("--input", o.input, "FILE.npy", "(N,C,H,W), normalised, instead of images")->check(existing_file)->group(tensors);
    add_text("--logits", o.logits, "FILE.npy", "write (N,K); a failed input is a row of NaN")->group(tensors);
    add_text("--embedding", o.embedding, "FILE.npy", "write (N,D), the vector before the head")->group(tensors);
    add_text("--dump-input", o.dump_input, "FILE.npy", "write (N,C,H,W), the preprocessed images")->group(tensors);

    const std::string output = "Output";
    add_choice<record_format>(app, "--format", o.format,
                              {{"text", record_format::text}, {"jsonl", record_format::jsonl}, {"csv", record_format::csv}},
                              "one record an image (text)")
        ->group(output);
    add_number("--top-k", o.top_k, 10'000'000, "classes in a record (5)")->group(output);
    add_number("--repeat", o.repeat, 1'000'000, "time N more runs of each forward pass")->group(output);
    app.add_flag("--info", o.info, "describe the model and what it costs")->group(output);

    const std::string conversion = "Conversion";
    add_text("--convert", o.convert, "OUT", "write the model as a new Hugging Face folder, with safetensors")->group(conversion);
    add_choice<cvt::weight_type>(app, "--dtype", o.dtype, {{"f32", cvt::weight_type::float32}, {"f16", cvt::weight_type::float16}},
                                 "of the weights written (f32)")
        ->group(conversion);
    app.add_flag("--verify", o.verify, "run the self-test that --convert stored, and say how far it is")->group(conversion);

    try {
        app.parse(arguments(argc, argv));
    } catch (const CLI::Success& asked) {  // --help, --version
        app.exit(asked, std::cout, std::cerr);
        return std::nullopt;
    } catch (const CLI::ParseError& wrong) {
        throw failure{wrong_usage, wrong.what()};
    }
    check(o);
    return o;
}

}  // namespace app
