// One translation unit of a program that mixes compiler flags: runs a small model. Compiled once for each set of flags;
// CVT_TEST_UNIT is the name of its function.
#include "unit.hpp"

#include <cstdint>
#include <cstring>

#include <cvt/cvt.hpp>

#define CVT_TEST_TEXT_(x) #x
#define CVT_TEST_TEXT(x) CVT_TEST_TEXT_(x)

// Everything in this file is static: only the library's own names must be able to clash between units.
namespace {

static_assert(sizeof unit_result::load_error == cvt::error::capacity);

unsigned hash(const char* text, unsigned index) noexcept {
    unsigned h = 2166136261U ^ index * 2654435761U;
    for (; *text != '\0'; ++text) h = (h ^ static_cast<unsigned char>(*text)) * 16777619U;
    h = (h ^ (h >> 15)) * 2246822519U;
    return h ^ (h >> 13);
}

cvt::error read(void* poisoned, const char* name, std::span<const std::int64_t> shape, float* out) noexcept {
    std::int64_t count = 1;
    for (const std::int64_t e : shape) count *= e;
    const bool variance = std::strstr(name, "running_var") != nullptr;
    for (std::int64_t i = 0; i < count; ++i) {
        const float u = static_cast<float>(hash(name, static_cast<unsigned>(i)) >> 8) / 16777216.F - 0.5F;
        out[i] = variance ? 1.F + u : u;
    }
    // By its bits: under -ffast-math a compiler may leave out a NaN that a function returns.
    constexpr std::uint32_t nan = 0x7FC00000U;
    if (poisoned != nullptr && std::strcmp(name, "head.bias") == 0) std::memcpy(out + 3, &nan, sizeof nan);
    return {};
}

constexpr cvt::config tiny() noexcept {
    cvt::config c;
    c.num_classes = 7;
    c.num_stages = 2;
    c.stage[0].embed_dim = 12;
    c.stage[0].num_heads = 3;
    c.stage[0].patch_size = 7;
    c.stage[0].patch_stride = 4;
    c.stage[0].patch_padding = 2;
    c.stage[1].embed_dim = 33;
    c.stage[1].num_heads = 3;
    c.stage[1].cls_token = true;
    return c;
}

void run(unit_result& out) noexcept {
    const cvt::error missing = cvt::model::load("/nonexistent/model.safetensors").error();
    std::memcpy(out.load_error, missing.what(), std::strlen(missing.what()) + 1);

    int poison = 0;
    const cvt::result<cvt::model> sick = cvt::model::from_weights(tiny(), {&poison, &read});
    if (!sick) return static_cast<void>(out.failure = "a model with a NaN was refused");
    out.warnings = sick->warnings().count;

    const cvt::result<cvt::model> model = cvt::model::from_weights(tiny(), {nullptr, &read});
    if (!model) return static_cast<void>(out.failure = "no model");
    out.kernels = model->kernels();
    cvt::preprocessing preprocessing;
    preprocessing.short_side = 40;
    preprocessing.crop_height = preprocessing.crop_width = 32;
    cvt::session session{*model, {.preprocessing = preprocessing}};

    static float tensor[3 * 33 * 47];
    for (unsigned i = 0; i < sizeof tensor / sizeof *tensor; ++i) tensor[i] = static_cast<float>(hash("image", i) >> 8) / 8388608.F - 1.F;
    if (session.logits(cvt::view<const float, 3>{tensor, 3, 33, 47}, out.logits)) out.failure = "logits failed";

    static std::uint8_t pixels[64 * 57 * 3];
    for (unsigned i = 0; i < sizeof pixels; ++i) pixels[i] = static_cast<std::uint8_t>(hash("pixels", i) >> 24);
    if (session.classify(cvt::image_view{pixels, 64, 57}, out.image_logits)) out.failure = "classify failed";
}

}  // namespace

void CVT_TEST_UNIT(unit_result& out) {
    out = {};
    out.name = CVT_TEST_TEXT(CVT_ABI_NAMESPACE);
    run(out);
}
