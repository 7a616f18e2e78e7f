// Fuzz target: a checkpoint end to end at both precisions, from files in memory through model and session to the outputs of a tensor
// and an image.
#include <cvt/cost.hpp>
#include <cvt/load.hpp>
#include <cvt/session.hpp>

#include "folder_parts.hpp"
#include "safetensors_parts.hpp"
#include "zip_parts.hpp"

namespace {

/// Limits for models: a hostile one may need more memory and time than a fuzzer has. Hosts should also check first.
bool affordable(const cvt::model& model, int height, int width) {
    const auto workspace = model.workspace_bytes(height, width);
    const auto work = cvt::multiply_adds(model.config(), height, width);
    return workspace && work && *workspace < (32U << 20) && *work < 20'000'000;
}

cvt::result<cvt::model> load(const cvt_fuzz::folder_parts& parts, std::size_t size, std::optional<cvt::precision> precision) {
    cvt_fuzz::memory::begin();
    auto model = cvt::model::from_memory({cvt_fuzz::bytes_of(parts.weights), parts.config, parts.preprocessor}, {.precision = precision});
    cvt_fuzz::memory::finish(size, 96);
    if (!model) cvt_fuzz::refused(model.error());
    return model;
}

/// Computes the outputs of a tensor and of an image.
void run(const cvt::model& model) {
    const cvt::config& c = model.config();
    cvt::session session{model};
    std::vector<float> embedding(static_cast<std::size_t>(c.last_stage().embed_dim)), logits(static_cast<std::size_t>(c.num_classes));
    if (const int side = cvt::minimum_input(c); affordable(model, side, side)) {
        const std::vector<float> input(static_cast<std::size_t>(c.num_channels) * static_cast<std::size_t>(side * side), 0.5F);
        cvt_fuzz::require(!session.embedding(cvt::view<const float, 3>{input.data(), c.num_channels, side, side}, embedding),
                          "a tensor that the model does not take");
    }
    static const std::vector<std::uint8_t> pixels(40 * 30 * 3, 200);
    const cvt::image_view photo{pixels.data(), 40, 30};
    const auto grid = cvt::output_size(model.preprocessing(), photo.width, photo.height);
    if (grid && affordable(model, grid->height, grid->width)) {
        const cvt::error e = c.num_classes == 0 ? session.embedding(photo, embedding) : session.classify(photo, logits);
        if (e) cvt_fuzz::refused(e);
    }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const cvt_fuzz::folder_parts parts = cvt_fuzz::folder_parts::from(cvt_fuzz::text_of(data, size));
    const auto model = load(parts, size, {});
    if (model) run(*model);

    // The other precision: int8 from a float32 file, float32 from an int8 file.
    const bool as_int8 = model && model->precision() == cvt::precision::f32;
    const auto other = load(parts, size, as_int8 ? cvt::precision::int8 : cvt::precision::f32);
    if (model && !other)
        cvt_fuzz::require(as_int8 && other.error().code() == cvt::errc::unsupported, "a model that loads at one precision only");
    if (other) run(*other);
    return 0;
}

std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed) {
    cvt_fuzz::dice d{seed};
    cvt_fuzz::folder_parts parts = cvt_fuzz::folder_parts::from(cvt_fuzz::text_of(data, size));
    switch (d.below(8)) {
        case 0: parts.preprocessor = cvt_fuzz::mutated(std::move(parts.preprocessor), 64); break;
        case 1:
        case 2: parts.config = cvt_fuzz::mutated(std::move(parts.config), 64); break;
        case 3: parts.weights = cvt_fuzz::mutated(std::move(parts.weights), 64); break;
        default:
            parts.weights =
                parts.weights.starts_with("PK") ? cvt_fuzz::mutated_zip(parts.weights, d) : cvt_fuzz::mutated_safetensors(parts.weights, d);
    }
    return cvt_fuzz::replace(data, size, max_size, parts.bytes());
}
