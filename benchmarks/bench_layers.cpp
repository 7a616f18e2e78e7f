// Times each layer of the published models with generated weights on the calling thread: <layer>/<model>/<size>/stage:<n>.
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <cvt/kernels/select.hpp>
#include <cvt/network/pack.hpp>
#include <cvt/network/workspace.hpp>

#include "harness.hpp"
#include "memory.hpp"
#include "work.hpp"

namespace {

namespace network = cvt::network;

/// One stage of a published model: its name, shape and input.
struct stage_case {
    std::string where;  ///< "cvt-13/224/stage:1"
    cvt::stage_config stage;
    cvt::model_shape::stage_shape shape;
    cvt::grid input;
    int channels;
    bool first;  ///< the input is the image
};

/// A stage with weights, workspace and tokens, as a model and a session hold them.
class ready_stage {
public:
    ready_stage(const stage_case& c, int depth, const cvt::kernels::kernel_set& set)
        : c_{c}, input_{cvt_bench::filled("input", size(c.input.tokens() * c.channels))}, logits_{cvt_bench::array(1000)} {
        alone_.num_channels = c.channels;
        alone_.num_classes = c.shape.cls != 0 ? 1000 : 0;  // the last stage has the head
        alone_.num_stages = 1;
        alone_.stage[0] = c.stage;
        alone_.stage[0].depth = depth;

        blocks_.resize(size(depth));
        cvt::detail::arena measure;
        network::weight_layout{alone_, set, cvt::precision::f32, measure}.run(blocks_.data());
        require(packed_.resize(measure.peak()));
        cvt::detail::arena memory{packed_.data()};
        weights_ = network::weight_layout{alone_, set, cvt::precision::f32, memory}.run(blocks_.data());
        cvt_test::formula_weights formula;
        cvt::warning_list warnings;
        require(network::weight_packer{alone_, cvt::precision::f32, {&formula, &cvt_test::formula_weights::read}, warnings}.run(weights_));

        cvt::model_shape shape;
        shape.input = c.input;
        shape.num_stages = 1;
        shape.stage[0] = c.shape;
        require(workspace_.resize(network::plan_workspace(alone_, shape, set, 1, nullptr).bytes));
        plan_ = network::plan_workspace(alone_, shape, set, 1, workspace_.data());
        ctx_ = {&set, {}, plan_.scratch, plan_.scratch_size};
        const auto tokens = cvt_bench::filled("tokens", size(c.shape.queries() * c.stage.embed_dim));
        std::copy(tokens.begin(), tokens.end(), plan_.x[0]);
        std::copy(tokens.begin(), tokens.end(), plan_.y);
    }
    [[nodiscard]] bool is(const stage_case& c, int depth) const { return c_.where == c.where && alone_.stage[0].depth == depth; }

    void conv_embed() { network::conv_embed(pass(), weights_.stage[0].embed, from(), x().rows_at(c_.shape.cls, c_.shape.tokens.tokens())); }
    void conv_projection() { network::project(pass(), blocks_[0].attention, y(), c_.shape.queries()); }
    void attention() {
        network::attention(pass(), blocks_[0].attention, {.rows = c_.shape.queries()}, y());
        network::linear(blocks_[0].attention.output, plan_.attention[0].heads, x(), cvt::kernels::epilogue::add);
    }
    void mlp() {
        ctx_.for_each_tile(c_.shape.queries(), [this](network::row_range r, int worker) noexcept {
            network::mlp(pass(), blocks_[0].mlp, x().rows_at(r.first, r.count), ctx_.scratch_of(worker));
        });
    }
    void block(std::ptrdiff_t rows) { network::block(pass(), blocks_[0], {.rows = rows, .norm_after = &blocks_[0].norm1}, x(), y()); }
    void stage() { network::stage(pass(), weights_.stage[0], from(), {.last_block_cls_only = c_.shape.cls != 0}, x(), y()); }
    void head() {
        network::embedding(ctx_, weights_.head, c_.shape.cls, x(), y(), plan_.embedding);
        network::head(weights_.head, plan_.embedding, logits_.data());
    }

private:
    static void require(const cvt::error& e) {
        if (e) throw std::runtime_error{e.what()};
    }
    static void require(bool allocated) {
        if (!allocated) throw std::bad_alloc{};
    }
    static std::size_t size(std::ptrdiff_t n) { return static_cast<std::size_t>(n); }
    [[nodiscard]] network::stage_pass pass() const { return {ctx_, c_.stage, c_.shape, plan_.attention[0], cvt::gelu::quick}; }
    [[nodiscard]] cvt::matrix<float> x() const {
        return {.data = plan_.x[0], .rows = c_.shape.queries(), .cols = c_.stage.embed_dim, .stride = c_.stage.embed_dim};
    }
    [[nodiscard]] cvt::matrix<float> y() const {
        return {.data = plan_.y, .rows = c_.shape.queries(), .cols = c_.stage.embed_dim, .stride = network::row_stride(c_.stage.embed_dim)};
    }
    [[nodiscard]] network::embed_input from() const {
        return (c_.first ? network::image_input : network::token_input)(input_.data(), c_.channels, c_.input);
    }

    stage_case c_;
    cvt::config alone_;
    std::vector<network::block_weights> blocks_;
    network::model_weights weights_;
    network::workspace plan_;
    network::context ctx_;
    cvt::detail::buffer<std::byte> packed_, workspace_;
    cvt::detail::buffer<float> input_, logits_;
};

/// Returns the stage, made when it is first needed. Only one exists at a time: CvT-W24's third takes 1 GB.
ready_stage& ready(const stage_case& c, int depth) {
    static std::unique_ptr<ready_stage> kept;
    if (kept == nullptr || !kept->is(c, depth)) {
        kept.reset();
        kept = std::make_unique<ready_stage>(c, depth, **cvt::kernels::select(nullptr));
    }
    return *kept;
}

template <class Body>
void add(const char* layer, const stage_case& c, int depth, std::int64_t multiply_adds, Body body) {
    const auto run = [=](benchmark::State& state) {
        ready_stage& stage = ready(c, depth);
        const char* const kernels = (*cvt::kernels::select(nullptr))->name;
        cvt_bench::report_work(state, cvt_bench::seconds_each(state, [&] { body(stage); }), multiply_adds, kernels);
        state.SetLabel(kernels);
    };
    benchmark::RegisterBenchmark((std::string{layer} + '/' + c.where).c_str(), run)->Unit(benchmark::kMicrosecond);
}

void register_layers(const stage_case& c) {
    const cvt::stage_config& s = c.stage;
    const std::ptrdiff_t rows = c.shape.queries();
    add("conv_embed", c, 1, cvt::network::embedding_multiply_adds(s, c.channels, c.shape), [](ready_stage& r) { r.conv_embed(); });
    add("conv_projection", c, 1, cvt::network::projection_multiply_adds(s, c.shape, rows), [](ready_stage& r) { r.conv_projection(); });
    add("attention", c, 1, cvt::network::attention_multiply_adds(s, c.shape, rows), [](ready_stage& r) { r.attention(); });
    add("mlp", c, 1, cvt::network::mlp_multiply_adds(s, rows), [](ready_stage& r) { r.mlp(); });
    add("block", c, 1, cvt::network::block_multiply_adds(s, c.shape, rows), [rows](ready_stage& r) { r.block(rows); });
    if (c.shape.cls == 0) return;
    add("block_cls_only", c, 1, cvt::network::block_multiply_adds(s, c.shape, 1), [](ready_stage& r) { r.block(1); });
    add("head", c, 1, std::int64_t{1000} * s.embed_dim, [](ready_stage& r) { r.head(); });
}

}  // namespace

int main(int argc, char** argv) {
    const struct {
        const char* name;
        const cvt::config& config;
        int size;
        bool layers;
    } models[]{{"cvt-13", cvt::cvt_13, 224, true},
               {"cvt-21", cvt::cvt_21, 224, false},  // the layers of CvT-13, but more of them
               {"cvt-w24", cvt::cvt_w24, 384, true}};
    for (const auto& m : models) {
        const cvt::model_shape shape = *cvt::shape_of(m.config, m.size, m.size);
        cvt::grid input = shape.input;
        int channels = m.config.num_channels;
        for (std::size_t i = 0; i < m.config.stages().size(); ++i) {
            const stage_case c{std::string{m.name} + '/' + std::to_string(m.size) + "/stage:" + std::to_string(i + 1),
                               m.config.stage[i],
                               shape.stage[i],
                               input,
                               channels,
                               i == 0};
            if (m.layers) register_layers(c);
            add("stage", c, c.stage.depth,
                cvt::network::embedding_multiply_adds(c.stage, channels, c.shape) +
                    cvt_bench::blocks_work(c.stage, c.shape, c.shape.cls != 0),
                [](ready_stage& r) { r.stage(); });
            input = c.shape.tokens;
            channels = c.stage.embed_dim;
        }
    }
    return cvt_bench::run(argc, argv);
}
