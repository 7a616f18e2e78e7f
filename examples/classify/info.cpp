// Writes the table of --info.
#include "info.hpp"

#include <algorithm>
#include <cstdarg>
#include <cstdio>

#include "escape.hpp"

namespace app {
namespace {

CVT_PRINTF(1, 2) std::string text(const char* pattern, ...) {
    char line[1024];
    std::va_list arguments;
    va_start(arguments, pattern);
    std::vsnprintf(line, sizeof line, pattern, arguments);
    va_end(arguments);
    return line;
}

std::string row(const char* name, const std::string& value) { return text("%-14s ", name) + value + '\n'; }

std::string with_commas(std::int64_t value) {
    const std::string digits = std::to_string(value);
    std::string out;
    for (std::size_t i = 0; i < digits.size(); ++i) {
        if (i > 0 && (digits.size() - i) % 3 == 0) out += ',';
        out += digits[i];
    }
    return out;
}

std::string mebibytes(std::size_t bytes) { return text("%.1f MiB", static_cast<double>(bytes) / (1 << 20)); }

std::string resizing(const cvt::preprocessing& p) {
    std::string how;
    switch (p.resize) {
        case cvt::preprocessing::resize_rule::none: how = "pixels as they are"; break;
        case cvt::preprocessing::resize_rule::short_side: how = text("short side to %d", p.short_side); break;
        case cvt::preprocessing::resize_rule::warp: how = text("warped to %d x %d", p.resize_height, p.resize_width); break;
    }
    if (p.center_crop)
        how += text(", centre crop %d x %d (%s)", p.crop_height, p.crop_width, p.rounding == cvt::crop_rounding::hf ? "hf" : "official");
    return how + (p.normalize ? ", normalised" : "");
}

/// Trained parameters of stage `i`: what its layers' shapes multiply out to.
std::int64_t parameters_of_stage(const cvt::config& c, std::size_t i) {
    const cvt::stage_config& s = c.stage[i];
    const std::int64_t dim = s.embed_dim, channels = i == 0 ? c.num_channels : c.stage[i - 1].embed_dim, hidden = s.hidden_dim();
    const std::int64_t embedding = dim * channels * s.patch_size * s.patch_size + 3 * dim;  // with its norm
    const std::int64_t depthwise = s.qkv_projection == cvt::projection::dw_bn ? dim * s.kernel_qkv * s.kernel_qkv + 2 * dim : 0;
    const std::int64_t attention = 3 * (depthwise + dim * dim + (s.qkv_bias ? dim : 0)) + dim * dim + dim;
    const std::int64_t mlp = 2 * dim * hidden + hidden + dim;
    return embedding + (s.cls_token ? dim : 0) + s.depth * (4 * dim + attention + mlp);
}

std::string stages(const cvt::config& c, const cvt::model_shape& shape) {
    std::string out = text("\n%-5s %15s %13s %7s %7s %7s %15s\n", "stage", "tokens", "keys", "width", "heads", "blocks", "parameters");
    for (std::size_t i = 0; i < c.stages().size(); ++i) {
        const cvt::stage_config& s = c.stage[i];
        const auto cells = [cls = shape.stage[i].cls](cvt::grid g) { return text("%d x %d%s", g.height, g.width, cls != 0 ? " + 1" : ""); };
        out += text("%-5zu %15s %13s %7d %7d %7d %15s\n", i + 1, cells(shape.stage[i].tokens).c_str(), cells(shape.stage[i].keys).c_str(),
                    s.embed_dim, s.num_heads, s.depth, with_commas(parameters_of_stage(c, i)).c_str());
    }
    const std::int64_t width = c.last_stage().embed_dim, norm = c.final_norm ? 2 * width : 0;
    const std::int64_t head = c.num_classes > 0 ? (width + 1) * c.num_classes : 0;
    return out + text("%-5s %69s\n", c.num_classes > 0 ? "head" : "norm", with_commas(norm + head).c_str());
}

/// Bytes of the largest tensor: while a model is loaded there is one beside the weights.
std::size_t largest_tensor(const cvt::config& c) {
    std::size_t largest = 0;
    cvt::checkpoint::for_each_tensor(c, [&](const char*, std::span<const std::int64_t> shape) noexcept {
        std::size_t bytes = sizeof(float);
        for (const std::int64_t extent : shape) bytes *= static_cast<std::size_t>(extent);
        largest = std::max(largest, bytes);
    });
    return largest;
}

}  // namespace

std::string describe(const options& o, const setup& s) {
    const cvt::model& model = s.model;
    const cvt::config& c = model.config();
    const cvt::model_info& info = model.info();
    const std::optional<cvt::grid> size = s.fixed_input_size();

    std::string out = row("model", o.model.empty() ? "built in: cvt-nano, ten classes (weights/CARD.md)" : terminal_text(o.model));
    out += row("container", info.container);
    out += row("names", info.naming);
    out += row("variant", text("%s: %s", info.variant, info.config_from));
    out += row("activation", text("%s GELU: %s", cvt::to_string(c.gelu), info.gelu_from));
    if (size)
        out += row("input", text("%d x %d x %d: %s", c.num_channels, size->height, size->width, s.size_from));
    else
        out += row("input", text("%d channels, as large as the image", c.num_channels));
    if (size && info.config_image_size != 0 && info.config_image_size != size->height)
        out += row("", text("(image_size in config.json is %d, and is not used)", info.config_image_size));
    out += row("images", c.num_channels == 3 ? resizing(s.preprocessing) : "none: tensors only (--input)");
    const bool labelled = std::any_of(s.labels.begin(), s.labels.end(), [](const std::string& label) { return !label.empty(); });
    out += row("classes", c.num_classes == 0 ? "no head: embeddings only"
                                             : text("%d, %s", c.num_classes, labelled ? "with labels" : "without labels"));
    out += row("kernels", model.kernels());

    if (size)
        if (const auto shape = cvt::shape_of(c, size->height, size->width)) out += stages(c, *shape);
    out += '\n' + row("parameters", with_commas(model.parameters()));
    out += row("weights", mebibytes(model.memory_bytes()));
    if (!size) return out;
    if (const auto work = cvt::multiply_adds(c, size->height, size->width))
        out += row("multiply-adds", text("%.3f G at %d x %d", static_cast<double>(*work) * 1e-9, size->height, size->width));
    if (const auto bytes = model.workspace_bytes(size->height, size->width, o.threads)) {
        out += row("workspace", mebibytes(*bytes) + text(" with %d thread%s", o.threads, o.threads == 1 ? "" : "s"));
        const auto input = static_cast<std::size_t>(c.num_channels * size->tokens()) * sizeof(float);
        out += row("peak", mebibytes(model.memory_bytes() + std::max(*bytes + input, largest_tensor(c))) +
                               ": weights, workspace and an input, beside the program and the photo");
    }
    return out;
}

}  // namespace app
