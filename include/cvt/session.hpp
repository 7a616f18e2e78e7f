// session: one thread's forward passes over a model: images or tensors in; logits, embedding, maps, attention out.
#pragma once

#include "image/preprocessor.hpp"
#include "model.hpp"
#include "runtime/reentrancy_guard.hpp"

CVT_NAMESPACE_BEGIN

/// Options of a session; all are optional.
/// @code{.cpp}
/// cvt::session_options options;
/// options.preprocessing = cvt::preprocessing::for_size(384);  // in place of the model's
/// cvt::session session{model, options};
/// @endcode
struct session_options {
    cvt::executor executor{};                              ///< the host's threads; default: the calling thread
    std::optional<cvt::preprocessing> preprocessing = {};  ///< default: the model's
};

/// Outputs of a forward pass over N inputs. An empty span is not computed; any other must have exactly the size given here.
/// @code{.cpp}
/// std::vector<float> embedding(384), map(64 * 56 * 56);  // CvT-13 at 224 x 224
/// cvt::outputs out{.embedding = embedding};
/// out.stages[0] = map;
/// if (cvt::error e = session.run(std::span{&photo, 1}, out)) return report(e);
/// @endcode
struct outputs {
    std::span<float> logits = {};     ///< (N, num_classes)
    std::span<float> embedding = {};  ///< (N, embed_dim of the last stage): the vector before the head
    /// (N, embed_dim, height, width) of each stage, not normalised: the official stage outputs, transformers' hidden_states.
    std::array<std::span<float>, config::max_stages> stages = {};
    /// (N, heads, keys - 1): attention of the class token to the key grid, in the last block of the last stage.
    std::span<float> cls_attention = {};
};

/// Runs a model. A session belongs to one thread at a time; any number of sessions may share a model. The constructor
/// allocates nothing. The first call at an input size allocates the workspace; later calls allocate nothing, except that
/// larger images may grow the resize buffers (docs/memory.md). After an error the outputs are unspecified and the session
/// can be used again. A moved-from session may only be assigned to or destroyed. A call during another call, on another
/// thread or from an executor's task, is an error (invalid_argument) and does not disturb the other.
///
/// Inputs may contain NaN and infinity. They make the outputs of their own image unspecified (NaN as a rule). Other
/// images in the batch and later calls are not affected. Finite inputs and weights give finite results unless a product
/// leaves the range of float32, which takes values beyond about 1e15.
/// @code{.cpp}
/// cvt::session session{model};
/// std::vector<float> logits(static_cast<std::size_t>(model.config().num_classes));
/// if (cvt::error e = session.classify(photo, logits)) return report(e);
/// std::puts(model.label(cvt::top_k<1>(logits)[0].index));
/// @endcode
class session {
public:
    explicit session(const model& m, const session_options& options = {}) noexcept
        : model_{m}, executor_{options.executor}, preprocessor_{options.preprocessing ? *options.preprocessing : m.preprocessing()} {}

    /// Writes the logits (num_classes) of an image of any size. Errors: bad_image; invalid_argument (`logits` has another
    /// size, the model does not take 3 channels or has no head, the executor has no workers); out_of_memory.
    error classify(const image_view& image, std::span<float> logits) noexcept { return classify(std::span{&image, 1}, logits); }
    /// Writes the logits (N, num_classes) of N images.
    error classify(std::span<const image_view> images, std::span<float> logits) noexcept {
        return logits.empty() ? no_logits() : run(images, {.logits = logits});
    }

    /// Writes the logits (num_classes) of a normalised tensor (channels, height, width) of any size the model takes.
    error logits(view<const float, 3> input, std::span<float> out) noexcept {
        return out.empty() ? no_logits() : run(batch_of_one(input), {.logits = out});
    }
    /// Writes the vector before the head (embed_dim of the last stage).
    error embedding(view<const float, 3> input, std::span<float> out) noexcept {
        return out.empty() ? nowhere("embedding") : run(batch_of_one(input), {.embedding = out});
    }
    error embedding(const image_view& image, std::span<float> out) noexcept {
        return out.empty() ? nowhere("embedding") : run(std::span{&image, 1}, {.embedding = out});
    }

    /// Computes all requested outputs of a batch (N, channels, height, width) of normalised inputs.
    error run(view<const float, 4> input, const outputs& out) noexcept {
        const detail::reentrancy_guard::call call{guard_};
        if (!call) return in_use();
        const config& c = model_.config();
        if (input.data() == nullptr || input.extent(0) < 1)
            return error::format(errc::invalid_argument, "input: expected at least one image of (%d, height, width), found none",
                                 c.num_channels);
        if (input.extent(1) != c.num_channels)
            return error::format(errc::invalid_argument, "input: expected %d channels, found %td", c.num_channels, input.extent(1));
        if (error e = prepare(input.extent(2), input.extent(3), input.extent(0), out)) return e;
        for (std::ptrdiff_t n = 0; n < input.extent(0); ++n) forward(input[n].data(), n, input.extent(0), out);
        return {};
    }

    /// Computes all requested outputs of N images of any sizes. Preprocessing that neither crops nor warps may give inputs
    /// of different sizes. Consecutive images of one input size then share a plan, and maps and attention, whose sizes
    /// depend on the input's, cannot be requested.
    error run(std::span<const image_view> images, const outputs& out) noexcept {
        const detail::reentrancy_guard::call call{guard_};
        if (!call) return in_use();
        const config& c = model_.config();
        if (images.empty()) return error::format(errc::invalid_argument, "images: expected at least one, found none");
        if (c.num_channels != 3)
            return error::format(errc::invalid_argument, "images: expected a model of 3 channels, this one takes %d; pass tensors",
                                 c.num_channels);
        const auto count = static_cast<std::ptrdiff_t>(images.size());
        for (std::size_t n = 0; n < images.size(); ++n) {
            const result<grid> size = preprocessor_.plan(images[n].width, images[n].height);
            if (!size) return of_image(n, images.size(), size.error());
            if (n != 0 && wants_maps(out) && *size != shape_.input) return other_size(n, *size);
            if (n == 0 || *size != shape_.input)
                if (error e = prepare(size->height, size->width, count, out)) return n == 0 ? e : of_image(n, images.size(), e);
            const auto floats = static_cast<std::size_t>(3 * size->tokens());
            if (!input_.resize(floats)) return error::out_of_memory("session input", floats * sizeof(float));
            const view<float, 3> input{input_.data(), 3, size->height, size->width};
            if (error e = preprocessor_.run(images[n], input)) return of_image(n, images.size(), e);
            forward(input_.data(), static_cast<std::ptrdiff_t>(n), count, out);
        }
        return {};
    }

    [[nodiscard]] const cvt::preprocessing& preprocessing() const noexcept { return preprocessor_.preprocessing(); }
    [[nodiscard]] const cvt::model& model() const noexcept { return model_; }

private:
    static view<const float, 4> batch_of_one(view<const float, 3> input) noexcept {
        return view<const float, 4>{input.data(), 1, input.extent(0), input.extent(1), input.extent(2)};
    }

    static error in_use() noexcept {
        return error::format(errc::invalid_argument, "session: another call is running: expected one session per thread");
    }

    static error nowhere(const char* what) noexcept {
        return error::format(errc::invalid_argument, "%s: expected room for the result, found an empty span", what);
    }

    static error no_head() noexcept {
        return error::format(errc::invalid_argument, "logits: the model has no head; ask for its embedding");
    }

    /// The error for an empty span of logits.
    [[nodiscard]] error no_logits() const noexcept { return model_.config().num_classes == 0 ? no_head() : nowhere("logits"); }

    /// Whether outputs are requested whose size depends on the input's.
    static bool wants_maps(const outputs& out) noexcept {
        return !out.cls_attention.empty() || std::any_of(out.stages.begin(), out.stages.end(), [](auto map) { return !map.empty(); });
    }

    [[nodiscard]] error other_size(std::size_t n, grid size) const noexcept {
        return error::format(errc::invalid_argument,
                             "images: expected one size in a batch for maps and attention, image %zu becomes %d x %d (width x height), "
                             "the first %d x %d",
                             n, size.width, size.height, shape_.input.width, shape_.input.height);
    }

    /// Adds the image's number in the batch to an error.
    static error of_image(std::size_t n, std::size_t count, const error& e) noexcept {
        return count == 1 ? e : error::format(e.code(), "image %zu of the batch: %s", n, e.what());
    }

    static error check_size(const char* what, std::span<float> out, std::ptrdiff_t count, std::ptrdiff_t each) noexcept {
        if (out.empty()) return {};
        // A division, because count * each may overflow.
        const auto row = static_cast<std::size_t>(each);
        if (out.size() % row == 0 && out.size() / row == static_cast<std::size_t>(count)) return {};
        return error::format(errc::invalid_argument, "%s: expected room for %td x %td floats, found %zu", what, count, each, out.size());
    }

    /// Checks the whole call and plans the workspace, unless it is already planned for this input size.
    error prepare(std::ptrdiff_t height, std::ptrdiff_t width, std::ptrdiff_t count, const outputs& out) noexcept {
        const config& c = model_.config();
        if (error e = detail::check_workers(executor_.workers)) return e;
        const result<model_shape> shape = detail::shape_of_valid(c, height, width);
        if (!shape) return shape.error();
        if (error e = network::check_addressable(c, *shape)) return e;
        if (error e = check_outputs(*shape, count, out)) return e;
        if (shape->input == shape_.input) return {};
        shape_ = {};  // after a failed allocation there is no plan
        const kernels::kernel_set& kernels = *model_.data_->kernels;
        const std::uint64_t bytes = network::plan_workspace(c, *shape, kernels, executor_.workers, nullptr).bytes;
        if (!workspace_.resize(bytes)) return error::out_of_memory("session workspace", bytes);
        plan_ = network::plan_workspace(c, *shape, kernels, executor_.workers, workspace_.data());
        shape_ = *shape;
        return {};
    }

    [[nodiscard]] error check_outputs(const model_shape& shape, std::ptrdiff_t count, const outputs& out) const noexcept {
        const config& c = model_.config();
        if (!out.logits.empty() && c.num_classes == 0) return no_head();
        if (error e = check_size("logits", out.logits, count, c.num_classes)) return e;
        if (error e = check_size("embedding", out.embedding, count, c.last_stage().embed_dim)) return e;
        for (std::size_t i = 0; i < out.stages.size(); ++i) {
            if (out.stages[i].empty()) continue;
            if (i >= c.stages().size())
                return error::format(errc::invalid_argument, "stages: the model has %d stages, map %zu was requested", c.num_stages, i);
            char name[32];
            std::snprintf(name, sizeof name, "stages[%zu]", i);
            if (error e = check_size(name, out.stages[i], count, c.stage[i].embed_dim * shape.stage[i].tokens.tokens())) return e;
        }
        if (!out.cls_attention.empty() && !c.uses_cls_token())
            return error::format(errc::invalid_argument, "cls_attention: the model has no class token in its last stage");
        return check_size("cls_attention", out.cls_attention, count, c.last_stage().num_heads * shape.last_stage().keys.tokens());
    }

    /// Runs the network on input n of count.
    void forward(const float* input, std::ptrdiff_t n, std::ptrdiff_t count, const outputs& out) noexcept {
        network::forward_outputs one{.logits = part(out.logits, n, count),
                                     .embedding = part(out.embedding, n, count),
                                     .cls_attention = part(out.cls_attention, n, count)};
        for (std::size_t i = 0; i < out.stages.size(); ++i) one.stages[i] = part(out.stages[i], n, count);
        const detail::model_data& m = *model_.data_;
        m.forward({.config = m.config, .weights = m.weights, .kernels = *m.kernels, .host = executor_, .shape = shape_, .memory = plan_},
                  input, one);
    }

    /// The part of an output that belongs to input n of count; null if the output was not requested.
    static float* part(std::span<float> all, std::ptrdiff_t n, std::ptrdiff_t count) noexcept {
        return all.empty() ? nullptr : all.data() + all.size() / static_cast<std::size_t>(count) * static_cast<std::size_t>(n);
    }

    cvt::model model_;
    executor executor_;
    image_preprocessor preprocessor_;
    model_shape shape_;
    network::workspace plan_;
    detail::buffer<std::byte> workspace_;
    detail::buffer<float> input_;
    detail::reentrancy_guard guard_;
};

CVT_NAMESPACE_END
