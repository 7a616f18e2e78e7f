// Recipes of docs/cookbook.md: learning a head, and classes from a few examples.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cvt/convert.hpp>
#include <cvt/extra/head_trainer.hpp>
#include <functional>
#include <numeric>

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

// recipe: classes from a few examples
std::vector<int> nearest_prototypes(cvt::view<const float, 2> supports, std::span<const int> labels, int classes,
                                    cvt::view<const float, 2> queries) {
    const auto width = static_cast<std::size_t>(supports.extent(1));
    const auto unit = [width](cvt::view<const float, 2> rows, std::size_t i) {  // a row, scaled to length 1
        std::vector<double> x(rows.data() + i * width, rows.data() + (i + 1) * width);
        const double length = std::sqrt(std::inner_product(x.begin(), x.end(), x.begin(), 0.0));
        for (double& v : x) v /= std::max(length, 1e-12);
        return x;
    };
    const std::vector<int> all{labels.begin(), labels.end()};
    std::vector<std::vector<double>> prototypes(static_cast<std::size_t>(classes), std::vector<double>(width));
    for (std::size_t i = 0; i < labels.size(); ++i) {
        const std::vector<double> x = unit(supports, i);
        const auto count = static_cast<double>(std::count(all.begin(), all.end(), labels[i]));
        for (std::size_t j = 0; j < width; ++j) prototypes[static_cast<std::size_t>(labels[i])][j] += x[j] / count;
    }
    std::vector<int> nearest;
    for (std::size_t i = 0; i < static_cast<std::size_t>(queries.extent(0)); ++i) {
        const std::vector<double> x = unit(queries, i);
        std::vector<double> distances;
        for (const std::vector<double>& p : prototypes)
            distances.push_back(std::inner_product(x.begin(), x.end(), p.begin(), 0.0, std::plus<>{},
                                                   [](double a, double b) { return (a - b) * (a - b); }));
        nearest.push_back(static_cast<int>(std::min_element(distances.begin(), distances.end()) - distances.begin()));
    }
    return nearest;
}
// end
