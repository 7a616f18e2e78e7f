// stage_table.hpp: formats cvt::cost_of().
#include "modes/stage_table.hpp"

#include <cvt/cost.hpp>

#include "common/text.hpp"
#include "platform/platform.hpp"
#include "platform/terminal.hpp"

namespace app {
namespace {

std::string costs(const cvt::stage_cost& cost) {
    const auto mebibytes = [](std::int64_t floats) { return static_cast<double>(floats) * sizeof(float) / (1 << 20); };
    return text(" %12s %8.3f %12.2f %11.2f\n", with_commas(cost.parameters).c_str(), static_cast<double>(cost.multiply_adds) * 1e-9,
                mebibytes(cost.parameters), mebibytes(cost.token_floats));
}

}  // namespace

std::string stage_table(const cvt::config& c, const cvt::model_shape& shape) {
    const cvt::model_cost cost = cvt::cost_of(c, shape);
    std::string out = paint{standard_output}.bold(text("%-5s %13s %13s %6s %6s %6s %12s %8s %12s %11s", "stage", "tokens", "keys", "width",
                                                       "heads", "blocks", "parameters", "GMAC", "weights MiB", "tokens MiB")) +
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

}  // namespace app
