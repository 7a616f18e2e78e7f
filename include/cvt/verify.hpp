// verify(): runs the self-test of a checkpoint on this machine, with this program's compiler flags.
#pragma once

#include <cmath>

#include "checkpoint/self_test.hpp"
#include "session.hpp"
#include "test_pattern.hpp"

CVT_NAMESPACE_BEGIN

/// Result of verify().
/// @code{.cpp}
/// cvt::result<cvt::verification> v = cvt::verify(model);
/// if (!v) return report(v.error());
/// std::printf("%s: difference %g, limit %g\n", v->good() ? "good" : "wrong", v->difference, v->limit);
/// @endcode
struct verification {
    const char* output = "logits";  ///< what was compared: "logits" or "embedding"
    std::size_t values = 0;         ///< number of values compared
    int height = 0, width = 0;      ///< of the generated image, in pixels
    double difference = 0;          ///< largest |computed - stored|; the largest double if a computed value is not finite
    double limit = 0;               ///< allowed difference of two float32 passes, or of an int8 pass from a float32 one
    char stored_by[64] = "";        ///< version and kernels that computed the stored values: "cvt 0.2.0, avx2"

    [[nodiscard]] bool good() const noexcept { return difference <= limit; }
};

namespace detail {

/// A correct float32 pass is within 2e-5 of the exact result, relative to the largest value if that is above 1. This is the
/// bound of the golden tests. Two passes are within twice that of each other.
inline constexpr double self_test_limit = 4e-5;
/// The stored values are those of a float32 pass. An int8 pass with generated weights differs from it by 2 to 4 % of the largest.
inline constexpr double int8_self_test_limit = 0.1;

/// Runs `m` on the generated image and writes its logits to `out`, or its embedding if it has no head. Errors: those of session::run.
inline error run_formula_image(const model& m, int height, int width, std::uint64_t seed, const executor& threads,
                               buffer<float>& out) noexcept {
    const config& c = m.config();
    buffer<float> image;
    const std::uint64_t pixels =
        static_cast<std::uint64_t>(c.num_channels) * static_cast<std::uint64_t>(height) * static_cast<std::uint64_t>(width);
    const auto count = static_cast<std::size_t>(c.num_classes > 0 ? c.num_classes : c.last_stage().embed_dim);
    if (!image.resize(pixels) || !out.resize(count)) return error::out_of_memory("a self-test", (pixels + count) * sizeof(float));
    fill_formula_image({image.data(), image.size()}, seed);
    session s{m, {.executor = threads}};
    outputs wanted;
    (c.num_classes > 0 ? wanted.logits : wanted.embedding) = {out.data(), count};
    return s.run(view<const float, 4>{image.data(), 1, c.num_channels, height, width}, wanted);
}

}  // namespace detail

/// Runs the self-test of a converted checkpoint (convert.hpp) and compares this machine's values with the stored ones.
/// Errors: invalid_argument (there is no self-test), malformed, unsupported, mismatch (it belongs to another model or another
/// activation), out_of_memory.
inline result<verification> verify(const model& m, const executor& threads = {}) noexcept {
    const std::string_view text = m.self_test();
    if (text.empty())
        return error::format(errc::invalid_argument,
                             "the checkpoint has no self-test; a conversion (cvt::convert, classify --convert) stores one");
    const result<checkpoint::self_test> stored = checkpoint::read_self_test(text);
    if (!stored) return stored.error();
    const config& c = m.config();
    const char* output = stored->logits ? "logits" : "embedding";
    const auto count = static_cast<std::size_t>(c.num_classes > 0 ? c.num_classes : c.last_stage().embed_dim);
    if (stored->logits != (c.num_classes > 0) || stored->values.size() != std::min(count, checkpoint::self_test::max_values))
        return error::format(errc::mismatch, "self-test: expected %zu %s, found %zu %s", std::min(count, checkpoint::self_test::max_values),
                             c.num_classes > 0 ? "logits" : "embedding values", stored->values.size(), output);
    if (stored->gelu != c.gelu)
        return error::format(errc::mismatch, "self-test: stored for %s GELU, the model runs with %s GELU", to_string(stored->gelu),
                             to_string(c.gelu));

    detail::buffer<float> found;
    if (error e = detail::run_formula_image(m, stored->height, stored->width, stored->seed, threads, found)) return e;
    verification v{.output = output, .values = stored->values.size(), .height = stored->height, .width = stored->width};
    double largest = 1;
    for (std::size_t i = 0; i < stored->values.size(); ++i) {
        const double expected = static_cast<double>(stored->values[i]), distance = std::fabs(static_cast<double>(found[i]) - expected);
        if (std::fabs(expected) > largest) largest = std::fabs(expected);
        if (!detail::is_finite(found[i]))
            v.difference = std::numeric_limits<double>::max();
        else if (distance > v.difference)
            v.difference = distance;
    }
    v.limit = (m.precision() == precision::int8 ? detail::int8_self_test_limit : detail::self_test_limit) * largest;
    std::memcpy(v.stored_by, stored->computed_by, sizeof v.stored_by);
    return v;
}

CVT_NAMESPACE_END
