// Learns two class prototypes from four embeddings. Loads no model: cvt::head_trainer has the kernels that it needs.
#include <array>
#include <cstdio>
#include <cvt/extra/head_trainer.hpp>

int main() {
    const std::array<float, 8> embeddings{1, 0, 0.9F, 0.1F, 0, 1, 0.1F, 0.9F};  // (4, 2)
    const std::array<int, 4> labels{0, 0, 1, 1};
    const auto head =
        cvt::train_head(cvt::view<const float, 2>{embeddings.data(), 4, 2}, labels, 2, {.method = cvt::head_method::prototype});
    if (!head) return std::fprintf(stderr, "%s\n", head.error().what()), 1;
    if (head->weights.size() == 4 && head->weights[0] > head->weights[2]) return 0;
    return std::fprintf(stderr, "the first prototype is not the larger one along the first axis\n"), 1;
}
