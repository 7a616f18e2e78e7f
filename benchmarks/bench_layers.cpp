// Each layer of the published models with formula weights, on the calling thread: <layer>/<model>/<size>/stage:<n>.
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <cvt/kernels/select.hpp>
#include <cvt/network/workspace.hpp>
#include <cvt/network/pack.hpp>

#include "harness.hpp"
#include "memory.hpp"
#include "work.hpp"

namespace {

namespace layers = cvt::layers;

/// One stage of a published model: where it stands and what goes in.
struct stage_case {
    std::string where;  ///< "cvt-13/224/stage:1"
    cvt::stage_config stage;
    cvt::model_shape::stage_shape shape;
    cvt::grid input;
    int channels;
    bool first;  ///< the input is the image
};

/// The stage alone, with weights, workspace and tokens: what a model and a session hold. The only code here that knows how.
class ready_stage {
public:
    ready_stage(const stage_case& c, int depth, const cvt::kernels::kernel_set& set)
        : c_{c}, input_{cvt_bench::filled("input", size(c.input.tokens() * c.channels))}, logits_{cvt_bench::array(1000)} {
        alone_.num_channels = c.channels;
        alone_.num_classes = c.shape.cls != 0 ? 1000 : 0;  // the last stage's has the head
        alone_.num_stages = 1;
        alone_.stage[0] = c.stage;
        alone_.stage[0].depth = depth;

        cvt::detail::arena measure;
        cvt::detail::weight_packer counter{alone_, set, measure};
        require(counter.run(nullptr, weights_));
        std::vector<float> tensor(counter.tensor_floats()), vectors(counter.vector_floats());
        packed_ = cvt_bench::array(measure.peak());
        blocks_.resize(size(depth));
        cvt::detail::arena memory{packed_.data()};
        cvt::detail::weight_packer packer{alone_, set, memory};
        cvt_test::formula_weights formula;
        cvt::warning_list warnings;
        const cvt::weight_source source{&formula, &cvt_test::formula_weights::read};
        packer.fill_from(source, tensor.data(), vectors.data(), warnings);
        require(packer.run(blocks_.data(), weights_));

        cvt::model_shape shape;
        shape.input = c.input;
        shape.num_stages = 1;
        shape.stage[0] = c.shape;
        workspace_ = cvt_bench::array(cvt::detail::plan(alone_, shape, set, 1, nullptr).floats);
        plan_ = cvt::detail::plan(alone_, shape, set, 1, workspace_.data());
        run_ = {&set, {}, plan_.scratch, plan_.scratch_size};
        const auto tokens = cvt_bench::filled("tokens", size(c.shape.queries() * c.stage.embed_dim));
        std::copy(tokens.begin(), tokens.end(), plan_.x[0]);
        std::copy(tokens.begin(), tokens.end(), plan_.y);
    }
    [[nodiscard]] bool is(const stage_case& c, int depth) const { return c_.where == c.where && alone_.stage[0].depth == depth; }

    void conv_embed() { layers::conv_embed(run_, c_.stage, weights_.stage[0].embed, from(), c_.shape.tokens, plan_.x[0]); }
    void conv_projection() {
        layers::queries_keys_values(run_, c_.stage, blocks_[0].attention, c_.shape, plan_.attention[0], plan_.y, c_.shape.queries());
    }
    void attention() {
        layers::attention(run_, c_.stage, blocks_[0].attention, c_.shape, plan_.attention[0], plan_.y, c_.shape.queries(), nullptr);
        layers::attention_output(run_, c_.stage, blocks_[0].attention, plan_.attention[0], 0, c_.shape.queries(), plan_.x[0]);
    }
    void mlp() {
        run_.for_each_tile(c_.shape.queries(), [this](std::ptrdiff_t first, std::ptrdiff_t rows, int worker) noexcept {
            layers::mlp(run_, c_.stage, blocks_[0].mlp, cvt::gelu::quick, rows, plan_.x[0] + first * c_.stage.embed_dim,
                        run_.scratch_of(worker));
        });
    }
    void block(std::ptrdiff_t rows) {
        layers::block(run_, c_.stage, blocks_[0], cvt::gelu::quick, c_.shape, plan_.attention[0], rows, plan_.x[0], plan_.y,
                      &blocks_[0].norm1, nullptr);
    }
    void stage() {
        layers::stage(run_, c_.stage, weights_.stage[0], cvt::gelu::quick, from(), c_.shape, plan_.attention[0],
                      {.last_block_cls_only = c_.shape.cls != 0}, plan_.x[0], plan_.y);
    }
    void head() {
        layers::embedding(run_, weights_.head, c_.shape, c_.stage.embed_dim, plan_.x[0], plan_.y, plan_.embedding);
        layers::head(run_, weights_.head, plan_.embedding, logits_.data());
    }

private:
    static void require(const cvt::error& e) {
        if (e) throw std::runtime_error{e.what()};
    }
    static std::size_t size(std::ptrdiff_t n) { return static_cast<std::size_t>(n); }
    [[nodiscard]] layers::embed_input from() const { return {input_.data(), c_.channels, c_.input, c_.first}; }

    stage_case c_;
    cvt::config alone_;
    std::vector<layers::block_weights> blocks_;
    cvt::detail::model_weights weights_;
    cvt::detail::workspace_plan plan_;
    layers::context run_;
    cvt::detail::buffer<float> packed_, workspace_, input_, logits_;
};

/// The stage, made when it is first needed, and the only one there is: CvT-W24's third takes 1 GB.
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
    add("conv_embed", c, 1, cvt_bench::conv_embed_work(s, c.channels, c.shape), [](ready_stage& r) { r.conv_embed(); });
    add("conv_projection", c, 1, cvt_bench::projection_work(s, c.shape, rows), [](ready_stage& r) { r.conv_projection(); });
    add("attention", c, 1, cvt_bench::attention_work(s, c.shape, rows), [](ready_stage& r) { r.attention(); });
    add("mlp", c, 1, cvt_bench::mlp_work(s, rows), [](ready_stage& r) { r.mlp(); });
    add("block", c, 1, cvt_bench::block_work(s, c.shape, rows), [rows](ready_stage& r) { r.block(rows); });
    if (c.shape.cls == 0) return;
    add("block_cls_only", c, 1, cvt_bench::block_work(s, c.shape, 1), [](ready_stage& r) { r.block(1); });
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
               {"cvt-21", cvt::cvt_21, 224, false},  // layers as CvT-13's, but more of them
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
                cvt_bench::conv_embed_work(c.stage, channels, c.shape) + cvt_bench::blocks_work(c.stage, c.shape, c.shape.cls != 0),
                [](ready_stage& r) { r.stage(); });
            input = c.shape.tokens;
            channels = c.stage.embed_dim;
        }
    }
    return cvt_bench::run(argc, argv);
}
