// Recipes: a checkpoint to a folder with F16 weights, and a model's self-test.
#include "recipes.hpp"

#include <cstdio>
#include <cvt/convert.hpp>

// recipe: convert
cvt::error convert_to_f16(const char* checkpoint, const cvt::config& config, std::span<const char* const> labels, const char* folder) {
    cvt::convert_options options;
    options.load.config = config;  // not needed for a folder with a config.json, or for a published variant
    options.weights = cvt::weight_type::float16;
    options.preprocessing = cvt::preprocessing::for_size(224);
    options.labels = labels;  // one for each class
    const auto done = cvt::convert(checkpoint, folder, options);
    if (!done) return done.error();
    std::printf("%zu tensors, %llu bytes\n", done->tensors, static_cast<unsigned long long>(done->weight_bytes));
    return {};
}
// end

// recipe: verify
cvt::error check_numbers(const cvt::model& model) {
    const auto check = cvt::verify(model);
    if (!check) return check.error();  // invalid_argument: the checkpoint has no self-test
    std::printf("%zu %s, stored by %s: %.1e apart, %.1e allowed\n", check->values, check->output, check->stored_by, check->difference,
                check->limit);
    if (!check->good()) return cvt::error::format(cvt::errc::mismatch, "self-test: %g apart", check->difference);
    return {};
}
// end
