// Recipes of docs/cookbook.md: learning a head.
#include <cstdio>
#include <cvt/convert.hpp>
#include <cvt/extra/head_trainer.hpp>

#include "recipes.hpp"

// recipe: learning a head
cvt::error learn_classes(const char* model, cvt::view<const float, 2> embeddings, std::span<const int> labels,
                         std::span<const char* const> names, const char* folder) {
    const auto head = cvt::train_head(embeddings, labels, static_cast<int>(names.size()));
    if (!head) return head.error();
    for (const cvt::head_trial& t : head->trials) std::printf("C = %g: %.1f %%\n", t.strength, 100 * t.accuracy);
    cvt::convert_options options;
    options.head = cvt::head_view{head->weights, head->bias};
    options.labels = names;
    return cvt::convert(model, folder, options).error();
}
// end
