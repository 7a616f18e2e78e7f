// Loads the model and applies the options that depend on it.
#include "setup.hpp"

#include <algorithm>
#include <cstdio>
#include <cvt/config_files.hpp>
#include <cvt/shape.hpp>
#include <fstream>
#include <iterator>

#include "common/failure.hpp"
#include "common/input_size.hpp"
#include "common/paths.hpp"
#include "common/text_lines.hpp"
#include "embedded_model.hpp"
#include "open_checkpoint.hpp"
#include "platform/platform.hpp"

namespace app {
namespace {

using rule = cvt::preprocessing::resize_rule;

std::string read_text(const std::string& path) {
    std::ifstream file{path_of(path), std::ios::binary};
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    refuse(!file.is_open() || file.bad(), path + ": cannot be read");
    return text;
}

/// Reads --config; null without it.
std::optional<cvt::config_file> read_config(const options& o) {
    if (o.config.empty()) return std::nullopt;
    const std::string name = "--config: " + o.config;
    cvt::result<cvt::config_file> config = cvt::read_config(read_text(o.config), name.c_str(), !o.labels.empty());
    if (!config) throw failure{wrong_usage, config.error().what()};
    return *std::move(config);
}

/// Reads --preprocessor, for pictures or for sounds. With --input there are neither, so the model's own file need not be readable.
void read_preprocessor(const options& o, cvt::load_options& to) {
    if (!o.input.empty()) to.preprocessing = cvt::preprocessing{};
    if (!o.input.empty() || o.preprocessor.empty()) return;
    const std::string text = read_text(o.preprocessor);
    const auto take = [](const auto& read, auto& rules) {
        if (!read) throw failure{wrong_usage, std::string{"--preprocessor: "} + read.error().what()};
        rules = *read;
    };
    if (cvt::is_for_sounds(text))
        take(cvt::read_spectrogram(text, o.preprocessor.c_str()), to.spectrogram);
    else
        take(cvt::read_preprocessing(text, o.preprocessor.c_str()), to.preprocessing);
}

cvt::load_options load_options_of(const options& o, const std::optional<cvt::config_file>& config) {
    cvt::load_options load;
    load.config = o.variant;
    if (load.config) load.config->num_channels = 0;  // the checkpoint's
    if (config) load.config_file = &*config;
    load.gelu = o.gelu;
    read_preprocessor(o, load);
    load.ignore_labels = !o.labels.empty();
    if (o.precision) load.precision = *o.precision;
    if (!o.weights_key.empty()) load.weights_key = o.weights_key.c_str();
    if (!o.kernels.empty()) {
        load.kernels = o.kernels.c_str();
        if (const cvt::error e = cvt::check_kernels(load.kernels)) refuse(true, std::string{"--"} + e.what());
    }
    return load;
}

/// The parts of a checkpoint that options can override, whether it is loaded or only open.
struct checkpoint_facts {
    const cvt::config& config;
    const cvt::preprocessing& preprocessing;
    const char* size_from;
    std::vector<std::string> labels;  ///< one for each class; empty strings for classes without one
    std::optional<cvt::spectrogram> spectrogram;
};

// Applies --mean and --std.
void change_values(const options& o, cvt::preprocessing& p) {
    refuse(!p.normalize && o.mean.has_value() != o.std.has_value(), "--mean and --std: this model's images are not normalised: give both");
    if (o.mean) {
        std::copy(o.mean->begin(), o.mean->end(), p.mean.begin());
        p.mean_count = 3;
    }
    if (o.std) {
        std::copy(o.std->begin(), o.std->end(), p.std.begin());
        p.std_count = 3;
    }
    p.normalize = p.normalize || o.mean;
}

std::vector<std::string> read_labels(const std::string& path, std::size_t classes) {
    std::vector<std::string> labels;
    for (text_line& line : read_lines("--labels", path)) labels.push_back(std::move(line.text));
    while (labels.size() > classes && labels.back().empty()) labels.pop_back();  // blank lines at the end
    refuse(labels.size() != classes, "--labels: " + path + ": expected " + std::to_string(classes) + " labels, one per line, found " +
                                         std::to_string(labels.size()) + (labels.size() == 1 ? " line" : " lines"));
    return labels;
}

std::vector<std::string> choose_labels(const options& o, const checkpoint_facts& facts) {
    const int classes = facts.config.num_classes;
    if (o.labels.empty()) return facts.labels;
    refuse(classes == 0, "--labels: the model has no head, so there are no classes to name");
    return read_labels(o.labels, static_cast<std::size_t>(classes));
}

// Refuses options of pictures with a model for sounds, and the reverse.
void check_media(const options& o, const decisions& d, bool any_inputs) {
    if (!d.spectrogram) {
        refuse(o.hop || o.pad, std::string{o.hop ? "--hop" : "--pad"} + " is for recordings, and this model takes pictures");
        return;
    }
    const std::pair<const char*, bool> of_pictures[]{{"--size", o.size.has_value()},     {"--resize", o.resize.has_value()},
                                                     {"--crop", o.crop.has_value()},     {"--resample", o.resample.has_value()},
                                                     {"--mean", o.mean.has_value()},     {"--std", o.std.has_value()},
                                                     {"--orient", o.orient.has_value()}, {"--max-pixels", o.max_pixels.has_value()},
                                                     {"--views", o.views.has_value()},   {"--sheet", !o.sheet.empty()}};
    for (const auto& [name, given] : of_pictures)
        refuse(given && any_inputs, std::string{name} + " is for pictures, and this model takes recordings");
}

void check_against_model(const options& o, const cvt::config& c, const decisions& d) {
    refuse(!o.logits.empty() && c.num_classes == 0, "--logits: the model has no head; use --embedding");
    refuse(!o.attention.empty() && !c.uses_cls_token(), "--attention: the model has no class token, so it has no attention to draw");
    refuse(!o.evaluate.empty() && c.num_classes == 0, "--evaluate: the model has no head, so it names no classes");
    refuse(!o.learn.empty() && !c.final_norm, "--learn: the model has no final norm, so it cannot have a head");
    if (!o.input.empty()) return;
    const bool any_inputs = !(o.inputs.empty() && o.evaluate.empty() && o.learn.empty());
    check_media(o, d, any_inputs);
    refuse(!d.spectrogram && c.num_channels != 3 && any_inputs,
           "the model takes " + std::to_string(c.num_channels) + (c.num_channels == 1 ? " channel" : " channels") +
               ", images have 3: pass tensors with --input" + (c.num_channels == 1 ? ", or for sounds --preprocessor" : ""));
    const std::optional<cvt::grid> size = cvt::output_size(d.preprocessing);
    refuse(!o.dump_input.empty() && !size, "--dump-input: the size of this model's inputs depends on the image; choose one with --size");
    if (!size) return;
    const auto shape = cvt::shape_of(c, size->height, size->width);
    refuse(!shape, (o.size ? "--size: " : "the model's input size: ") + std::string{shape.error().what()});
}

decisions decide(const options& o, const checkpoint_facts& facts) {
    decisions d{facts.preprocessing, facts.size_from, choose_labels(o, facts), facts.spectrogram};
    if (d.spectrogram && o.pad) d.spectrogram->padding = *o.pad;
    if (!o.preprocessor.empty()) d.size_from = "--preprocessor";
    change_values(o, d.preprocessing);
    // Inputs other than photos are not cropped.
    const bool photos = facts.config.num_channels == 3;
    if (o.size || o.resize) {
        const std::optional<resize_method> method = photos ? o.resize : resize_method::warp;
        resize_to(d.preprocessing, o.size.value_or(input_size(d.preprocessing)), method);
        refuse(d.preprocessing.center_crop && d.preprocessing.crop_height != d.preprocessing.crop_width,
               "--size: a height and a width need --resize warp: crops are squares");
    }
    if (o.size) d.size_from = "--size";
    refuse(o.crop && !d.preprocessing.center_crop, "--crop: this model's images are not cropped (see --resize crop)");
    if (o.crop) d.preprocessing.rounding = *o.crop;
    refuse(o.resample && d.preprocessing.resize == rule::none, "--resample: this model's images are not resized (see --size)");
    if (o.resample) d.preprocessing.resample = *o.resample;
    check_against_model(o, facts.config, d);
    return d;
}

}  // namespace

void print_warnings(const cvt::warning_list& warnings) {
    for (int i = 0; i < warnings.count && i < cvt::warning_list::capacity; ++i)
        std::fprintf(stderr, "classify: warning: %s\n", warnings.text[i]);
    if (warnings.count > cvt::warning_list::capacity)
        std::fprintf(stderr, "classify: %d more warnings\n", warnings.count - cvt::warning_list::capacity);
}

setup make_setup(const options& o) {
    const std::optional<cvt::config_file> config = read_config(o);
    const cvt::load_options load = load_options_of(o, config);
    cvt::result<cvt::model> model = o.model.empty() ? embedded_model(load) : cvt::model::load(o.model.c_str(), load);
    if (!model) throw failure{no_model, model.error().what()};
    print_warnings(model->warnings());
    if (!o.model.empty() && is_terminal(standard_error) && model->config().gelu == cvt::gelu::quick && model->info().gelu_guessed)
        std::fputs("classify: assuming QuickGELU, as in Microsoft's models; for a model trained with the exact GELU use --gelu erf\n",
                   stderr);
    checkpoint_facts facts{model->config(), model->preprocessing(), model->info().size_from, {}, model->spectrogram()};
    for (int i = 0; i < facts.config.num_classes; ++i) facts.labels.emplace_back(model->label(i));
    return {decide(o, facts), *std::move(model)};
}

open_checkpoint open_for_conversion(const options& o) {
    const std::optional<cvt::config_file> config = read_config(o);
    const cvt::load_options load = load_options_of(o, config);
    cvt::result<cvt::checkpoint_source> file = o.model.empty() ? embedded_checkpoint(load) : cvt::open_checkpoint(o.model.c_str(), load);
    if (!file) throw failure{no_model, file.error().what()};
    if (o.learn.empty()) print_warnings(file->warnings);  // --learn has loaded the model and printed them
    checkpoint_facts facts{file->config, file->preprocessing, file->info.size_from, {}, file->spectrogram};
    for (int i = 0; i < facts.config.num_classes; ++i) facts.labels.emplace_back(file->labels[i]);
    const decisions d = decide(o, facts);
    file->spectrogram = d.spectrogram;
    return {d, *std::move(file)};
}

cvt::thread_pool make_pool(int threads) {
    const without_interrupts main_thread_only;
    cvt::result<cvt::thread_pool> pool = cvt::thread_pool::create(threads);
    if (!pool) throw failure{some_failed, pool.error().what()};
    return *std::move(pool);
}

}  // namespace app
