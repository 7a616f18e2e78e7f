// Refuses options that contradict each other: one message for each contradiction, with its reason.

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "common/failure.hpp"
#include "common/paths.hpp"
#include "options.hpp"

namespace app {
namespace {

// Returns one path for all names of a file or folder; resolves it as far as it exists.
std::filesystem::path plain(const std::string& path) {
    std::error_code missing;
    const std::filesystem::path whole = std::filesystem::weakly_canonical(std::filesystem::absolute(path_of(path), missing), missing);
    return whole.has_filename() ? whole : whole.parent_path();  // "out/" is "out"
}

bool same_file(const std::string& a, const std::string& b) {
    std::error_code missing;
    return plain(a) == plain(b) || std::filesystem::equivalent(path_of(a), path_of(b), missing);
}

bool is_inside(const std::string& path, const std::string& folder) {
    const std::filesystem::path inner = plain(path), outer = plain(folder);
    return !outer.empty() && inner != outer && std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end()).first == outer.end();
}

// Whether `path` is a file that does not begin with `begin`: a photo or weights that an output must not replace.
bool holds_no(const std::string& begin, const std::string& path) {
    if (std::error_code e; !std::filesystem::is_regular_file(path_of(path), e)) return false;
    std::ifstream file{path_of(path), std::ios::binary};
    std::string found(begin.size(), '\0');
    file.read(found.data(), static_cast<std::streamsize>(found.size()));
    return file.gcount() != 0 && found != begin;
}

// Opening an output empties it, and outputs are opened before inputs are read: so an output must not be an input.
void check_outputs(const options& o) {
    const std::pair<const char*, const std::string*> outputs[]{
        {"--out", &o.out}, {"--logits", &o.logits}, {"--embedding", &o.embedding}, {"--dump-input", &o.dump_input}};
    std::vector<std::pair<std::string, std::string>> taken{
        {"--input", o.input}, {"--model", o.model}, {"--labels", o.labels}, {"--config", o.config}, {"--preprocessor", o.preprocessor}};
    for (const std::string& path : o.inputs)
        if (path != "-") taken.emplace_back("the input", path);
    for (const auto& [name, path] : outputs) {
        if (path->empty()) continue;
        for (const auto& [other_name, other] : taken)
            refuse(!other.empty() && same_file(*path, other), std::string{name} + " and " + other_name + " are the same file, " + *path);
        refuse(path != &o.out && holds_no("\x93NUMPY", *path),
               std::string{name} + ": " + *path + " exists and is not a .npy file: it is not overwritten");
        taken.emplace_back(name, *path);
    }
}

void check_input(const options& o) {
    refuse(!o.inputs.empty(), "--input replaces images: give one or the other");
    const std::pair<const char*, bool> of_images[]{{"--size", o.size.has_value()},
                                                   {"--resize", o.resize.has_value()},
                                                   {"--crop", o.crop.has_value()},
                                                   {"--orient", o.orient.has_value()},
                                                   {"--dump-input", !o.dump_input.empty()},
                                                   {"--attention", !o.attention.empty()},
                                                   {"--resample", o.resample.has_value()},
                                                   {"--mean", o.mean.has_value()},
                                                   {"--std", o.std.has_value()},
                                                   {"--preprocessor", !o.preprocessor.empty()}};
    for (const auto& [name, given] : of_images) refuse(given, std::string{name} + " is for images, and --input gives finished tensors");
    refuse(o.hop || o.pad, std::string{o.hop ? "--hop" : "--pad"} + " is for recordings, and --input gives finished tensors");
}

void check_info(const options& o) {
    refuse(!o.inputs.empty() || !o.input.empty(), "--info describes the model and classifies nothing: leave the inputs out");
    refuse(o.repeat > 0, "--info describes the model and runs nothing: leave --repeat out");
    refuse(!o.logits.empty() || !o.embedding.empty() || !o.dump_input.empty(), "--info describes the model and writes no .npy files");
    refuse(!o.attention.empty(), "--info describes the model and draws nothing: leave --attention out");
    refuse(o.format != record_format::text, "--info prints only text: --format does not apply");
}

void check_convert(const options& o) {
    refuse(o.dtype && o.convert.empty(), "--dtype is the type of the weights that --convert writes");
    refuse(o.precision && !o.convert.empty(),
           "--precision is the type that a model runs in: leave it out (--dtype is the type that --convert writes)");
    for (const auto& [name, given] : {std::pair{"--convert", !o.convert.empty()}, std::pair{"--verify", o.verify}}) {
        if (!given) continue;
        const std::string alone = std::string{name} + " is about the model and classifies nothing: leave ";
        refuse(!o.inputs.empty() || !o.input.empty(), alone + "the inputs out");
        refuse(o.info || o.repeat > 0, alone + "--info and --repeat out");
        refuse(!o.logits.empty() || !o.embedding.empty() || !o.dump_input.empty(), alone + "the .npy files out");
        refuse(!o.attention.empty(), alone + "--attention out");
        refuse(o.format != record_format::text && o.learn.empty(), alone + "--format out");
        refuse(o.crop || o.orient, alone + "--crop and --orient out");
    }
    refuse(!o.convert.empty() && o.verify, "--convert and --verify: run --convert first, then --verify with the folder as --model");
    refuse(!o.convert.empty() && o.model.empty() && o.learn.empty(),
           "--convert needs a checkpoint (--model): the built-in model is a Hugging Face folder already");
}

// The sheet is renamed into place, which would replace a device, too.
void check_sheet(const std::string& path) {
    std::error_code missing;
    const bool other = std::filesystem::exists(path_of(path), missing) && !std::filesystem::is_regular_file(path_of(path), missing);
    refuse(other || holds_no("\x89PNG", path), "--sheet: " + path + " exists and is not a .png file: it is not overwritten");
    const std::filesystem::path folder = path_of(path).parent_path();
    refuse(!folder.empty() && !std::filesystem::is_directory(folder, missing),
           "--sheet: " + path + " cannot be written: there is no folder " + text_of(folder));
}

// Checks the options of --learn and --similar, which compute embeddings of photos.
void check_learning(const options& o) {
    refuse(o.learn.empty() && (o.method || o.balanced || o.views), "--method, --balanced and --views are for --learn: give --learn, too");
    refuse(o.learn.empty() && o.similar.empty() && !(o.cache.empty() && o.sheet.empty()),
           "--cache and --sheet are for --learn and --similar: give one of them");
    refuse(!o.learn.empty() && o.convert.empty(), "--learn writes a model: name its folder with --convert");
    refuse(o.method == cvt::head_method::prototype && o.balanced, "--balanced: --method prototype treats all classes equally already");
    if (o.learn.empty() && o.similar.empty()) return;
    const std::string name = o.learn.empty() ? "--similar" : "--learn", alone = name + " computes embeddings of photos: leave ";
    refuse(!o.learn.empty() && !o.similar.empty(), "--learn and --similar: run one after the other, with the same --cache");
    refuse(!o.learn.empty() && !o.inputs.empty(), "--learn takes one folder of class folders: leave the inputs out");
    refuse(!o.similar.empty() && std::count(o.inputs.begin(), o.inputs.end(), "-") > 0, alone + "standard input (-) out");
    refuse(!o.learn.empty() && !o.labels.empty(), "--learn names the classes by their folders: leave --labels out");
    refuse(!o.learn.empty() && o.top_k, "--learn makes no records: leave --top-k out");
    refuse(o.format == record_format::csv, name + " reports as --format text or jsonl");
    refuse(!o.input.empty(), alone + "--input out");
    refuse(o.info || o.verify || !o.evaluate.empty(), alone + "--info, --verify and --evaluate out");
    refuse(!o.similar.empty() && !o.convert.empty(), alone + "--convert out");
    refuse(o.repeat > 0 || o.batch != 1, alone + "--repeat and --batch out");
    refuse(!o.logits.empty() || !o.embedding.empty() || !o.dump_input.empty() || !o.attention.empty(),
           alone + "the .npy files and --attention out");
    const std::pair<const char*, const std::string*> outputs[]{{"--cache", &o.cache}, {"--sheet", &o.sheet}};
    for (const auto& [option, path] : outputs)
        for (const std::string* other : {&o.model, &o.similar, &o.convert, option == outputs[0].first ? &o.sheet : &o.cache})
            refuse(!path->empty() && !other->empty() && same_file(*path, *other),
                   std::string{option} + " and another option name the same file, " + *path);
    for (const auto& [option, path] : outputs)
        for (const std::string& input : o.inputs)
            refuse(!path->empty() && same_file(*path, input), std::string{option} + " and the input are the same file, " + *path);
    if (!o.sheet.empty()) check_sheet(o.sheet);
    if (o.learn.empty()) return;
    refuse(!o.cache.empty() && is_inside(o.cache, o.convert),
           "--cache: " + o.cache + " is inside the folder of --convert, " + o.convert + ", which must be empty: choose another place");
    refuse(is_inside(o.convert, o.learn), "--convert: " + o.convert + " is inside the folder of --learn, " + o.learn +
                                              ", where it would be taken for a class: choose another place");
}

// Refuses to draw into a folder of inputs: the next run would read the pictures as photos.
void check_attention(const options& o) {
    std::error_code missing;
    for (const std::string& path : o.inputs)
        refuse(std::filesystem::is_directory(path_of(path), missing) && same_file(path, o.attention),
               "--attention: " + o.attention + " holds the photos; choose another folder for the pictures");
}

void check_evaluate(const options& o) {
    refuse(!o.classes.empty() && o.evaluate.empty(), "--classes maps the names of the classes of --evaluate: give both");
    refuse(!o.truth.empty() && o.evaluate.empty(), "--truth gives the classes of the photos of --evaluate: give both");
    if (o.evaluate.empty()) return;
    const std::string alone = "--evaluate runs the images of its folder and prints one report: leave ";
    std::error_code missing;
    const bool exists = std::filesystem::exists(path_of(o.evaluate), missing);
    refuse(!exists, "--evaluate: expected a folder or a list, found no " + o.evaluate);
    const bool list = !std::filesystem::is_directory(path_of(o.evaluate), missing);
    refuse(!o.input.empty() || (!o.inputs.empty() && !list), alone + "other inputs out");
    refuse(!o.truth.empty() && list,
           "--truth is for a folder of photos, and " + o.evaluate + " is a list with its own labels: give one of them");
    refuse(o.info || o.verify || !o.convert.empty(), alone + "--info, --verify and --convert out");
    refuse(o.repeat > 0 || o.top_k, alone + "--repeat and --top-k out");
    refuse(!o.logits.empty() || !o.embedding.empty() || !o.dump_input.empty(), alone + "the .npy files out");
    refuse(!o.attention.empty(), alone + "--attention out");
    refuse(o.format == record_format::csv, "--evaluate reports as --format text or jsonl");
    if (o.inputs.empty()) return;
    refuse(o.inputs.size() > 1,
           "--evaluate: expected one folder that holds the photos of the list, found " + std::to_string(o.inputs.size()));
    refuse(!std::filesystem::is_directory(path_of(o.inputs.front()), missing),
           "--evaluate: expected the folder that holds the photos of the list, found no folder " + o.inputs.front());
}

// Checks the options of large jobs of images.
void check_jobs(const options& o) {
    const std::pair<const char*, bool> given[]{{"--tar", o.tar},
                                               {"--shard", o.shard.has_value()},
                                               {"--out", !o.out.empty()},
                                               {"--resume", o.resume},
                                               {"--fail-fast or --max-errors", o.max_errors.has_value()}};
    for (const auto& [name, is_given] : given) {
        refuse(is_given && !(o.learn.empty() && o.similar.empty()),
               std::string{name} + " is for records of images, and --learn and --similar make none");
        refuse(is_given && (o.info || o.verify || !o.convert.empty() || !o.evaluate.empty()),
               std::string{name} + " is for records of images, and --info, --verify, --convert and --evaluate make none");
    }
    refuse((o.tar || o.shard) && !o.input.empty(),
           std::string{o.tar ? "--tar" : "--shard"} + " is for images, and --input gives finished tensors");
    refuse(o.out == "-", "--out is the name of a file; records go to standard output without it");
    if (!o.resume) return;
    refuse(o.out.empty(), "--resume continues a file of records: name it with --out");
    refuse(o.format != record_format::jsonl, "--resume needs records that can be read again: --format jsonl");
    refuse(!o.logits.empty() || !o.embedding.empty() || !o.dump_input.empty() || !o.attention.empty(),
           "--resume continues records only: leave the .npy files and --attention out");
}

void check_workers(const options& o) {
    if (o.workers == 1) return;
    refuse(o.repeat > 0, "--workers run at the same time, and --repeat times one forward pass: leave one of them out");
    refuse(o.info || o.verify || (!o.convert.empty() && o.learn.empty()),
           "--workers divide the inputs, and --info, --verify and --convert have no inputs: leave --workers out");
}

}  // namespace

void check_options(const options& o) {
    refuse(o.inputs.empty() && o.input.empty() && o.evaluate.empty() && o.learn.empty() && !o.info && !o.verify && o.convert.empty(),
           "no inputs given (classify --help shows examples)");
    refuse(std::count(o.inputs.begin(), o.inputs.end(), "-") > 1, "standard input (-) can be read only once");
    refuse(o.variant && !o.config.empty(), "--variant and --config both give a configuration: leave one of them out");
    refuse(!o.weights_key.empty() && o.model.empty(), "--weights-key is for your own checkpoint: give it with --model");
    if (o.variant || !o.config.empty()) {
        const std::string name = o.variant ? "--variant" : "--config";
        refuse(o.model.empty(), name + " is for your own checkpoint (--model): the built-in model has its configuration");
        std::error_code missing;
        refuse(std::filesystem::exists(path_of(o.model) / "config.json", missing),
               name + " is for a checkpoint without a configuration: " + o.model + " has a config.json");
    }
    refuse(o.resize == resize_method::warp && o.crop, "--crop places a crop, and --resize warp does not crop");
    if (!o.input.empty()) check_input(o);
    if (o.info) check_info(o);
    if (!o.attention.empty()) check_attention(o);
    check_evaluate(o);
    check_learning(o);
    check_convert(o);
    check_jobs(o);
    check_workers(o);
    check_outputs(o);
}

}  // namespace app
