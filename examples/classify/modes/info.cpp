// --info: describes the model, the origin of each setting, and the costs.
#include "modes/modes.hpp"

#include <algorithm>

#include <cvt/cost.hpp>

#include "common/failure.hpp"
#include "common/text.hpp"
#include "output/record_file.hpp"
#include "output/terminal.hpp"

namespace app {
namespace {

std::string row(const char* name, const std::string& value) { return text("%-14s ", name) + value + '\n'; }

std::string mebibytes(std::size_t bytes) { return text("%.1f MiB", static_cast<double>(bytes) / (1 << 20)); }

std::string resizing(const cvt::preprocessing& p) {
    std::string how;
    switch (p.resize) {
        case cvt::preprocessing::resize_rule::none: how = "pixels as they are"; break;
        case cvt::preprocessing::resize_rule::short_side: how = text("short side to %d", p.short_side); break;
        case cvt::preprocessing::resize_rule::warp: how = text("warped to %d x %d", p.resize_height, p.resize_width); break;
    }
    if (p.resize != cvt::preprocessing::resize_rule::none && p.resample != cvt::resampling::bicubic)
        how += text(" (%s)", cvt::to_string(p.resample));
    if (p.center_crop)
        how += text(", centre crop %d x %d (%s)", p.crop_height, p.crop_width, p.rounding == cvt::crop_rounding::hf ? "hf" : "official");
    if (p.rescale_factor != cvt::preprocessing{}.rescale_factor) how += text(", times %g", p.rescale_factor);
    return how + (p.normalize ? ", normalised" : "");
}

std::string hearing(const cvt::spectrogram& s) {
    return text("%g s at %d Hz, %d mel bands of %g to %g Hz, a frame of %d samples every %d, %s%s, %s",
                static_cast<double>(s.length) / s.rate, s.rate, s.mels, s.f_min, s.f_max, s.n_fft, s.hop, cvt::to_string(s.loudness),
                s.min_max ? ", min-max" : "",
                s.padding == cvt::sound_padding::repeat ? "short sounds repeated" : "short sounds filled with zeros");
}

std::string costs(const cvt::stage_cost& cost) {
    const auto mebibytes = [](std::int64_t floats) { return static_cast<double>(floats) * sizeof(float) / (1 << 20); };
    return text(" %12s %8.3f %12.2f %11.2f\n", with_commas(cost.parameters).c_str(), static_cast<double>(cost.multiply_adds) * 1e-9,
                mebibytes(cost.parameters), mebibytes(cost.token_floats));
}

// Returns a line per stage and one for the head: sizes, parameters, 10^9 multiply-adds, and float32 memory of the weights and of the
// stage's output tokens. `shape`: of `c` at some size of the input.
std::string stage_table(const cvt::config& c, const cvt::model_shape& shape) {
    const cvt::model_cost cost = cvt::cost_of(c, shape);
    std::string out = paint{standard_output}.bold(text("%-5s %13s %13s %6s %6s %6s %12s %8s %12s %11s", "stage", "tokens", "keys", "width",
                                                       "heads", "blocks", "parameters", "GMAC", "float32 MiB", "tokens MiB")) +
                      '\n';
    for (std::size_t i = 0; i < c.stages().size(); ++i) {
        const cvt::stage_config& s = c.stage[i];
        const cvt::model_shape::stage_shape& sizes = shape.stage[i];
        const auto cells = [&](cvt::grid g) { return text("%d x %d%s", g.height, g.width, sizes.cls != 0 ? " + 1" : ""); };
        out += text("%-5zu %13s %13s %6d %6d %6d", i + 1, cells(sizes.tokens).c_str(), cells(sizes.keys).c_str(), s.embed_dim, s.num_heads,
                    s.depth);
        out += costs(cost.stage[i]);
    }
    return out + text("%-54s", c.num_classes > 0 ? "head" : "norm") + costs(cost.head);
}

std::string describe(const options& o, const setup& s) {
    const cvt::model& model = s.model;
    const cvt::config& c = model.config();
    const cvt::model_info& about = model.info();
    const std::optional<cvt::grid> size = cvt::output_size(s.preprocessing);

    std::string out = row("model", o.model.empty() ? "built in: cvt-nano (weights/CARD.md)" : terminal_text(o.model));
    out += row("container", about.container);
    if (about.weights_path[0] != '\0') out += row("weights in", about.weights_path);
    out += row("names", about.naming + (about.stripped[0] != '\0' ? text(", with the prefix \"%s\"", about.stripped) : std::string{}));
    if (about.beside[0] != '\0') out += row("beside them", about.beside);
    out += row("variant", text("%s: %s", about.variant, about.config_from));
    if (about.assumed[0] != '\0') out += row("", std::string{"(keys that it lacks, with the values assumed: "} + about.assumed + ")");
    out += row("activation", text("%s GELU: %s", cvt::to_string(c.gelu), about.gelu_from));
    if (size)
        out += row("input", text("%d x %d x %d: %s", c.num_channels, size->height, size->width, s.size_from));
    else
        out += row("input", text("%d channels, as large as the image", c.num_channels));
    if (size && about.config_image_size != 0 && (about.config_image_size != size->height || size->height != size->width))
        out += row("", text("(image_size in config.json is %d and is ignored)", about.config_image_size));
    if (s.spectrogram)
        out += row("sounds", hearing(*s.spectrogram));
    else
        out += row("images", c.num_channels == 3 ? resizing(s.preprocessing) : "none: tensors only (--input)");
    const bool labelled = std::any_of(s.labels.begin(), s.labels.end(), [](const std::string& label) { return !label.empty(); });
    out += row("classes", c.num_classes == 0 ? "no head: embeddings only"
                                             : text("%d, %s%s", c.num_classes, labelled ? "with labels" : "without labels",
                                                    about.scores == cvt::scoring::softmax   ? ""
                                                    : about.scores == cvt::scoring::sigmoid ? ", independent (sigmoid)"
                                                                                            : ", values (regression)"));
    out += row("precision",
               std::string{cvt::to_string(model.precision())} + (about.int8_weights ? " (the weights in the file are int8)" : ""));
    out += row("kernels", model.kernels());

    if (size)
        if (const auto shape = cvt::shape_of(c, size->height, size->width)) out += '\n' + stage_table(c, *shape);
    out += '\n' + row("parameters", with_commas(model.parameters()));
    out += row("weights", mebibytes(model.memory_bytes()));
    if (!size) return out;
    if (const auto work = cvt::multiply_adds(c, size->height, size->width))
        out += row("multiply-adds", text("%.3f G at %d x %d", static_cast<double>(*work) * 1e-9, size->height, size->width));
    if (const auto bytes = model.workspace_bytes(size->height, size->width, o.threads)) {
        out += row("workspace", mebibytes(*bytes) + text(" with %d thread%s", o.threads, o.threads == 1 ? "" : "s"));
        const auto loading =
            static_cast<std::size_t>(cvt::cost_of(c, *cvt::shape_of(c, size->height, size->width)).largest_tensor) * sizeof(float);
        const auto input = static_cast<std::size_t>(c.num_channels * size->tokens()) * sizeof(float);
        out += row("peak", mebibytes(model.memory_bytes() + std::max(*bytes + input, loading)) +
                               ": weights, workspace and one input, without the program and the photo");
    }
    return out;
}

}  // namespace

int info(const options& o, const setup& s) {
    print(describe(o, s));
    return all_good;
}

}  // namespace app
