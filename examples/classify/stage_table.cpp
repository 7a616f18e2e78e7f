// The table in the middle of --info.
#include "stage_table.hpp"

#include <cvt/model.hpp>

#include "format.hpp"
#include "system.hpp"
#include "terminal.hpp"

namespace app {
namespace {

// Trained parameters of stage `i`: what its layers' shapes multiply out to.
std::int64_t parameters_of_stage(const cvt::config& c, std::size_t i) {
    const cvt::stage_config& s = c.stage[i];
    const std::int64_t dim = s.embed_dim, channels = i == 0 ? c.num_channels : c.stage[i - 1].embed_dim, hidden = s.hidden_dim();
    const std::int64_t embedding = dim * channels * s.patch_size * s.patch_size + 3 * dim;  // with its norm
    const std::int64_t depthwise = s.qkv_projection == cvt::projection::dw_bn ? dim * s.kernel_qkv * s.kernel_qkv + 2 * dim : 0;
    const std::int64_t attention = 3 * (depthwise + dim * dim + (s.qkv_bias ? dim : 0)) + dim * dim + dim;
    const std::int64_t mlp = 2 * dim * hidden + hidden + dim;
    return embedding + (s.cls_token ? dim : 0) + s.depth * (4 * dim + attention + mlp);
}

// Multiply-adds of the first `stages` stages, which are a model too.
std::int64_t work_of_first(cvt::config c, std::size_t stages, cvt::grid input) {
    if (stages == 0) return 0;
    c.num_stages = static_cast<int>(stages);
    c.num_classes = 0;
    const cvt::result<std::int64_t> work = cvt::multiply_adds(c, input.height, input.width);
    return work ? *work : 0;
}

std::string costs(std::int64_t parameters, std::int64_t multiply_adds, std::int64_t activations) {
    const auto mebibytes = [](std::int64_t floats) { return static_cast<double>(floats) * sizeof(float) / (1 << 20); };
    return text(" %12s %8.3f %12.2f %11.2f\n", with_commas(parameters).c_str(), static_cast<double>(multiply_adds) * 1e-9,
                mebibytes(parameters), mebibytes(activations));
}

}  // namespace

std::string stage_table(const cvt::config& c, const cvt::model_shape& shape) {
    std::string out = paint{standard_output}.bold(text("%-5s %13s %13s %6s %6s %6s %12s %8s %12s %11s", "stage", "tokens", "keys", "width",
                                                       "heads", "blocks", "parameters", "GMAC", "weights MiB", "tokens MiB")) +
                      '\n';
    for (std::size_t i = 0; i < c.stages().size(); ++i) {
        const cvt::stage_config& s = c.stage[i];
        const cvt::model_shape::stage_shape& sizes = shape.stage[i];
        const auto cells = [&](cvt::grid g) { return text("%d x %d%s", g.height, g.width, sizes.cls != 0 ? " + 1" : ""); };
        out += text("%-5zu %13s %13s %6d %6d %6d", i + 1, cells(sizes.tokens).c_str(), cells(sizes.keys).c_str(), s.embed_dim, s.num_heads,
                    s.depth);
        out += costs(parameters_of_stage(c, i), work_of_first(c, i + 1, shape.input) - work_of_first(c, i, shape.input),
                     sizes.queries() * s.embed_dim);
    }
    const std::int64_t width = c.last_stage().embed_dim, norm = c.final_norm ? 2 * width : 0;
    const std::int64_t head = c.num_classes > 0 ? (width + 1) * c.num_classes : 0;
    return out + text("%-54s", c.num_classes > 0 ? "head" : "norm") + costs(norm + head, width * c.num_classes, c.num_classes);
}

}  // namespace app
